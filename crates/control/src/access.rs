//! Asking for permissions, with every refusal in the audit log; and the one rule of which installs a caller reaches.

use domain::{
    Denied, Granted, InstallId, OpCtx, SystemReason, TenantId,
    authz::{Permission, PermissionName, PermissionSet, permission::AuditWrite},
};
use serde_json::{Value, json};
use store::{NewAudit, Tx};

use crate::{Control, Error, audit::Deed};

// === impl Control ===

impl Control {
    /// Asks for a permission. A refusal is written to the audit log, in a transaction of its own.
    pub(crate) async fn require<P: Permission>(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
    ) -> Result<Granted<P>, Error> {
        match ctx.require::<P>() {
            Ok(granted) => Ok(granted),
            Err(denied) => self.refuse(ctx, deed, denied).await,
        }
    }

    /// As [`Control::require`], for what changes the organisation as a whole: a key that is limited to some installs may not.
    pub(crate) async fn require_whole<P: Permission>(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
    ) -> Result<Granted<P>, Error> {
        let granted = self.require(ctx, deed).await?;
        if ctx.limited_to().is_some() {
            return self.refuse(ctx, deed, ctx.denied::<P>()).await;
        }
        Ok(granted)
    }

    /// As [`Control::require`], about one install. An install out of the caller's reach answers like one that is not there.
    pub(crate) async fn require_on<P: Permission>(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        install: InstallId,
    ) -> Result<Granted<P>, Error> {
        let granted = self.require(ctx, deed).await?;
        if ctx.reaches(install) { Ok(granted) } else { Err(Error::NotFound) }
    }

    /// Refuses, and writes down, what would give or take more than the caller holds.
    pub(crate) async fn require_holding(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        wanted: PermissionSet,
    ) -> Result<(), Error> {
        match beyond(ctx, wanted) {
            Some(denied) => self.refuse(ctx, deed, denied).await,
            None => Ok(()),
        }
    }

    /// Writes a refusal down and gives it back.
    pub(crate) async fn refuse<T>(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        denied: Denied,
    ) -> Result<T, Error> {
        let detail = json!({ "needs": name_of(denied.permission) });
        let granted = audit_grant(ctx.tenant(), ctx.request_id());
        let tx = self.store().begin(&granted).await?;
        tx.audit().append(&granted, self.audit_of(ctx, deed).denied(detail)).await?;
        tx.commit().await?;
        Err(denied.into())
    }

    /// Appends an audit entry in the transaction of what it tells.
    pub(crate) async fn audit(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        deed: &Deed,
        detail: Value,
    ) -> Result<(), Error> {
        let audit = NewAudit { detail, ..self.audit_of(ctx, deed).succeeded() };
        tx.audit().append(&audit_grant(ctx.tenant(), ctx.request_id()), audit).await?;
        Ok(())
    }
}

/// The first of these permissions that the caller does not hold.
pub(crate) fn beyond(ctx: &OpCtx, wanted: PermissionSet) -> Option<Denied> {
    let access = ctx.access();
    let missing = wanted.without(access.permissions).iter().next();
    missing.map(|permission| Denied { role: access.role, permission })
}

/// The audit log is append-only for the system alone; the actor inside the entry is the caller.
pub(crate) fn audit_grant(tenant: TenantId, request_id: &str) -> Granted<AuditWrite> {
    Granted::system(SystemReason::RecordAudit, tenant, request_id)
}

fn name_of(permission: PermissionName) -> Value {
    json!(permission)
}
