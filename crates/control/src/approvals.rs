//! Calls that a policy holds back until a person has approved them: this caller, this tool, exactly these arguments, once.

use std::time::Duration;

use chrono::TimeDelta;
use domain::{
    Approval, ApprovalId, ApprovalState, Granted, InstallId, OpCtx, Page, PageArgs,
    authz::permission::{ApprovalDecide, McpUse},
};
use serde_json::json;
use store::{ApprovedCall, NewApproval, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// How long a call waits for a decision.
const WAITS: TimeDelta = TimeDelta::hours(1);
/// How long it may be made after the decision, and how long a refusal holds.
const HOLDS: TimeDelta = TimeDelta::minutes(15);
/// Calls of one caller that may wait at once: more would bury the one that matters.
const PENDING_MAX: u64 = 20;
/// Longest arguments that are shown to somebody for approval.
const ARGUMENTS_MAX: usize = 64 * 1024;

/// A call that needs a person.
#[derive(Debug, Clone, Copy)]
pub struct HeldCall<'a> {
    pub install: InstallId,
    /// Without the install's prefix.
    pub tool: &'a str,
    /// As the caller sent them.
    pub arguments: &'a str,
    /// SHA-256 of their canonical form, in hex.
    pub digest: &'a str,
    /// What the policies say to whoever decides.
    pub reason: &'a str,
}

/// What becomes of such a call.
#[derive(Debug, Clone)]
pub enum Gate {
    /// It was approved, and the approval is used up: make the call now.
    Open,
    /// It waits, or was refused.
    Closed(Box<Approval>),
}

// === impl Control ===

impl Control {
    /// Lets a held call pass if a person has approved it, which uses the approval up; asks for one otherwise.
    ///
    /// # Errors
    /// [`Error::Denied`] without the permission to call at all; [`Error::Limited`] when too many calls of the caller wait;
    /// [`Error::Invalid`] for arguments too long to be shown to anybody.
    pub async fn pass_gate(&self, ctx: &OpCtx, held: HeldCall<'_>) -> Result<Gate, Error> {
        let deed = Deed::on(action::APPROVAL_REQUEST, &held.install);
        let granted = self.require::<McpUse>(ctx, &deed).await?;
        let now = self.now();
        let call = ApprovedCall {
            principal: ctx.principal().to_string(),
            install: held.install,
            tool: held.tool.to_owned(),
            digest: held.digest.to_owned(),
        };
        let tx = self.store().begin(&granted).await?;
        if let Some(approval) = tx.approvals().find(&granted, &call, now).await? {
            if approval.state != ApprovalState::Approved {
                return Ok(Gate::Closed(Box::new(approval)));
            }
            if tx.approvals().finish(&granted, approval.id, now).await? {
                tx.commit().await?;
                return Ok(Gate::Open);
            }
        }
        let approval = self.hold(&tx, &granted, call, &held).await?;
        let deed = Deed::on(action::APPROVAL_REQUEST, &approval.id);
        let detail =
            json!({ "install": held.install, "tool": held.tool, "arguments_sha256": held.digest });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        Ok(Gate::Closed(Box::new(approval)))
    }

    async fn hold(
        &self,
        tx: &Tx,
        granted: &Granted<McpUse>,
        call: ApprovedCall,
        held: &HeldCall<'_>,
    ) -> Result<Approval, Error> {
        if held.arguments.len() > ARGUMENTS_MAX {
            let message = "arguments of a call that a person approves have at most 64 KiB";
            return Err(Error::invalid("arguments", "length", message));
        }
        let now = self.now();
        tx.approvals().forget_expired(granted, now).await?;
        if tx.approvals().count_pending(granted, &call.principal, now).await? >= PENDING_MAX {
            return Err(Error::Limited { retry_after: Duration::from_mins(1) });
        }
        let new = NewApproval {
            id: ApprovalId::generate(),
            call,
            arguments: held.arguments.to_owned(),
            reason: held.reason.to_owned(),
            requested_at: now,
            expires_at: now + WAITS,
        };
        Ok(tx.approvals().create(granted, new).await?)
    }

    /// Approves or refuses a call that waits. Nobody decides about their own.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`]; [`Error::Invalid`] for one's own call; [`Error::Conflict`] when it is decided or
    /// has expired.
    pub async fn decide_approval(
        &self,
        ctx: &OpCtx,
        id: ApprovalId,
        approve: bool,
    ) -> Result<Approval, Error> {
        let deed = Deed::on(action::APPROVAL_DECIDE, &id);
        let granted = self.require_whole::<ApprovalDecide>(ctx, &deed).await?;
        let tx = self.store().begin(&granted).await?;
        let waiting = tx.approvals().lookup(&granted, id).await?;
        if waiting.principal == ctx.principal().to_string() {
            let message = "somebody else has to decide about your own call";
            return Err(Error::invalid("id", "own", message));
        }
        let now = self.now();
        let decided = tx.approvals().update(&granted, id, approve, now, now + HOLDS).await;
        let approval = decided.map_err(|error| match error {
            store::Error::Stale => Error::conflict("id", "this is already decided, or too late"),
            other => other.into(),
        })?;
        let detail = json!({
            "approve": approve,
            "principal": approval.principal,
            "tool": approval.tool,
            "arguments_sha256": approval.digest,
        });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        Ok(approval)
    }

    /// Calls that wait or waited, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] for a cursor that is none.
    pub async fn list_approvals(
        &self,
        ctx: &OpCtx,
        state: Option<ApprovalState>,
        page: PageArgs,
    ) -> Result<Page<Approval>, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::APPROVAL_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.approvals().list(&granted, state, &page).await?)
    }

    /// A call by the id of its approval.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    pub async fn lookup_approval(&self, ctx: &OpCtx, id: ApprovalId) -> Result<Approval, Error> {
        let granted = self.require_whole(ctx, &Deed::on(action::APPROVAL_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.approvals().lookup(&granted, id).await?)
    }
}
