//! Codes and refresh tokens become access tokens; and how a client gives them back.

use authserver::{AccessToken, Challenge, Form, Presented, TokenRequest, Verdict, judge};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ClientGrant, ClientGrantId, Granted, SecretString, Tenant, TokenHash,
    authz::permission::McpUse, event::Event, secret::ExposeSecret,
};
use serde_json::json;
use store::{NewAudit, NewRefreshToken, Tx};
use uuid::Uuid;

use super::{Refusal, granted};
use crate::{
    Control, Error,
    access::audit_grant,
    audit::{Deed, action},
    login::random_token,
    standing::Standings,
};

/// How long an access token is good. A grant that ends ends it at once; this bounds what nobody notices.
const ACCESS_MINUTES: i64 = 10;
/// How long a grant holds without being used.
pub(super) const GRANT_DAYS: i64 = 30;

const UNKNOWN_CODE: &str = "this code is not known";
const UNKNOWN_TOKEN: &str = "this refresh token is not known";

/// The answer of the token endpoint (RFC 6749, section 5.1).
#[derive(Debug)]
pub struct Tokens {
    pub access: SecretString,
    pub refresh: SecretString,
    pub expires_in: i64,
    pub scope: String,
}

// === impl Control ===

impl Control {
    /// Exchanges a code or a refresh token.
    ///
    /// # Errors
    /// [`Refusal::Client`].
    pub async fn exchange_token(
        &self,
        slug: &str,
        form: &Form,
        request_id: &str,
    ) -> Result<Tokens, Refusal> {
        let request = TokenRequest::parse(form)?;
        let issuer = self.issuer(slug);
        issuer.check_resource(form.get("resource"))?;
        // An organisation that is not there answers like one that knows neither code nor token.
        let Some(tenant) = self.store().directory().find_tenant(slug).await? else {
            return Err(unusable(match request {
                TokenRequest::Code { .. } => UNKNOWN_CODE,
                TokenRequest::Refresh { .. } => UNKNOWN_TOKEN,
            }));
        };
        match request {
            TokenRequest::Code { client_id, code, redirect_uri, verifier } => {
                let proof = Proof { client_id, redirect_uri, verifier };
                self.exchange_code(&tenant, &code, &proof, request_id).await
            }
            TokenRequest::Refresh { client_id, token, scope } => {
                self.refresh(&tenant, (&client_id, &token, scope.as_deref()), request_id).await
            }
        }
    }

    async fn exchange_code(
        &self,
        tenant: &Tenant,
        code: &str,
        proof: &Proof,
        request_id: &str,
    ) -> Result<Tokens, Refusal> {
        let (granted, now) = (granted(tenant.id, request_id), self.now());
        let tx = self.store().begin(&granted).await?;
        let found = tx.client_grants().use_code(&granted, TokenHash::of(code), now).await?;
        let Some(found) = found else { return Err(unusable(UNKNOWN_CODE)) };
        let grant = tx.client_grants().lookup(&granted, found.grant).await?;
        if !found.fresh {
            // Whoever comes second may be the thief, and so may whoever came first.
            self.end_grant(tx, &grant, "code_reused", request_id).await?;
            return Err(unusable("this code was used before"));
        }
        let fits = found.expires_at > now
            && found.redirect_uri == proof.redirect_uri
            && grant.client_id == proof.client_id
            && Challenge::of_stored(&found.challenge)
                .is_some_and(|it| it.is_met_by(&proof.verifier));
        if !fits || !grant.is_live(now) {
            self.end_grant(tx, &grant, "code_refused", request_id).await?;
            return Err(unusable("this code is too old, or not for this client and redirect URI"));
        }
        self.issue(tx, tenant, Issue { grant, parent: None, scope: None }, request_id).await
    }

    async fn refresh(
        &self,
        tenant: &Tenant,
        (client_id, token, scope): (&str, &str, Option<&str>),
        request_id: &str,
    ) -> Result<Tokens, Refusal> {
        let (granted, now) = (granted(tenant.id, request_id), self.now());
        let hash = TokenHash::of(token);
        let tx = self.store().begin(&granted).await?;
        let found = tx.client_grants().find_refresh_token(&granted, hash).await?;
        let Some(found) = found else { return Err(unusable(UNKNOWN_TOKEN)) };
        let grant = tx.client_grants().lookup(&granted, found.grant).await?;
        if grant.client_id != client_id || !grant.is_live(now) {
            return Err(unusable(UNKNOWN_TOKEN));
        }
        let presented = Presented {
            expires_at: found.expires_at.timestamp(),
            used_at: found.used_at.map(|at| at.timestamp()),
            successors: found.successors,
            successor_used: found.successor_used,
        };
        match judge(presented, now.timestamp()) {
            Verdict::Rotate => {
                let issue = Issue { grant, parent: Some(hash), scope };
                self.issue(tx, tenant, issue, request_id).await
            }
            Verdict::Expired => Err(unusable("this refresh token has expired")),
            Verdict::Stolen => {
                self.end_grant(tx, &grant, "refresh_token_reused", request_id).await?;
                Err(unusable("this refresh token was used before: the client has to ask again"))
            }
        }
    }

    async fn issue(
        &self,
        tx: Tx,
        tenant: &Tenant,
        issue: Issue<'_>,
        request_id: &str,
    ) -> Result<Tokens, Refusal> {
        let Issue { grant, parent, scope } = issue;
        let granted: Granted<McpUse> = granted(tenant.id, request_id);
        self.check_person(&tx, &grant, request_id).await?;
        let (now, refresh) = (self.now(), random_token()?);
        let expires_at = now + TimeDelta::days(GRANT_DAYS);
        let new = NewRefreshToken {
            hash: TokenHash::of(refresh.expose_secret()),
            grant: grant.id,
            parent,
            created_at: now,
            expires_at,
        };
        tx.client_grants().create_refresh_token(&granted, new).await?;
        tx.client_grants().prolong(&granted, grant.id, now, expires_at).await?;
        tx.commit().await?;
        let scope = narrowed(&grant.scope, scope);
        let access = self.sign_access(tenant, &grant, &scope, now)?;
        Ok(Tokens { access, refresh, expires_in: ACCESS_MINUTES * 60, scope })
    }

    /// Whoever has left, or may not use MCP any more, has no clients either.
    async fn check_person(
        &self,
        tx: &Tx,
        grant: &ClientGrant,
        request_id: &str,
    ) -> Result<(), Refusal> {
        let reading = crate::login::reading_members(grant.tenant, request_id);
        let access = Standings::new(tx, reading).of_user(grant.user).await?;
        let may_use = domain::authz::PermissionName::McpUse;
        if access.is_some_and(|access| access.permissions.contains(may_use)) {
            return Ok(());
        }
        Err(unusable("the person behind this grant may not use this endpoint any more"))
    }

    fn sign_access(
        &self,
        tenant: &Tenant,
        grant: &ClientGrant,
        scope: &str,
        now: DateTime<Utc>,
    ) -> Result<SecretString, Refusal> {
        let issuer = self.issuer(&tenant.slug);
        let token = AccessToken {
            iss: issuer.as_str().to_owned(),
            sub: grant.user.to_string(),
            aud: issuer.resource(),
            client_id: grant.client_id.clone(),
            scope: scope.to_owned(),
            grant: grant.id.to_string(),
            jti: Uuid::now_v7().to_string(),
            iat: now.timestamp(),
            exp: (now + TimeDelta::minutes(ACCESS_MINUTES)).timestamp(),
        };
        let signed = token.sign(&self.0.token_keys).map_err(Error::internal)?;
        Ok(signed.into())
    }

    /// Ends a grant because of what its client did.
    async fn end_grant(
        &self,
        tx: Tx,
        grant: &ClientGrant,
        why: &str,
        request_id: &str,
    ) -> Result<(), Refusal> {
        let granted: Granted<McpUse> = granted(grant.tenant, request_id);
        let ended =
            tx.client_grants().revoke_own(&granted, grant.user, grant.id, self.now()).await?;
        if ended {
            let deed = Deed::on(action::CLIENT_GRANT_REVOKE, &grant.id);
            let entry = self.audit_by(granted.principal(), request_id, &deed).succeeded();
            let entry = NewAudit { detail: json!({ "why": why }), ..entry };
            tx.audit().append(&audit_grant(grant.tenant, request_id), entry).await?;
        }
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: grant.tenant }).await;
        Ok(())
    }

    /// A client gives back a token (RFC 7009): what it was granted ends. A token that is not known is no error.
    ///
    /// # Errors
    /// [`Refusal::Client`] without a token.
    pub async fn revoke_token(
        &self,
        slug: &str,
        form: &Form,
        request_id: &str,
    ) -> Result<(), Refusal> {
        let Some(token) = form.get("token") else {
            return Err(authserver::Error::missing("token").into());
        };
        let Some(tenant) = self.store().directory().find_tenant(slug).await? else { return Ok(()) };
        let granted = granted(tenant.id, request_id);
        let now = self.now();
        let signed =
            authserver::verify(token, &self.0.token_keys, &self.issuer(slug), now.timestamp());
        let tx = self.store().begin(&granted).await?;
        let id: Option<ClientGrantId> = if let Ok(signed) = signed {
            signed.grant.parse().ok()
        } else {
            let found =
                tx.client_grants().find_refresh_token(&granted, TokenHash::of(token)).await?;
            found.map(|it| it.grant)
        };
        let Some(id) = id else { return Ok(()) };
        match tx.client_grants().lookup(&granted, id).await {
            // A token in other hands than its client's gives nobody the right to end anything.
            Ok(grant) if form.get("client_id").is_none_or(|client| client == grant.client_id) => {
                self.end_grant(tx, &grant, "given_back", request_id).await
            }
            Ok(_) | Err(store::Error::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a client shows with a code.
struct Proof {
    client_id: String,
    redirect_uri: String,
    verifier: String,
}

/// What is to be issued.
struct Issue<'a> {
    grant: ClientGrant,
    /// The refresh token that was presented.
    parent: Option<TokenHash>,
    /// What the client wants of what it was granted.
    scope: Option<&'a str>,
}

/// Less, if the client wants less; never more.
fn narrowed(granted: &str, asked: Option<&str>) -> String {
    let (granted, asked) = (
        authserver::Scopes::requested(Some(granted)),
        asked.map(|asked| authserver::Scopes::requested(Some(asked))),
    );
    asked.filter(|asked| asked.is_within(granted)).unwrap_or(granted).to_string()
}

fn unusable(why: &'static str) -> Refusal {
    authserver::Error::grant(why).into()
}
