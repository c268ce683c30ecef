//! A planted secret is looked for wherever it must not be: database, logs, answers, traces.

use std::{fs, path::Path};

use serde_json::json;
use testkit::{Services, TestPlane, Upstream, upstream::UpstreamConfig};

use crate::{client::Client, collector::Collector, config, distributed, embedded, eventually};

const CANARY: &str = "canary-8f14e45fceea167a5a36dedd4bea2543";

/// Gives the canary as a credential, uses it, and fails on purpose with it.
async fn plant(plane: &TestPlane) -> Upstream {
    let client = Client(plane);
    let upstream = UpstreamConfig { bearer: Some(CANARY.to_owned()), ..UpstreamConfig::default() };
    let upstream = Upstream::start(upstream).await.expect("an MCP server");
    let payload = client
        .install(json!({
            "connector": "remote_mcp", "displayName": "remote", "alias": "remote",
            "config": { "url": upstream.url() }, "credential": { "bearer_token": CANARY },
        }))
        .await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let mcp = client.mcp();
    let tool = eventually("the remote tools are listed", async || {
        let tools = mcp.modern("tools/list", json!({})).await.ok()?;
        let names = tools["tools"].as_array()?.iter().filter_map(|tool| tool["name"].as_str());
        names.map(str::to_owned).find(|name| name.starts_with("remote__"))
    })
    .await;
    mcp.modern("tools/call", json!({ "name": tool, "arguments": {} })).await.expect("called");
    let used = upstream.seen("tools/call");
    assert_eq!(used.len(), 1, "one call is one request");
    assert_eq!(used[0].headers["authorization"], format!("Bearer {CANARY}").as_str());
    let keys = ["authorization", "x-forwarded-authorization"];
    let leaked = keys.iter().any(|name| {
        used[0].headers.get(*name).is_some_and(|value| value.as_bytes().starts_with(b"Bearer pb_"))
    });
    assert!(!leaked, "our own key must not reach the remote server");

    let refused = client
        .install(json!({
            "connector": "remote_mcp", "displayName": "bad", "config": { "url": 7 },
            "credential": { "bearer_token": CANARY, "extra": CANARY },
        }))
        .await;
    assert!(!refused.to_string().contains(CANARY), "{refused}");
    upstream
}

/// No answer about the install holds the secret.
async fn look_at_answers(plane: &TestPlane) {
    let query = "{ installs(first: 100) { nodes { config hasCredential } }
                   auditEvents(first: 100) { nodes { action target detail } } }";
    let answer = Client(plane).graphql(query, json!({})).await.to_string();
    assert!(!answer.contains(CANARY), "{answer}");
    assert!(!plane.logs().contains(CANARY), "the secret is in the logs");
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
}

/// What the stopped product sent to its collector has the call that used the secret, and not the secret.
fn look_at_traces(collector: &Collector) {
    let spans = collector.spans();
    let used = spans.iter().filter(|span| span.name.starts_with("tools/call ")).count();
    assert!(used >= 2, "the call and what it asked upstream are traced: {spans:?}");
    assert!(!holds(&collector.raw()), "the traces or the metrics hold the secret");
}

fn look_at_files(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_file() {
            assert!(!holds(&fs::read(&path).expect("read")), "{} holds the secret", path.display());
        } else if path.is_dir() {
            look_at_files(&path);
        }
    }
}

#[tokio::test]
async fn embedded_product_keeps_a_credential_sealed() {
    let data = tempfile::tempdir().expect("a directory");
    let collector = Collector::start();
    let plane = embedded(collector.of(config(data.path()).data_dir(data.path()))).await;
    let _upstream = plant(&plane).await;
    look_at_answers(&plane).await;
    plane.stop().await.expect("a clean stop");
    look_at_traces(&collector);
    look_at_files(data.path());
}

#[tokio::test]
async fn distributed_product_keeps_a_credential_sealed() {
    let documents = tempfile::tempdir().expect("a directory");
    fs::write(documents.path().join("a.md"), "# A").expect("written");
    let collector = Collector::start();
    let plane = distributed(collector.of(config(documents.path()))).await;
    let _upstream = plant(&plane).await;
    look_at_answers(&plane).await;
    let dump = dump(&plane, &crate::services());
    assert!(dump.len() > 1000, "the dump is empty");
    assert!(!holds(&dump), "the database holds the secret");
    look_at_files(plane.directory());
    plane.stop().await.expect("a clean stop");
    look_at_traces(&collector);
}

/// The whole database as text, read by a role that sees every row.
fn dump(plane: &TestPlane, services: &Services) -> Vec<u8> {
    let database = plane.database().expect("a database");
    let (server, _) = services.postgres.rsplit_once('/').expect("a database in the address");
    let output = std::process::Command::new("pg_dump")
        .arg("--inserts")
        .arg(format!("{server}/{}", database.name))
        .output()
        .expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
