//! `auditEvents`.

use async_graphql::{Context, Object, Result};
use control::AuditFilter;

use crate::graphql::{
    caller::Caller,
    model::audit_event::AuditEvent,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct AuditEventsQuery;

#[Object]
impl AuditEventsQuery {
    /// What was done, newest first.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
        #[graphql(desc = "Only this action, for instance `install.create`.")] action: Option<
            String,
        >,
    ) -> Result<Connection<AuditEvent>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let events = caller.control.list_audit(&caller.ctx, AuditFilter { action, ..AuditFilter::default() }, page).await?;
        Ok(connect(events, continued, AuditEvent))
    }
}
