//! Every connector of the registry against every rule of `docs/connector-spec.md`.

use connector_sdk::compliance::{Fixture, Violation, check_behaviour, check_manifest};
use serde_json::json;

use crate::{
    database::Database,
    files::Tree,
    mcp_server::{Kind, McpServer},
    support::{Allow, connector, context},
};

fn demand_none(of: &str, violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{of} breaks rules of docs/connector-spec.md:\n{}", lines.join("\n"));
}

#[test]
fn every_manifest_keeps_the_rules() {
    for connector in connectors::registry::all() {
        demand_none(&connector.manifest().id, &check_manifest(*connector));
    }
}

#[test]
fn every_connector_behaves_in_a_test_of_this_file() {
    let mut ids: Vec<&str> =
        connectors::registry::all().iter().map(|c| c.manifest().id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        ["files", "postgres", "remote_mcp"],
        "a new connector needs a fixture in this file"
    );
}

#[tokio::test]
async fn files_keeps_the_rules() {
    let tree = Tree::new();
    for index in 0..250 {
        tree.write(&format!("d{}/f{index}.md", index % 5), format!("# Title {index}\n\nWords."));
    }
    let example_call = Some(("read_file".to_owned(), json!({"path": "d0/f0.md"})));
    let fixture = Fixture { context: tree.context(), example_call };
    demand_none("files", &check_behaviour(connector("files"), &fixture).await);
}

#[tokio::test]
async fn postgres_keeps_the_rules() {
    let database = Database::create().await;
    database
        .run(
            "CREATE TABLE people (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
             INSERT INTO people SELECT n, 'Person ' || n FROM generate_series(1, 10) n;
             CREATE TABLE pairs (a text, b int, note text, PRIMARY KEY (a, b));
             INSERT INTO pairs SELECT 'k' || n % 3, n, 'n' FROM generate_series(1, 8) n;
             CREATE TABLE empty (id int PRIMARY KEY);
             CREATE TABLE keyless (x int);",
        )
        .await;
    let config = json!({"cursor_column": "updated_at", "page_size": 3});
    let example_call = Some(("query".to_owned(), json!({"sql": "SELECT count(*) FROM people"})));
    let fixture = Fixture { context: database.context(&config), example_call };
    demand_none("postgres", &check_behaviour(connector("postgres"), &fixture).await);
    database.drop().await;
}

#[tokio::test]
async fn remote_mcp_keeps_the_rules() {
    let server = McpServer::start(Kind::Modern).await;
    let cx = context(json!({"url": server.url()}), None, Allow::default());
    let fixture = Fixture { context: cx, example_call: None };
    demand_none("remote_mcp", &check_behaviour(connector("remote_mcp"), &fixture).await);
}
