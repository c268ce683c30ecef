//! kill -9 in the middle of a sync: nothing is lost and nothing is there twice.

use std::fs;

use serde_json::json;
use testkit::{Role, TestPlane};

use crate::{client::Client, config, distributed, embedded, eventually};

/// Enough for many pages.
const DOCUMENTS: usize = 1500;

fn documents() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for number in 0..DOCUMENTS {
        let path = directory.path().join(format!("note-{number:05}.md"));
        fs::write(path, format!("# Note {number}\n\n{}", "words ".repeat(200))).expect("written");
    }
    directory
}

async fn survives_kills(mut plane: TestPlane, documents: &tempfile::TempDir, role: Role) {
    let payload = Client(&plane)
        .install(json!({
            "connector": "files", "displayName": "notes", "alias": "notes",
            "config": { "root": documents.path() },
        }))
        .await;
    let install = payload["install"]["id"].as_str().expect("an id").to_owned();
    let mut killed_in_mid_run = 0;
    for _ in 0..3 {
        let client = Client(&plane);
        let run = eventually("another page, or the end", async || {
            let run = client.latest_run(&install).await;
            let done = run["state"] == "SUCCEEDED";
            (done || run["pages"].as_i64()? > killed_in_mid_run).then_some(run)
        })
        .await;
        if run["state"] == "SUCCEEDED" {
            break;
        }
        killed_in_mid_run += 1;
        plane.kill_role(role);
        plane.restart_role(role).await.expect("started again");
    }
    assert!(killed_in_mid_run > 0, "the sync was over before it could be killed");
    let client = Client(&plane);
    client.synced(&install).await;
    let expected: Vec<String> =
        (0..DOCUMENTS).map(|number| format!("note-{number:05}.md")).collect();
    assert_eq!(client.records(&install).await, expected);
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn killed_worker_loses_and_doubles_nothing() {
    let documents = documents();
    let settings = config(documents.path()).setting("CONTROL__LEASE_SECONDS", "3");
    let plane = distributed(settings.setting("WORKER__SWEEP_MILLISECONDS", "500")).await;
    survives_kills(plane, &documents, Role::Worker).await;
}

#[tokio::test]
async fn killed_embedded_product_loses_and_doubles_nothing() {
    let documents = documents();
    let settings = config(documents.path()).setting("CONTROL__LEASE_SECONDS", "3");
    let plane = embedded(settings.setting("WORKER__SWEEP_MILLISECONDS", "500")).await;
    survives_kills(plane, &documents, Role::Api).await;
}
