//! What an organisation wants of its audit log.

use domain::{
    Granted, OpCtx,
    audit::{AuditSettings, Overload},
    authz::permission::{AuditRead, TenantWrite},
    event::Event,
};
use serde_json::json;

use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// A century: beyond it nothing is removed anyway.
const RETENTION_MAX_DAYS: u32 = 36_500;

// === impl Control ===

impl Control {
    /// What the organisation wants of its audit log; the defaults when it never said.
    ///
    /// # Errors
    /// [`Error::Denied`] without `audit.read`.
    pub async fn audit_settings(&self, ctx: &OpCtx) -> Result<AuditSettings, Error> {
        let granted: Granted<AuditRead> = self.require(ctx, &Deed::new(action::AUDIT_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.audit().settings(&granted).await?)
    }

    /// Says what the organisation wants of its audit log.
    ///
    /// # Errors
    /// [`Error::Denied`] without `tenant.write`; [`Error::Invalid`] for a number of days that cannot be one.
    pub async fn update_audit_settings(
        &self,
        ctx: &OpCtx,
        settings: AuditSettings,
    ) -> Result<AuditSettings, Error> {
        let deed = Deed::new(action::AUDIT_SETTINGS_UPDATE);
        let granted: Granted<TenantWrite> = self.require_whole(ctx, &deed).await?;
        if settings.retention_days.is_some_and(|days| !(1..=RETENTION_MAX_DAYS).contains(&days)) {
            let message = "entries are kept for 1 to 36500 days, or for ever";
            return Err(Error::invalid("retention_days", "out_of_range", message));
        }
        let tx = self.store().begin(&granted).await?;
        let before = tx.audit().settings(&granted).await?;
        tx.audit().keep_settings(&granted, &settings, self.now()).await?;
        self.audit(&tx, ctx, &deed, json!({ "before": before, "after": settings })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(settings)
    }

    /// What happens to calls that cannot be noted where the organisation did not say.
    pub fn usual_overload(&self) -> Overload {
        self.config().audit_overload
    }
}
