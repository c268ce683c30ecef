//! One trace from the cause to its consequences: a job's span has no parent, but a link to the span that enqueued it.

use domain::RunState;
use opentelemetry::trace::SpanId;
use telemetry::{names::span, testing::InMemory};
use tracing::Instrument;

use crate::{
    plane::Plane,
    running::{Worker, only_rings, reaches},
};

#[tokio::test]
async fn job_is_linked_to_the_span_that_enqueued_it() {
    let traces = InMemory::install();
    let plane = Plane::start().await;
    let cause = tracing::info_span!("a.cause");
    let installed = plane.install().instrument(cause).await;
    let worker = Worker::start(&plane, only_rings());
    reaches(&plane, &installed, RunState::Succeeded).await;
    worker.drained().await;
    let spans = traces.spans();
    let find = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| {
            let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
            panic!("no span {name} among {names:?}")
        })
    };
    let (cause, job) = (find("a.cause"), find(span::JOB_RUN));
    assert_eq!(job.parent_span_id, SpanId::INVALID);
    let linked: Vec<_> = job.links.iter().map(|link| link.span_context.trace_id()).collect();
    assert_eq!(linked, [cause.span_context.trace_id()]);
    let page = find(span::SYNC_PAGE);
    assert_eq!(page.span_context.trace_id(), job.span_context.trace_id());
}
