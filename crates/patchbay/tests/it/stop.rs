//! SIGTERM in the middle of a call: the call is answered and audited, and the process ends by itself.

use std::time::Duration;

use serde_json::json;
use testkit::{Role, TestPlane, Upstream, upstream::UpstreamConfig};

use crate::{client::Client, config, distributed, embedded, eventually};

/// Long enough for the process to be asked to stop meanwhile.
const ANSWER_TIME: Duration = Duration::from_secs(2);

async fn finishes_what_it_began(mut plane: TestPlane, role: Role) {
    let upstream = UpstreamConfig { delay: ANSWER_TIME, ..UpstreamConfig::default() };
    let upstream = Upstream::start(upstream).await.expect("an MCP server");
    let payload = Client(&plane)
        .install(json!({
            "connector": "remote_mcp", "displayName": "slow", "alias": "slow",
            "config": { "url": upstream.url() },
        }))
        .await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let mcp = Client(&plane).mcp();
    eventually("the remote tools are listed", async || {
        let tools = mcp.modern("tools/list", json!({})).await.ok()?;
        tools["tools"].as_array()?.iter().find(|tool| tool["name"] == "slow__echo").map(drop)
    })
    .await;

    let call = json!({ "name": "slow__echo", "arguments": { "text": "to the end" } });
    let stopped = async {
        eventually("the call is under way", async || {
            (upstream.count("tools/call") == 1).then_some(())
        })
        .await;
        plane.stop_role(role).await
    };
    let (answer, status) = tokio::join!(mcp.modern("tools/call", call), stopped);
    assert_eq!(answer.expect("an answer")["content"][0]["text"], "to the end");
    assert!(status.expect("it ended by itself").success());

    plane.restart_role(role).await.expect("started again");
    let query = "{ auditEvents(first: 100) { nodes { action target } } }";
    let audit = Client(&plane).graphql(query, json!({})).await;
    let events = audit["auditEvents"]["nodes"].as_array().expect("events");
    assert!(events.iter().any(|event| event["target"] == "slow__echo"), "{audit}");
    plane.stop().await.expect("a clean stop");
}

fn documents() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("a.md"), "# A").expect("written");
    directory
}

#[tokio::test]
async fn embedded_product_finishes_a_call_before_it_stops() {
    let documents = documents();
    finishes_what_it_began(embedded(config(documents.path())).await, Role::All).await;
}

#[tokio::test]
async fn gateway_finishes_a_call_before_it_stops() {
    let documents = documents();
    finishes_what_it_began(distributed(config(documents.path())).await, Role::Gateway).await;
}
