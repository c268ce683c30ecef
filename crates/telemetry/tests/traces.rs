//! A trace survives its trip over a wire.

use telemetry::{propagate, testing::InMemory};
use tracing::info_span;

#[test]
fn child_joins_its_parent() {
    let recorded = InMemory::install();
    let cause = info_span!("cause");
    let traceparent = cause.in_scope(propagate::current_traceparent).expect("inside a trace");
    {
        let child = info_span!("child");
        propagate::set_parent(&child, &traceparent);
        let _entered = child.enter();
    }
    drop(cause);
    let spans = recorded.spans();
    let find = |name: &str| spans.iter().find(|span| span.name == name).expect("recorded");
    let (cause, child) = (find("cause"), find("child"));
    assert_eq!(child.span_context.trace_id(), cause.span_context.trace_id());
    assert_eq!(child.parent_span_id, cause.span_context.span_id());
}

#[test]
fn malformed_traceparent_is_ignored() {
    let _recorded = InMemory::install();
    let span = info_span!("alone");
    propagate::set_parent(&span, "00-nonsense");
    assert!(span.in_scope(propagate::current_traceparent).is_some());
}
