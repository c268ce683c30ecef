//! Tokens by which a directory provisions: made and ended by admins, shown once, kept as hashes.

use chrono::TimeDelta;
use domain::{
    Granted, OpCtx, Page, PageArgs, Principal, ScimToken, ScimTokenId, SecretString, TokenHash,
    authz::permission::{IdentityRead, IdentityWrite},
    secret::ExposeSecret,
};
use serde_json::json;
use store::NewScimToken;

use super::{Provisioner, ScimError};
use crate::{
    Control, Error,
    audit::{Deed, action},
    login::random_token,
    tenants::check_name,
};

/// Says what it is to whoever finds one, and to secret scanners.
const PREFIX: &str = "pb_scim_";
const OVERLAP_MAX_HOURS: u32 = 24 * 30;

/// A token that was made.
#[derive(Debug)]
pub struct CreatedScimToken {
    pub token: ScimToken,
    /// Its text: this is the only time that it can be read.
    pub secret: SecretString,
}

// === impl Control ===

impl Control {
    /// The organisation's tokens, never their text.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_scim_tokens(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<ScimToken>, Error> {
        let granted = self.require(ctx, &Deed::new(action::SCIM_TOKEN_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.scim_tokens().list(&granted, &page).await?)
    }

    /// Makes a token. With `replaces`, an older one ends after so many hours: in between both work, so that nothing stops.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Invalid`], [`Error::NotFound`] for an older one that is not there.
    pub async fn create_scim_token(
        &self,
        ctx: &OpCtx,
        name: &str,
        replaces: Option<(ScimTokenId, u32)>,
    ) -> Result<CreatedScimToken, Error> {
        let id = ScimTokenId::generate();
        let deed = Deed::on(action::SCIM_TOKEN_CREATE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        check_name("name", name)?;
        if replaces.is_some_and(|(_, hours)| hours > OVERLAP_MAX_HOURS) {
            let message = "two tokens overlap for at most 30 days";
            return Err(Error::invalid("overlapHours", "out_of_range", message));
        }
        let secret: SecretString = format!("{PREFIX}{}", random_token()?.expose_secret()).into();
        let text = secret.expose_secret();
        let created_by = match ctx.principal() {
            Principal::User(user) => Some(*user),
            _ => None,
        };
        let new = NewScimToken {
            id,
            name: name.trim().to_owned(),
            hash: TokenHash::of(text),
            last_four: text[text.len() - 4..].to_owned(),
            created_by,
            created_at: self.now(),
            expires_at: None,
        };
        let tx = self.store().begin(&granted).await?;
        let token = tx.scim_tokens().create(&granted, new).await?;
        if let Some((old, hours)) = replaces {
            let reading: Granted<IdentityRead> = ctx.require()?;
            tx.scim_tokens().lookup(&reading, old).await?;
            let at = self.now() + TimeDelta::hours(hours.into());
            tx.scim_tokens().expire(&granted, old, at).await?;
        }
        let detail = json!({ "replaces": replaces.map(|(old, _)| old) });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        Ok(CreatedScimToken { token, secret })
    }

    /// Ends a token at once. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn revoke_scim_token(
        &self,
        ctx: &OpCtx,
        id: ScimTokenId,
    ) -> Result<ScimToken, Error> {
        let deed = Deed::on(action::SCIM_TOKEN_REVOKE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        let tx = self.store().begin(&granted).await?;
        let token = tx.scim_tokens().revoke(&granted, id, self.now()).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The directory behind a token, at the door of an organisation. `base` is the address of that door.
    ///
    /// # Errors
    /// [`ScimError::Unauthenticated`], alike for an organisation that is not there, a token of another one, and one that has ended.
    pub async fn by_scim_token(
        &self,
        slug: &str,
        text: &str,
        request_id: &str,
        base: &str,
    ) -> Result<Provisioner, ScimError> {
        let tenant = self.store().directory().find_tenant(slug).await?;
        let tenant = tenant.ok_or(ScimError::Unauthenticated)?.id;
        let mut who = Provisioner {
            tenant,
            token: ScimTokenId::generate(),
            request_id: request_id.to_owned(),
            base: base.to_owned(),
        };
        let reading: Granted<IdentityRead> = who.granted();
        let tx = self.store().read(&reading).await?;
        let found = tx.scim_tokens().find(&reading, TokenHash::of(text)).await?;
        drop(tx);
        let now = self.now();
        let token = found.filter(|it| it.is_live(now)).ok_or(ScimError::Unauthenticated)?;
        who.token = token.id;
        if token.last_used_at.is_none_or(|at| now - at >= TimeDelta::minutes(1)) {
            let writing: Granted<IdentityWrite> = who.granted();
            let tx = self.store().begin(&writing).await?;
            tx.scim_tokens().touch_used(&writing, token.id, now).await?;
            tx.commit().await?;
        }
        Ok(who)
    }
}
