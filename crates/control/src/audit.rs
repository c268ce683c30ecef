//! What was done, by whom and how it ended. Entries hold names and counts, never arguments, results or secrets.

use domain::{
    AuditEvent, AuditId, AuditOutcome, OpCtx, Page, PageArgs, Principal, TenantId, audit::Overload,
};
use serde_json::{Value, json};
pub use store::AuditFilter;
use store::NewAudit;

use crate::{Control, Error, journal::CallSlot};

pub(crate) use crate::audit_actions as action;
pub use crate::audit_actions::Action;

/// What somebody is about to do: the action and what it is done to.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    action: Action,
    target: Option<String>,
}

/// An entry whose outcome is not known yet.
pub(crate) struct Entry(NewAudit);

/// A finished MCP call, as the gateway tells it.
#[derive(Debug, Clone)]
pub struct CallAudit {
    pub actor: Principal,
    /// By the method: [`Action::of_call`].
    pub action: Action,
    /// Tool, resource or install; never arguments.
    pub target: Option<String>,
    pub outcome: AuditOutcome,
    pub request_id: String,
    /// Further facts, such as the duration; never arguments, results or secrets.
    pub detail: Value,
}

// === impl Deed ===

impl Deed {
    /// An action without a target of its own.
    pub(crate) const fn new(action: Action) -> Self {
        Self { action, target: None }
    }

    /// An action on something.
    pub(crate) fn on(action: Action, target: &impl ToString) -> Self {
        Self { action, target: Some(target.to_string()) }
    }
}

// === impl Entry ===

impl Entry {
    pub(crate) fn succeeded(self) -> NewAudit {
        self.0
    }

    pub(crate) fn denied(self, detail: Value) -> NewAudit {
        NewAudit { outcome: AuditOutcome::Denied, detail, ..self.0 }
    }
}

// === impl Control ===

impl Control {
    /// The audit log, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin.
    pub async fn list_audit(
        &self,
        ctx: &OpCtx,
        filter: AuditFilter,
        page: PageArgs,
    ) -> Result<Page<AuditEvent>, Error> {
        let granted = self.require(ctx, &Deed::new(action::AUDIT_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.audit().list(&granted, filter, &page).await?)
    }

    /// An entry by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn lookup_audit(&self, ctx: &OpCtx, id: AuditId) -> Result<AuditEvent, Error> {
        let granted = self.require(ctx, &Deed::on(action::AUDIT_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.audit().lookup(&granted, id).await?)
    }

    /// Keeps a place in the buffer for the entry of a call, before the call is served. `None` when the buffer is full: then
    /// [`Control::serves_unnoted`] says what to do.
    pub fn reserve_call(&self) -> Option<CallSlot> {
        self.0.journal.reserve()
    }

    /// Whether a call of this organisation is served although it cannot be noted.
    pub fn serves_unnoted(&self, tenant: TenantId) -> bool {
        self.0.journal.overload(tenant, self.config().audit_overload) == Overload::Drop
    }

    /// Whether the arguments of this organisation's tool calls are to be in their entries.
    pub fn keeps_arguments(&self, tenant: TenantId) -> bool {
        self.0.journal.settings(tenant).keep_arguments
    }

    /// Notes a finished MCP call. Returns at once: a task writes entries in batches, so that a slow database delays no call.
    /// Without a place the call is counted ([`Control::audit_dropped`]), and the log is told that it is missing.
    pub fn record_call(&self, slot: Option<CallSlot>, tenant: TenantId, call: CallAudit) {
        let Some(slot) = slot else { return self.0.journal.missed(tenant) };
        let entry = NewAudit {
            id: AuditId::generate(),
            at: self.now(),
            actor: call.actor.to_string(),
            action: call.action.as_str().to_owned(),
            target: call.target,
            outcome: call.outcome,
            request_id: call.request_id,
            detail: call.detail,
        };
        slot.fill(tenant, entry);
    }

    /// Writes every noted call that is still in memory. The last thing of a shutdown.
    pub async fn flush_audit(&self) {
        self.0.journal.flush().await;
    }

    /// How many entries of MCP calls were lost since the start, to a full buffer or a failing database.
    pub fn audit_dropped(&self) -> u64 {
        self.0.journal.dropped()
    }

    /// The entry of what a caller does, outcome still open.
    pub(crate) fn audit_of(&self, ctx: &OpCtx, deed: &Deed) -> Entry {
        self.audit_by(ctx.principal(), ctx.request_id(), deed)
    }

    /// The entry of what somebody does, outcome still open.
    pub(crate) fn audit_by(&self, actor: &Principal, request_id: &str, deed: &Deed) -> Entry {
        Entry(NewAudit {
            id: AuditId::generate(),
            at: self.now(),
            actor: actor.to_string(),
            action: deed.action.as_str().to_owned(),
            target: deed.target.clone(),
            outcome: AuditOutcome::Succeeded,
            request_id: request_id.to_owned(),
            detail: json!({}),
        })
    }
}
