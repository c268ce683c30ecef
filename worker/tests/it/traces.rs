//! One trace from the cause through the queue to the last page that the job reads.

use domain::RunState;
use telemetry::{names::span, testing::InMemory};
use tracing::Instrument;

use crate::{
    plane::Plane,
    running::{Worker, only_rings, reaches},
};

#[tokio::test]
async fn job_and_its_pages_join_the_trace_of_what_enqueued_it() {
    let traces = InMemory::install();
    let plane = Plane::start().await;
    let cause = tracing::info_span!("a.cause");
    let installed = plane.install().instrument(cause).await;
    let worker = Worker::start(&plane, only_rings());
    reaches(&plane, &installed, RunState::Succeeded).await;
    worker.drained().await;
    let spans = traces.spans();
    let cause = spans.iter().find(|span| span.name == "a.cause").expect("recorded");
    let trace = cause.span_context.trace_id();
    // Other tests of this process may record spans of the same names: theirs are of other traces.
    let spans: Vec<_> = spans.iter().filter(|span| span.span_context.trace_id() == trace).collect();
    let find = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| {
            let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
            panic!("no span {name} among {names:?}")
        })
    };
    let (ring, job) = (find(span::QUEUE_RING), find(span::JOB_RUN));
    assert_eq!(ring.parent_span_id, cause.span_context.span_id());
    assert_eq!(job.parent_span_id, ring.span_context.span_id(), "by the message");
    find(span::SYNC_PAGE);
}
