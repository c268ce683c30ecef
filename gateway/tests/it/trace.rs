//! Spans by the MCP conventions, joined to the trace of the caller and handed on to the upstream.

use serde_json::json;
use telemetry::testing::InMemory;
use testkit::upstream::{Upstream, UpstreamConfig};

use crate::bench::{Bench, call_result, names};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const UNSAMPLED: &str = "1af7651916cd43dd8448eb211c80319c";

#[tokio::test(flavor = "multi_thread")]
async fn call_joins_the_callers_trace_and_hands_it_on() {
    let spans = InMemory::install();
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let server = Upstream::start(UpstreamConfig::default()).await.expect("a server");
    bench.install_remote(&org, "box", &server.url(), None).await;
    bench.until("it is listed", async || names(&client).await.len() == 3).await;
    for (trace, flags) in [(TRACE, "01"), (UNSAMPLED, "00")] {
        let traceparent = format!("00-{trace}-b7ad6b7169203331-{flags}");
        let params = json!({"name": "box__echo", "arguments": {"text": "x"}, "_meta": {"traceparent": traceparent}});
        client.modern("tools/call", params).await.expect("a result");
    }
    call_result(&client, "box__fail", json!({})).await;
    let of_trace = |trace: &str| -> Vec<_> {
        let all = spans.spans();
        all.into_iter().filter(|span| span.span_context.trace_id().to_string() == trace).collect()
    };
    bench.until("the spans are recorded", async || of_trace(TRACE).len() >= 2).await;
    let traced = of_trace(TRACE);
    let server_span = traced.iter().find(|span| span.name == "tools/call box__echo");
    let server_span = server_span.expect("a SERVER span named by the conventions");
    assert_eq!(format!("{:?}", server_span.span_kind), "Server");
    assert_eq!(server_span.parent_span_id.to_string(), "b7ad6b7169203331");
    let attribute = |name: &str| {
        let found = server_span.attributes.iter().find(|it| it.key.as_str() == name);
        found.map(|it| it.value.to_string()).unwrap_or_default()
    };
    assert_eq!(attribute("mcp.method.name"), "tools/call");
    assert_eq!(attribute("gen_ai.tool.name"), "box__echo");
    assert_eq!(attribute("gen_ai.operation.name"), "execute_tool");
    assert_eq!(attribute("mcp.protocol.version"), "2026-07-28");
    let client_span = traced.iter().find(|span| span.name == "tools/call echo");
    let client_span = client_span.expect("a CLIENT span for the upstream");
    assert_eq!(format!("{:?}", client_span.span_kind), "Client");
    let calls = server.seen("tools/call");
    let handed = calls[0].body["params"]["_meta"]["traceparent"].as_str().expect("a traceparent");
    assert!(
        handed.contains(TRACE) && handed.contains(&client_span.span_context.span_id().to_string())
    );
    assert!(calls[0].headers["traceparent"].to_str().expect("text").contains(TRACE));
    assert!(of_trace(UNSAMPLED).is_empty(), "nothing is recorded for a caller that says so");
    bench
        .until("the failed tool is an error", async || {
            spans.spans().iter().any(|span| {
                span.name == "tools/call box__fail"
                    && format!("{:?}", span.status).starts_with("Error")
            })
        })
        .await;
}
