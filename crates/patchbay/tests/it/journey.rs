//! The way of a new user: install, sync, search, read, in both revisions of the protocol.

use std::fs;

use serde_json::{Value, json};
use testkit::{TestPlane, plane::PlaneConfig};

use crate::{client::Client, config, distributed, embedded, eventually};

fn documents() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("whales.md"), "# Whales\n\nThe narwhal has a tusk.")
        .expect("written");
    fs::write(directory.path().join("birds.html"), "<h1>Birds</h1><p>The kestrel hovers.</p>")
        .expect("written");
    directory
}

fn names(list: &Value, noun: &str, field: &str) -> Vec<String> {
    let items = list[noun].as_array().expect("a list");
    items.iter().map(|item| item[field].as_str().expect("a name").to_owned()).collect()
}

async fn installs_searches_and_reads(plane: TestPlane, documents: &tempfile::TempDir) {
    let client = Client(&plane);
    let install = client.install_files(documents.path(), "zoo").await;
    assert_eq!(client.records(&install).await.len(), 2);

    let mcp = client.mcp();
    // A gateway of its own hears of the new install by a signal: within moments, not at once.
    eventually("the new tools are listed", async || {
        let tools = mcp.modern("tools/list", json!({})).await.expect("tools");
        let names = names(&tools, "tools", "name");
        let all = ["zoo__list_files", "zoo__read_file", "search", "fetch"];
        all.iter().all(|name| names.iter().any(|n| n == name)).then_some(())
    })
    .await;

    let found = mcp
        .modern("tools/call", json!({ "name": "search", "arguments": { "query": "narwhal" } }))
        .await
        .expect("a search");
    let hit = &found["structuredContent"]["results"][0];
    assert_eq!(hit["title"], "Whales", "{found}");
    let fetched = mcp
        .modern("tools/call", json!({ "name": "fetch", "arguments": { "id": hit["id"] } }))
        .await
        .expect("a document");
    let text = fetched["structuredContent"]["text"].as_str().expect("text");
    assert!(text.contains("tusk"), "{fetched}");

    let session = mcp.legacy().await.expect("a session");
    assert_eq!(session.initialized["protocolVersion"], "2025-11-25");
    let listed = session.request("resources/list", json!({})).await.expect("resources");
    let uri = names(&listed, "resources", "uri").into_iter().find(|uri| uri.contains("birds"));
    let uri = uri.expect("the birds are listed");
    let read = session.request("resources/read", json!({ "uri": uri })).await.expect("read");
    assert!(read["contents"][0]["text"].as_str().expect("text").contains("kestrel"), "{read}");
    let called = session
        .request(
            "tools/call",
            json!({ "name": "zoo__read_file", "arguments": { "path": "whales.md" } }),
        )
        .await
        .expect("a live call");
    assert!(called["content"][0]["text"].as_str().expect("text").contains("narwhal"), "{called}");
    assert!(session.end().await.expect("an answer").status.is_success());
    let after = session.reply("ping", json!({})).await.expect("an answer");
    assert_eq!(after.status, 404, "an ended session is unknown");
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn embedded_installs_searches_and_reads() {
    let documents = documents();
    let plane = embedded(config(documents.path())).await;
    installs_searches_and_reads(plane, &documents).await;
}

#[tokio::test]
async fn distributed_installs_searches_and_reads() {
    let documents = documents();
    let plane = distributed(config(documents.path())).await;
    installs_searches_and_reads(plane, &documents).await;
}

/// Changes reach the records, a removed install takes its tools and records with it, and a revoked key stops working.
async fn follows_changes(plane: TestPlane, documents: &tempfile::TempDir) {
    let client = Client(&plane);
    let install = client.install_files(documents.path(), "zoo").await;
    fs::remove_file(documents.path().join("birds.html")).expect("removed");
    fs::write(documents.path().join("whales.md"), "# Whales\n\nThe beluga is white.")
        .expect("written");
    let started = client
        .graphql(
            "mutation($id: ID!) { startSync(input: { installId: $id }) { run { id } userErrors { message } } }",
            json!({ "id": install }),
        )
        .await;
    let run = started["startSync"]["run"]["id"].clone();
    assert!(run.is_string(), "{started}");
    eventually("the second sync", async || {
        let latest = client.latest_run(&install).await;
        (latest["id"] == run && latest["state"] == "SUCCEEDED").then_some(())
    })
    .await;
    assert_eq!(client.records(&install).await, ["whales.md"]);
    let hits =
        client.graphql("{ search(query: \"beluga\") { record { title } } }", json!({})).await;
    assert_eq!(hits["search"][0]["record"]["title"], "Whales");

    let created = client
        .graphql(
            "mutation { createApiKey(input: { name: \"second\" }) { apiKey { id } secret userErrors { message } } }",
            json!({}),
        )
        .await;
    let secret = created["createApiKey"]["secret"].as_str().expect("a key").to_owned();
    let second = client.mcp_with(&secret);
    eventually("the second key works", async || {
        let reply = second.modern_reply("tools/list", json!({})).await.expect("an answer");
        reply.status.is_success().then_some(())
    })
    .await;
    let id = created["createApiKey"]["apiKey"]["id"].clone();
    let revoke =
        "mutation($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { message } } }";
    client.graphql(revoke, json!({ "id": id })).await;
    eventually("the revoked key is refused", async || {
        let reply = second.modern_reply("tools/list", json!({})).await.expect("an answer");
        (reply.status == 401).then_some(())
    })
    .await;

    let remove = "mutation($id: ID!) { removeInstall(input: { id: $id }) { removedId userErrors { message } } }";
    client.graphql(remove, json!({ "id": install })).await;
    eventually("the tools are gone", async || {
        let tools = client.mcp().modern("tools/list", json!({})).await.expect("tools");
        names(&tools, "tools", "name").iter().all(|name| !name.starts_with("zoo__")).then_some(())
    })
    .await;
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn embedded_follows_changes() {
    let documents = documents();
    let plane = embedded(config(documents.path())).await;
    follows_changes(plane, &documents).await;
}

#[tokio::test]
async fn distributed_follows_changes() {
    let documents = documents();
    let plane = distributed(config(documents.path())).await;
    follows_changes(plane, &documents).await;
}

#[tokio::test]
async fn first_start_has_a_synced_demo_and_the_second_keeps_it() {
    let data = tempfile::tempdir().expect("a directory");
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let start = async || {
        let config = PlaneConfig::new(crate::binary())
            .data_dir(data.path())
            .working_directory(repository.as_ref());
        embedded(config).await
    };
    let first = start().await;
    let key = first.facts.api_key.clone();
    let search = json!({ "name": "search", "arguments": { "query": "doorbell" } });
    eventually("the demo is synced", async || {
        let found = Client(&first).mcp().modern("tools/call", search.clone()).await.ok()?;
        (!found["structuredContent"]["results"].as_array()?.is_empty()).then_some(())
    })
    .await;
    first.stop().await.expect("a clean stop");

    let second = start().await;
    assert_eq!(second.facts.api_key, key, "the printed key goes on working");
    let found = Client(&second).mcp().modern("tools/call", search).await.expect("a search");
    assert!(!found["structuredContent"]["results"].as_array().expect("results").is_empty());
    second.stop().await.expect("a clean stop");
}
