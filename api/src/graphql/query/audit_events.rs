//! `auditEvents` and `auditSettings`.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};
use control::AuditFilter;

use crate::graphql::{
    caller::Caller,
    model::{
        audit_event::{AuditEvent, AuditOutcome},
        audit_settings::AuditSettings,
    },
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct AuditEventsQuery;

#[Object]
impl AuditEventsQuery {
    /// What was done, newest first.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
        #[graphql(
            desc = "Only this action (`install.create`), or those that begin with it up to a dot (`install`)."
        )]
        action: Option<String>,
        #[graphql(desc = "Only what this one did: a global id.")] actor: Option<String>,
        #[graphql(desc = "Only what was done to this: a global id or a name.")] target: Option<
            String,
        >,
        outcome: Option<AuditOutcome>,
        #[graphql(desc = "Not before this time.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "Before this time.")] until: Option<DateTime<Utc>>,
        #[graphql(desc = "Only what was part of this request.")] request_id: Option<String>,
    ) -> Result<Connection<AuditEvent>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let outcome = outcome.map(Into::into);
        let filter = AuditFilter { action, actor, target, outcome, from, until, request_id };
        let events = caller.control.list_audit(&caller.ctx, filter, page).await?;
        Ok(connect(events, continued, AuditEvent))
    }

    /// What the organisation wants of its audit log.
    async fn audit_settings(&self, ctx: &Context<'_>) -> Result<AuditSettings> {
        let caller = Caller::of(ctx);
        Ok(AuditSettings(caller.control.audit_settings(&caller.ctx).await?))
    }
}
