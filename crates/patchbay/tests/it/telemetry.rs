//! One trace from the cause to the last effect, over processes and wires, as a collector sees it.

use serde_json::json;
use testkit::{TestPlane, Upstream, plane::PlaneConfig, upstream::UpstreamConfig};

use crate::{
    binary, client::Client, collector::Collector, config, distributed, embedded, eventually,
};

const MUTATION_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALL_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-b7ad6b7169203331-01")
}

/// From a GraphQL mutation through the queue to what the worker reads upstream.
async fn mutation_reaches_the_job(
    plane: &TestPlane,
    collector: &Collector,
    root: &std::path::Path,
) {
    let facts = &plane.facts;
    let query = "mutation($input: InstallConnectorInput!) { installConnector(input: $input) { install { id } userErrors { message } } }";
    let input = json!({ "connector": "files", "displayName": "traced", "alias": "traced", "config": { "root": root } });
    let authorization = format!("Bearer {}", facts.api_key);
    let parent = traceparent(MUTATION_TRACE);
    let headers = [("authorization", authorization.as_str()), ("traceparent", parent.as_str())];
    let body = json!({ "query": query, "variables": { "input": input } });
    let reply = plane.http.post(&facts.graphql_url, &headers, &body).await.expect("an answer");
    let install = reply.json().expect("JSON")["data"]["installConnector"]["install"]["id"]
        .as_str()
        .expect("installed")
        .to_owned();
    Client(plane).synced(&install).await;

    // Each span is sent when it has ended, by the process that recorded it.
    let find = async |name: &str| {
        eventually(name, async || {
            let spans = collector.spans().into_iter();
            spans.filter(|span| span.trace == MUTATION_TRACE).find(|span| span.name == name)
        })
        .await
    };
    let (http, ring) = (find("http.request").await, find("queue.jobs.ring").await);
    let (job, page) = (find("job.run").await, find("control.syncs.page").await);
    assert_eq!(job.parent, ring.id, "the message carries the trace");
    if plane.is_distributed() {
        let services = [&http, &ring, &job, &page].map(|span| span.service.as_str());
        assert_eq!(
            services,
            ["patchbay-api", "patchbay-api", "patchbay-worker", "patchbay-worker"]
        );
    }
}

/// From an AI client through the gateway to a remote MCP server.
async fn call_reaches_the_upstream(plane: &TestPlane, collector: &Collector) {
    let client = Client(plane);
    let upstream = Upstream::start(UpstreamConfig::default()).await.expect("an MCP server");
    client
        .install(json!({
            "connector": "remote_mcp", "displayName": "remote", "alias": "remote", "config": { "url": upstream.url() },
        }))
        .await;
    let mcp = client.mcp();
    let tool = eventually("the remote tools are listed", async || {
        let tools = mcp.modern("tools/list", json!({})).await.ok()?;
        let names = tools["tools"].as_array()?.iter().filter_map(|tool| tool["name"].as_str());
        names.map(str::to_owned).find(|name| name.starts_with("remote__"))
    })
    .await;
    let meta = json!({ "traceparent": traceparent(CALL_TRACE) });
    let call = json!({ "name": tool, "arguments": {}, "_meta": meta });
    mcp.modern("tools/call", call).await.expect("called");

    let seen = upstream.seen("tools/call");
    let sent = seen[0].headers["traceparent"].to_str().expect("text");
    assert!(sent.contains(CALL_TRACE), "the upstream got {sent}");
    let span = eventually("the gateway's span", async || {
        let named = format!("tools/call {tool}");
        collector.spans().into_iter().find(|span| span.trace == CALL_TRACE && span.name == named)
    })
    .await;
    let attribute = |name: &str| span.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("mcp.method.name"), Some("tools/call"));
    assert_eq!(attribute("gen_ai.tool.name"), Some(tool.as_str()));
    assert_eq!(attribute("mcp.protocol.version"), Some("2026-07-28"));
}

#[tokio::test]
async fn embedded_traces_reach_from_cause_to_effect() {
    let documents = tempfile::tempdir().expect("a directory");
    std::fs::write(documents.path().join("a.md"), "# A").expect("written");
    let collector = Collector::start();
    let plane = embedded(collector.of(config(documents.path()))).await;
    mutation_reaches_the_job(&plane, &collector, documents.path()).await;
    call_reaches_the_upstream(&plane, &collector).await;
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn distributed_traces_reach_from_cause_to_effect() {
    let documents = tempfile::tempdir().expect("a directory");
    std::fs::write(documents.path().join("a.md"), "# A").expect("written");
    let collector = Collector::start();
    let plane = distributed(collector.of(config(documents.path()))).await;
    mutation_reaches_the_job(&plane, &collector, documents.path()).await;
    call_reaches_the_upstream(&plane, &collector).await;
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn each_role_has_metrics_for_prometheus() {
    let data = tempfile::tempdir().expect("a directory");
    let plane = embedded(PlaneConfig::new(binary()).data_dir(data.path())).await;
    Client(&plane).mcp().modern("tools/list", json!({})).await.expect("tools");
    let facts = std::fs::read(data.path().join("up.json")).expect("facts");
    let facts: serde_json::Value = serde_json::from_slice(&facts).expect("JSON");
    let url = facts["metrics_url"].as_str().expect("an address");
    let text = plane.http.get(url, &[]).await.expect("metrics").text();
    assert!(text.contains("mcp_server_operation_duration_seconds_count"), "{text}");
    assert!(text.contains("tools/list"), "{text}");
    assert!(!text.contains("demo"), "no label holds a tenant: {text}");
    plane.stop().await.expect("a clean stop");
}
