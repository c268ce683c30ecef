//! Logout at the provider, both ways: RP-Initiated Logout 1.0 from here, Back-Channel Logout 1.0 from there.

use chrono::TimeDelta;
use domain::{OpCtx, SsoConnectionId, TenantId, TokenHash, authz::permission::AuditWrite};
use serde_json::json;
use store::NewAudit;
use url::Url;

use super::{
    finish::refused,
    granted,
    tokens::{self, LOGOUT_WINDOW_MINUTES, Refusal, SKEW_SECONDS},
};
use crate::{
    Control, Error,
    audit::{Deed, action},
};

// === impl Control ===

impl Control {
    /// Where the browser of this session can end the provider's session too; `None` when there is no such place, or the provider does
    /// not answer. Ask before the session is ended.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn end_session_url(
        &self,
        ctx: &OpCtx,
        public_url: &str,
    ) -> Result<Option<Url>, Error> {
        let Some(session) = ctx.session() else { return Ok(None) };
        let session = self.store().directory().lookup_session(session).await?;
        let Some(proof) = session.proof else { return Ok(None) };
        let (client, _) = match self.client_of(&proof.voucher, ctx.request_id()).await {
            Ok(found) => found,
            // The connection was removed in the meantime: there is nobody to tell.
            Err(Error::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(provider) = self.provider(&client).await else { return Ok(None) };
        let endpoint = provider.metadata.additional_metadata().end_session_endpoint.clone();
        let Some(mut url) = endpoint.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return Ok(None);
        };
        let back = format!("{}/sign-in", public_url.trim_end_matches('/'));
        url.query_pairs_mut()
            .append_pair("client_id", &client.id)
            .append_pair("logout_hint", &proof.subject)
            .append_pair("post_logout_redirect_uri", &back);
        Ok(Some(url))
    }

    /// Takes a logout token of a provider and ends the sessions that it names. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the token is not believed or was taken before, [`Error::NotFound`] for an unknown connection,
    /// [`Error::Upstream`] when the provider's keys cannot be had.
    pub async fn log_out_from_provider(
        &self,
        tenant: TenantId,
        id: SsoConnectionId,
        token: &str,
        request_id: &str,
    ) -> Result<u64, Error> {
        let (_, client) = self.connection_client(tenant, id, request_id).await?;
        let provider = self.provider(&client).await?;
        let now = self.now();
        let keys = self.provider_keys(&client, &provider, false).await?;
        let mut checked = tokens::check_logout_token(token, &keys, &client, now);
        if checked == Err(Refusal::UnknownKey) {
            let keys = self.provider_keys(&client, &provider, true).await?;
            checked = tokens::check_logout_token(token, &keys, &client, now);
        }
        let logout = checked.map_err(|why| {
            refused("logout_token", format!("the logout token is not accepted: {why}"))
        })?;
        let directory = self.store().directory();
        let once = TokenHash::of(&format!("{}|{}", client.issuer, logout.id));
        let remembered =
            TimeDelta::minutes(2 * LOGOUT_WINDOW_MINUTES) + TimeDelta::seconds(2 * SKEW_SECONDS);
        if !directory.take_logout_token(once, now + remembered).await? {
            return Err(refused("logout_token", "the logout token was taken before"));
        }
        let (subject, session) = (logout.subject.as_deref(), logout.provider_session.as_deref());
        let ended = directory.revoke_vouched(id, subject, session, now).await?;
        let auditing = granted::<AuditWrite>(tenant, request_id);
        let tx = self.store().begin(&auditing).await?;
        let actor = domain::Principal::System(domain::SystemReason::SignIn);
        let deed = Deed::on(action::SESSION_END_BY_PROVIDER, &id);
        let entry = self.audit_by(&actor, request_id, &deed).succeeded();
        let detail = json!({ "sessions": ended });
        tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
