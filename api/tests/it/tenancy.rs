//! What belongs to another organisation is not there, and is not there in the same words as what never was.

use domain::{InstallId, Role};
use serde_json::{Value, json};

use crate::plane::Plane;

/// An answer without what differs from request to request.
fn bare(mut answer: Value) -> Value {
    if let Some(errors) = answer["errors"].as_array_mut() {
        for error in errors {
            error["extensions"]["requestId"] = Value::Null;
        }
    }
    answer
}

#[tokio::test]
async fn foreign_id_answers_like_one_that_never_was() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    let foreign = plane.install(&other.session, "theirs").await;
    let never = InstallId::generate();
    let documents = [
        "query($id: ID!) { node(id: $id) { id } }",
        "query($id: ID!) { install(id: $id) { id config } }",
        "query($id: ID!) { search(query: \"x\", installId: $id) { score } }",
        "mutation($id: ID!) { removeInstall(input: { id: $id }) { removedId userErrors { code field message } } }",
        "mutation($id: ID!) { updateInstall(input: { id: $id, displayName: \"Mine\" }) { install { id } userErrors { code field message } } }",
        "mutation($id: ID!) { startSync(input: { installId: $id }) { run { id } userErrors { code field message } } }",
    ];
    for document in documents {
        let theirs = plane.graphql(&acme.session, document, json!({ "id": foreign })).await;
        let none = plane.graphql(&acme.session, document, json!({ "id": never })).await;
        assert_eq!(bare(theirs), bare(none), "{document}");
    }
    let kept = plane.graphql(&other.session, documents[1], json!({ "id": foreign })).await;
    assert_eq!(kept["data"]["install"]["id"], foreign.to_string(), "{kept}");
}

#[tokio::test]
async fn node_gives_null_for_everything_of_another_organisation() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    plane.install(&other.session, "theirs").await;
    plane.key(&other.owner, Role::Viewer).await;
    let ids = "{ viewer { user { id } tenant { id } } endpoints { id }
        installs(first: 5) { nodes { id latestRun { id } } } apiKeys(first: 5) { nodes { id } } auditEvents(first: 5) { nodes { id } } }";
    let theirs = plane.graphql(&other.session, ids, json!({})).await;
    let data = &theirs["data"];
    let all = [
        &data["viewer"]["user"]["id"],
        &data["viewer"]["tenant"]["id"],
        &data["endpoints"][0]["id"],
        &data["installs"]["nodes"][0]["id"],
        &data["installs"]["nodes"][0]["latestRun"]["id"],
        &data["apiKeys"]["nodes"][0]["id"],
        &data["auditEvents"]["nodes"][0]["id"],
    ];
    let node = "query($id: ID!) { node(id: $id) { __typename id } }";
    for id in all {
        assert!(id.is_string(), "{theirs}");
        let own = plane.graphql(&other.session, node, json!({ "id": id })).await;
        assert_eq!(&own["data"]["node"]["id"], id, "{own}");
        let foreign = plane.graphql(&acme.session, node, json!({ "id": id })).await;
        assert_eq!(foreign, json!({ "data": { "node": null } }), "{id}");
    }
    let shared = plane.graphql(&acme.session, node, json!({ "id": "connector:files" })).await;
    assert_eq!(shared["data"]["node"]["__typename"], "Connector", "the marketplace is everybody's");
    let session = plane
        .graphql(
            &acme.session,
            node,
            json!({ "id": "session:0192f3c4-0000-7000-8000-000000000000" }),
        )
        .await;
    assert_eq!(session["errors"][0]["extensions"]["code"], "INVALID", "{session}");
}

#[tokio::test]
async fn lists_hold_only_what_is_ours() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    let ours = plane.install(&acme.session, "ours").await;
    plane.install(&other.session, "theirs").await;
    let lists = "{ installs(first: 100) { nodes { id alias } pageInfo { hasNextPage } } members(first: 100) { nodes { user { email } } }
        auditEvents(first: 100) { nodes { target } } }";
    let answer = plane.graphql(&acme.session, lists, json!({})).await;
    let nodes = answer["data"]["installs"]["nodes"].as_array().expect("a list");
    assert_eq!(nodes.len(), 1, "{answer}");
    assert_eq!(nodes[0]["id"], ours.to_string());
    assert!(!answer.to_string().contains("other.example"), "{answer}");
    assert!(!answer.to_string().contains("theirs"), "{answer}");
}

#[tokio::test]
async fn cursor_of_another_organisation_shows_nothing_of_it() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    for name in ["a", "b", "c"] {
        plane.install(&other.session, name).await;
    }
    let list = "query($after: String) { installs(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }";
    let theirs = plane.graphql(&other.session, list, json!({ "after": null })).await;
    let cursor = &theirs["data"]["installs"]["pageInfo"]["endCursor"];
    assert!(cursor.is_string(), "{theirs}");
    let answer = plane.graphql(&acme.session, list, json!({ "after": cursor })).await;
    let nodes = answer["data"]["installs"]["nodes"].as_array().map_or(0, Vec::len);
    assert_eq!(nodes, 0, "{answer}");
}

#[tokio::test]
async fn viewer_cannot_install() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let viewer = plane.key(&acme.owner, Role::Viewer).await;
    let mutation = "mutation { installConnector(input: { connector: \"files\", displayName: \"Docs\", config: {} }) {
        install { id } run { id } userErrors { code message } } }";
    let answer = plane.graphql(&viewer, mutation, json!({})).await;
    let payload = &answer["data"]["installConnector"];
    assert_eq!(payload["userErrors"][0]["code"], "DENIED", "{answer}");
    assert!(payload["install"].is_null() && payload["run"].is_null(), "{answer}");
    let installs =
        plane.graphql(&viewer, "{ installs(first: 1) { nodes { id } } }", json!({})).await;
    assert_eq!(installs["data"]["installs"]["nodes"], json!([]));
}

#[tokio::test]
async fn revoked_key_is_nobody() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let key = plane.key(&acme.owner, Role::Member).await;
    let keys =
        plane.graphql(&acme.session, "{ apiKeys(first: 1) { nodes { id } } }", json!({})).await;
    let id = &keys["data"]["apiKeys"]["nodes"][0]["id"];
    let revoke = "mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { revokedAt } userErrors { message } } }";
    let revoked = plane.graphql(&acme.session, revoke, json!({ "id": id })).await;
    assert!(revoked["data"]["revokeApiKey"]["apiKey"]["revokedAt"].is_string(), "{revoked}");
    let reply = plane.graphql_reply(&key, "{ viewer { role } }", json!({})).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
}
