//! The audit log as a whole, on its way to somebody else.

use std::pin::Pin;

use domain::{Granted, OpCtx, audit::ExportLine, authz::permission::AuditRead};
use futures_util::{Stream, stream};
use serde_json::json;
use store::AuditFilter;

use crate::{
    Control, Error,
    access::audit_grant,
    audit::{Deed, action},
    audit_chain::{PAGE, checkpoints},
};

/// Lines of an export, some at a time.
pub type ExportStream = Pin<Box<dyn Stream<Item = Result<Vec<ExportLine>, Error>> + Send>>;

/// Where an export stands.
struct Export {
    control: Control,
    granted: Granted<AuditRead>,
    filter: AuditFilter,
    /// Checkpoints come first: whoever follows the chain needs them from the start.
    checkpoints: bool,
    after: i64,
    last: i64,
}

// === impl Control ===

impl Control {
    /// Every entry that the filter lets through, in the order of the chain, as of now. Without a filter the checkpoints come
    /// first, with a fresh one at the end of the log, so that the export can be verified by itself. The export stands in the log.
    ///
    /// # Errors
    /// [`Error::Denied`] without `audit.read`. Inside the stream: [`Error::Internal`]; the stream ends after an error.
    pub async fn export_audit(
        &self,
        ctx: &OpCtx,
        format: &'static str,
        filter: AuditFilter,
    ) -> Result<ExportStream, Error> {
        let deed = Deed::new(action::AUDIT_EXPORT);
        let granted: Granted<AuditRead> = self.require(ctx, &deed).await?;
        let tx = self.store().begin(&audit_grant(ctx.tenant(), ctx.request_id())).await?;
        self.audit(&tx, ctx, &deed, json!({ "format": format, "filter": shown(&filter) })).await?;
        tx.commit().await?;
        let whole = filter == AuditFilter::default();
        if whole {
            self.sign_end(ctx.tenant()).await?;
        }
        let tx = self.store().read(&granted).await?;
        let last = tx.audit().end(&granted).await?.seq;
        drop(tx);
        let export =
            Export { control: self.clone(), granted, filter, checkpoints: whole, after: 0, last };
        Ok(Box::pin(stream::try_unfold(export, Export::next)))
    }
}

// === impl Export ===

impl Export {
    async fn next(mut self) -> Result<Option<(Vec<ExportLine>, Self)>, Error> {
        let tx = self.control.store().read(&self.granted).await?;
        if std::mem::take(&mut self.checkpoints) {
            let last = self.last;
            let known = checkpoints(&tx, &self.granted).await?.into_iter();
            let lines = known.filter(|it| it.seq <= last).map(ExportLine::Checkpoint).collect();
            return Ok(Some((lines, self)));
        }
        let place = (self.after, self.last);
        let page = tx.audit().follow(&self.granted, self.filter.clone(), place, PAGE).await?;
        drop(tx);
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.link.seq;
        Ok(Some((page.into_iter().map(ExportLine::Event).collect(), self)))
    }
}

fn shown(filter: &AuditFilter) -> serde_json::Value {
    let mut shown = serde_json::Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value.into());
        }
    };
    put("action", filter.action.clone());
    put("actor", filter.actor.clone());
    put("target", filter.target.clone());
    put("outcome", filter.outcome.map(|it| it.as_str().to_owned()));
    put("from", filter.from.map(|at| at.to_rfc3339()));
    put("until", filter.until.map(|at| at.to_rfc3339()));
    put("request_id", filter.request_id.clone());
    shown.into()
}
