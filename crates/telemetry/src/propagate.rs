//! Carries a trace across a wire as a W3C `traceparent` (<https://www.w3.org/TR/trace-context/>).

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, of the AMQP header and of the key in MCP's `_meta`.
pub const TRACEPARENT: &str = "traceparent";

/// The current span as a `traceparent`; `None` outside of any trace.
pub fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes the span a child of a caller's. A malformed value is ignored: a trace is no reason to refuse a request.
pub fn set_parent(span: &Span, traceparent: &str) {
    if let Some(context) = parse(traceparent) {
        // Fails only when the span has no OpenTelemetry data, that is when it is not recorded.
        let _ = span.set_parent(context);
    }
}

/// Trace and span id of the current span, in hex, for a log line or an answer; `None` outside of any trace.
pub fn current_ids() -> Option<(String, String)> {
    let context = Span::current().context();
    let span: SpanContext = context.span().span_context().clone();
    span.is_valid().then(|| (span.trace_id().to_string(), span.span_id().to_string()))
}

fn parse(traceparent: &str) -> Option<Context> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    context.span().span_context().is_valid().then_some(context)
}
