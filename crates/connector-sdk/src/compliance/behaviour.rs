//! What a connector does when it runs against a real source.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Findings, Replica, Violation};
use crate::{Connector, ConnectorError, Context, Next, SyncPage, SyncSource, SyncStart, ToolSet};

/// More pages than any fixture has: a sync beyond it does not end.
const MAX_PAGES: usize = 2_000;
/// Largest number of keys in one page: a page is one transaction.
const MAX_PAGE_KEYS: usize = 1_000;

/// A source to run against: quiet while the checks run, with enough documents for several pages if the connector syncs.
pub struct Fixture {
    /// Settings and credential that work.
    pub context: Context,
    /// A call that succeeds, as tool name and arguments; `None` for a connector without tools.
    pub example_call: Option<(String, Value)>,
}

/// A run as it was recorded.
struct Run {
    pages: Vec<SyncPage>,
    replica: Replica,
    state: Option<Value>,
}

/// Runs the connector against the fixture and reports every rule that it breaks.
pub async fn check_behaviour(connector: &dyn Connector, fixture: &Fixture) -> Vec<Violation> {
    let mut findings = Findings::default();
    check_report(connector, fixture, &mut findings).await;
    if let Some(sync) = connector.sync() {
        check_sync(connector, sync, &fixture.context, &mut findings).await;
    }
    if let Some(tools) = connector.tools() {
        check_tools(connector, tools, fixture, &mut findings).await;
    }
    findings.0
}

async fn check_report(connector: &dyn Connector, fixture: &Fixture, findings: &mut Findings) {
    match connector.check(&fixture.context).await {
        Ok(report) => {
            findings.demand(!report.items.is_empty() && report.is_ok(), "check.reports", || {
                format!("a working install is reported as {report:?}")
            });
        }
        Err(error) => findings.add("check.reports", format!("a working install fails: {error}")),
    }
}

async fn check_sync(
    connector: &dyn Connector,
    sync: &dyn SyncSource,
    cx: &Context,
    findings: &mut Findings,
) {
    let first = match run(sync, cx, None, Replica::default()).await {
        Ok(first) => first,
        Err(problem) => return findings.add("sync.terminates", problem),
    };
    for page in &first.pages {
        check_page(connector, cx, page, findings);
    }
    check_cancel(sync, cx, &first, findings).await;
    check_resume(sync, cx, &first, findings).await;
    match run(sync, cx, first.state.clone(), first.replica.clone()).await {
        Ok(second) => {
            findings.demand(second.replica.same_documents(&first.replica), "sync.settles", || {
                "a second run over an unchanged source changes the documents".to_owned()
            });
        }
        Err(problem) => findings.add("sync.settles", format!("the second run: {problem}")),
    }
}

/// Runs to the end. `Err` says why it did not get there.
async fn run(
    sync: &dyn SyncSource,
    cx: &Context,
    state: Option<Value>,
    replica: Replica,
) -> Result<Run, String> {
    let mut replica = replica;
    replica.begin_run();
    go_on(sync, cx, SyncStart { state, cursor: None }, replica).await
}

async fn go_on(
    sync: &dyn SyncSource,
    cx: &Context,
    mut start: SyncStart,
    mut replica: Replica,
) -> Result<Run, String> {
    let mut pages = Vec::new();
    let mut cursors = BTreeSet::new();
    while pages.len() < MAX_PAGES {
        let page = sync.read_page(cx, &start).await.map_err(|error| error.to_string())?;
        replica.apply(&page);
        let next = page.next.clone();
        pages.push(page);
        match next {
            Next::Finished { state, .. } => return Ok(Run { pages, replica, state }),
            Next::Continue(cursor) => {
                if !cursors.insert(cursor.to_string()) {
                    return Err(format!("cursor {cursor} came twice"));
                }
                start.cursor = Some(cursor);
            }
        }
    }
    Err(format!("not finished after {MAX_PAGES} pages"))
}

fn check_page(connector: &dyn Connector, cx: &Context, page: &SyncPage, findings: &mut Findings) {
    let keys = page.upserts.len() + page.deletes.len() + page.seen.len();
    findings.demand(keys <= MAX_PAGE_KEYS, "sync.pages", || {
        format!("a page has {keys} keys, more than {MAX_PAGE_KEYS}")
    });
    let upserted = page.upserts.iter().map(crate::Document::key);
    for key in upserted.chain(page.deletes.iter().cloned()).chain(page.seen.iter().cloned()) {
        let known = connector.manifest().streams.iter().any(|stream| stream.name == key.stream);
        findings.demand(known, "sync.pages", || {
            format!("`{}` is not a stream of the manifest", key.stream)
        });
        findings.demand((1..=1024).contains(&key.external_id.len()), "sync.pages", || {
            format!("external id of {} bytes", key.external_id.len())
        });
    }
    for document in &page.upserts {
        let id = &document.external_id;
        let title_fits = !document.title.trim().is_empty() && !document.title.contains('\n');
        findings.demand(title_fits, "sync.pages", || format!("`{id}`: title is not one line"));
        findings.demand(document.metadata.is_object(), "sync.pages", || {
            format!("`{id}`: metadata is not an object")
        });
        findings.demand(document.mime_type.contains('/'), "sync.pages", || {
            format!("`{id}`: `{}` is no media type", document.mime_type)
        });
        let size = document.body.len() as u64;
        findings.demand(size <= cx.operator.max_document_bytes, "sync.pages", || {
            format!("`{id}`: body of {size} bytes")
        });
    }
}

/// A cancelled context stops at the first page and in the middle of a run.
async fn check_cancel(sync: &dyn SyncSource, cx: &Context, first: &Run, findings: &mut Findings) {
    let cx = cancelled(cx);
    for cursor in [None, continue_cursors(first).into_iter().next()] {
        let start = SyncStart { state: None, cursor };
        let outcome = sync.read_page(&cx, &start).await;
        findings.demand(matches!(outcome, Err(ConnectorError::Cancelled)), "sync.cancels", || {
            format!("reads on although cancelled, from {:?}", start.cursor)
        });
    }
}

/// Crashes after every page in turn and goes on from the stored cursor. Other reads in between would show a kept position.
async fn check_resume(sync: &dyn SyncSource, cx: &Context, first: &Run, findings: &mut Findings) {
    let cursors = continue_cursors(first);
    findings.demand(!cursors.is_empty(), "sync.resumes", || {
        "the fixture gives one page only, so resuming is not tried".to_owned()
    });
    for (index, cursor) in cursors.into_iter().enumerate() {
        let mut replica = Replica::default();
        replica.begin_run();
        first.pages.iter().take(index + 1).for_each(|page| replica.apply(page));
        if let Err(error) = sync.read_page(cx, &SyncStart::default()).await {
            findings.add("sync.resumes", format!("an unrelated read failed: {error}"));
        }
        let start = SyncStart { state: None, cursor: Some(cursor.clone()) };
        match go_on(sync, cx, start, replica).await {
            Ok(resumed) => {
                let same = resumed.replica.same_documents(&first.replica);
                findings.demand(same, "sync.resumes", || {
                    format!("resuming from {cursor} ends with other documents")
                });
            }
            Err(problem) => findings.add("sync.resumes", format!("from {cursor}: {problem}")),
        }
    }
}

/// The cursors of a run after a trip through their stored text.
fn continue_cursors(run: &Run) -> Vec<Value> {
    let stored = |page: &SyncPage| match &page.next {
        Next::Continue(cursor) => serde_json::from_str(&cursor.to_string()).ok(),
        Next::Finished { .. } => None,
    };
    run.pages.iter().filter_map(stored).collect()
}

async fn check_tools(
    connector: &dyn Connector,
    tools: &dyn ToolSet,
    fixture: &Fixture,
    findings: &mut Findings,
) {
    let cx = &fixture.context;
    let unknown = tools.call(cx, "no_such_tool", &json!({})).await;
    findings.demand(is_invalid(&unknown), "tools.unknown", || {
        format!("an unknown tool gives {unknown:?}")
    });
    for tool in &connector.manifest().tools {
        for arguments in [json!({"no_such_argument": 1}), json!([]), json!(null)] {
            let outcome = tools.call(cx, &tool.name, &arguments).await;
            findings.demand(is_invalid(&outcome), "tools.arguments", || {
                format!("`{}` with {arguments} gives {outcome:?}", tool.name)
            });
        }
    }
    let Some((tool, arguments)) = &fixture.example_call else {
        return findings.add("tools.arguments", "the fixture has no example call");
    };
    let outcome = tools.call(cx, tool, arguments).await;
    findings.demand(
        outcome.as_ref().is_ok_and(|output| !output.is_error),
        "tools.arguments",
        || format!("the example call of `{tool}` gives {outcome:?}"),
    );
    let outcome = tools.call(&cancelled(cx), tool, arguments).await;
    findings.demand(matches!(outcome, Err(ConnectorError::Cancelled)), "tools.cancels", || {
        format!("`{tool}` answers although cancelled: {outcome:?}")
    });
}

fn is_invalid(outcome: &Result<crate::ToolOutput, ConnectorError>) -> bool {
    matches!(outcome, Err(ConnectorError::InvalidArguments { .. }))
}

fn cancelled(cx: &Context) -> Context {
    let cancel = CancellationToken::new();
    cancel.cancel();
    Context { cancel, ..cx.clone() }
}
