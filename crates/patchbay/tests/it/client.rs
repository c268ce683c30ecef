//! What a user of the product does, in a few words each.

use std::path::Path;

use serde_json::{Value, json};
use testkit::{TestPlane, mcp::Mcp};

use crate::eventually;

/// A user with the plane's first key.
pub(crate) struct Client<'a>(pub(crate) &'a TestPlane);

// === impl Client ===

impl Client<'_> {
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Value {
        let facts = &self.0.facts;
        self.0
            .http
            .graphql(&facts.graphql_url, &facts.api_key, query, variables)
            .await
            .expect("a GraphQL answer without errors")
    }

    /// The whole payload of `installConnector`.
    pub(crate) async fn install(&self, input: Value) -> Value {
        let query = "mutation($input: InstallConnectorInput!) { installConnector(input: $input) {
            install { id alias status } run { id } userErrors { code field message } } }";
        self.graphql(query, json!({ "input": input })).await["installConnector"].take()
    }

    /// Installs the file-system connector and waits for its first sync.
    pub(crate) async fn install_files(&self, root: &Path, alias: &str) -> String {
        let payload = self
            .install(json!({
                "connector": "files", "displayName": alias, "alias": alias, "config": { "root": root },
            }))
            .await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        let id = payload["install"]["id"].as_str().expect("an id").to_owned();
        self.synced(&id).await;
        id
    }

    /// Waits until the latest run of an install has succeeded; gives the run.
    pub(crate) async fn synced(&self, install: &str) -> Value {
        eventually("the sync", async || {
            let run = self.latest_run(install).await;
            assert_ne!(run["state"], "FAILED", "{run}");
            (run["state"] == "SUCCEEDED").then_some(run)
        })
        .await
    }

    pub(crate) async fn latest_run(&self, install: &str) -> Value {
        let query = "query($id: ID!) { install(id: $id) { recordCount latestRun {
            id state attempt pages recordsUpserted recordsDeleted error } } }";
        self.graphql(query, json!({ "id": install })).await["install"]["latestRun"].take()
    }

    /// External ids of every record of an install, sorted.
    pub(crate) async fn records(&self, install: &str) -> Vec<String> {
        let query = "query($id: ID!, $after: String) { install(id: $id) {
            records(first: 100, after: $after) { nodes { externalId } pageInfo { hasNextPage endCursor } } } }";
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let answer = self.graphql(query, json!({ "id": install, "after": after })).await;
            let page = &answer["install"]["records"];
            let nodes = page["nodes"].as_array().expect("nodes");
            found.extend(
                nodes
                    .iter()
                    .map(|node| node["externalId"].as_str().expect("an external id").to_owned()),
            );
            if page["pageInfo"]["hasNextPage"] != true {
                found.sort();
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    pub(crate) fn mcp(&self) -> Mcp {
        self.mcp_with(&self.0.facts.api_key)
    }

    pub(crate) fn mcp_with(&self, key: &str) -> Mcp {
        Mcp::new(&self.0.http, &self.0.facts.mcp_url, key)
    }
}
