//! A SERVER span per request by the MCP conventions, joined to the caller's trace, and the metric of the operation.
//!
//! A caller that says "not sampled" gets no span at all: building attributes for nobody is the dearest thing a gateway does.

use telemetry::{Metrics, propagate};
use tracing::{Instrument, field::Empty, info_span};

use crate::{
    call::{Act, Call, Method, Outcome},
    error::Refusal,
    mcp::revision::{self, Era},
    stack::{Layer, Service},
};

/// Makes the layer.
pub(crate) struct Span {
    pub(crate) metrics: Metrics,
}

/// A service with spans and metrics.
pub(crate) struct Spanned<S> {
    inner: S,
    metrics: Metrics,
}

// === impl Span ===

impl<S> Layer<S> for Span {
    type Service = Spanned<S>;

    fn layer(self, inner: S) -> Spanned<S> {
        Spanned { inner, metrics: self.metrics }
    }
}

// === impl Spanned ===

impl<S: Service<Call>> Service<Call> for Spanned<S> {
    async fn call(&self, call: Call) -> Outcome {
        let (label, era, started) = (call.label(), call.era, call.started);
        let span = open(&call);
        let outcome = self.inner.call(call).instrument(span.clone()).await;
        let word = outcome.as_ref().map_or_else(Refusal::outcome, crate::call::Answer::outcome);
        if !span.is_disabled() {
            close(&span, &outcome, era);
        }
        self.metrics.mcp_operation(label, word, started.elapsed().as_secs_f64());
        outcome
    }
}

fn open(call: &Call) -> tracing::Span {
    let parent = call
        .params()
        .and_then(|params| params.traceparent.as_deref())
        .or(call.traceparent.as_deref());
    if parent.is_some_and(is_unsampled) {
        return tracing::Span::none();
    }
    let method = call.label();
    let span = info_span!(
        "mcp.request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        mcp.method.name = method,
        mcp.protocol.version = match call.era {
            Era::Modern => revision::MODERN,
            Era::Legacy => revision::LEGACY,
        },
        gen_ai.tool.name = Empty,
        gen_ai.prompt.name = Empty,
        gen_ai.operation.name = Empty,
        rpc.response.status_code = Empty,
        error.type = Empty,
        request.id = call.request_id,
        tenant.slug = call.tenant,
    );
    if span.is_disabled() {
        return span;
    }
    name(&span, call);
    if let Some(parent) = parent {
        propagate::set_parent(&span, parent);
    }
    span
}

/// `{method} {tool or prompt}` by the conventions.
fn name(span: &tracing::Span, call: &Call) {
    let Act::Request { method, params, .. } = &call.act else {
        span.record("otel.name", call.label());
        return;
    };
    let name: Option<String> = params.name.as_deref().map(|name| name.chars().take(128).collect());
    match (method, name) {
        (Method::CallTool, Some(name)) => {
            span.record("gen_ai.operation.name", "execute_tool");
            span.record("gen_ai.tool.name", name.as_str());
            span.record("otel.name", format!("tools/call {name}"));
        }
        (Method::GetPrompt, Some(name)) => {
            span.record("gen_ai.prompt.name", name.as_str());
            span.record("otel.name", format!("prompts/get {name}"));
        }
        _ => {
            span.record("otel.name", call.label());
        }
    }
}

fn close(span: &tracing::Span, outcome: &Outcome, era: Era) {
    match outcome {
        Ok(answer) if answer.outcome() == "tool_error" => {
            span.record("error.type", "tool_error");
            span.record("otel.status_code", "ERROR");
        }
        Ok(_) => {}
        Err(refusal) => {
            let code = refusal.render(era).error.code.to_string();
            span.record("rpc.response.status_code", code.as_str());
            span.record("error.type", code.as_str());
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Whether a W3C traceparent says that its trace is not recorded (its last field has the lowest bit clear).
fn is_unsampled(traceparent: &str) -> bool {
    let flags = traceparent.rsplit('-').next().and_then(|hex| u8::from_str_radix(hex, 16).ok());
    traceparent.len() == 55 && flags.is_some_and(|flags| flags & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_caller_that_says_so_is_unsampled() {
        assert!(is_unsampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
        assert!(!is_unsampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!is_unsampled("garbage-00"));
    }
}
