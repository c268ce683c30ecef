//! What people have granted to AI clients, for those people and for admins.

use domain::{
    ClientGrant, ClientGrantId, Granted, OpCtx, Page, PageArgs, Principal,
    authz::permission::{ApiKeyRead, ApiKeyWrite, McpUse},
    event::Event,
};
use serde_json::json;

use crate::{
    Control, Error,
    audit::{Deed, action},
};

// === impl Control ===

impl Control {
    /// Everybody's grants, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not see keys.
    pub async fn list_client_grants(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<ClientGrant>, Error> {
        let deed = Deed::new(action::CLIENT_GRANT_LIST);
        let granted = self.require_whole::<ApiKeyRead>(ctx, &deed).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.client_grants().list(&granted, &page).await?)
    }

    /// The caller's own grants, newest first; none behind an API key.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not use MCP.
    pub async fn list_own_client_grants(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<ClientGrant>, Error> {
        let granted = self.require::<McpUse>(ctx, &Deed::new(action::CLIENT_GRANT_LIST)).await?;
        let Principal::User(user) = *ctx.principal() else {
            return Ok(Page { items: Vec::new(), has_next: false });
        };
        let tx = self.store().read(&granted).await?;
        Ok(tx.client_grants().list_own(&granted, user, &page).await?)
    }

    /// Ends a grant: one's own, or anybody's for whoever may revoke keys. Its tokens are refused from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there, is not the caller's to end, or has ended.
    pub async fn revoke_client_grant(
        &self,
        ctx: &OpCtx,
        id: ClientGrantId,
    ) -> Result<ClientGrant, Error> {
        let deed = Deed::on(action::CLIENT_GRANT_REVOKE, &id);
        let using = self.require::<McpUse>(ctx, &deed).await?;
        let tx = self.store().begin(&using).await?;
        let ended = if let Some(granted) = may_end_all(ctx) {
            tx.client_grants().revoke(&granted, id, self.now()).await?
        } else if let Principal::User(user) = *ctx.principal() {
            tx.client_grants().revoke_own(&using, user, id, self.now()).await?
        } else {
            false
        };
        if !ended {
            return Err(Error::NotFound);
        }
        let grant = tx.client_grants().lookup(&using, id).await?;
        self.audit(&tx, ctx, &deed, json!({ "client": grant.client_id })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(grant)
    }
}

/// Whether the caller may end what others have let in: a key that is limited to some installs may not.
fn may_end_all(ctx: &OpCtx) -> Option<Granted<ApiKeyWrite>> {
    ctx.require().ok().filter(|_| ctx.limited_to().is_none())
}
