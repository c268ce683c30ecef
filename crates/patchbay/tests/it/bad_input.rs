//! Bad input at the doors: a clear error, the right status, nothing half-written, nothing leaked.

use serde_json::{Value, json};
use testkit::{Reply, TestPlane, plane::PlaneConfig};

use crate::{binary, client::Client, distributed, embedded};

const JSON: &[(&str, &str)] =
    &[("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

fn error_code(reply: &Reply) -> i64 {
    reply.json().expect("JSON")["error"]["code"].as_i64().expect("a code")
}

async fn raw(plane: &TestPlane, url: &str, key: &str, body: String) -> Reply {
    let authorization = format!("Bearer {key}");
    let mut headers = JSON.to_vec();
    headers.push(("authorization", &authorization));
    let request = testkit::http::build(http_method(), url, &headers, body.into()).expect("request");
    plane.http.send(request).await.expect("an answer")
}

fn http_method() -> http::Method {
    http::Method::POST
}

async fn mcp_door_refuses(plane: &TestPlane) {
    let facts = &plane.facts;
    let malformed = raw(plane, &facts.mcp_url, &facts.api_key, "{not json".to_owned()).await;
    assert_eq!((malformed.status.as_u16(), error_code(&malformed)), (400, -32700));

    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let large = format!("{{\"padding\":\"{}\"}}", "x".repeat(8 * 1024 * 1024));
    assert_eq!(raw(plane, &facts.mcp_url, &facts.api_key, large).await.status, 413);

    // An organisation that is not there and a key that is wrong look the same from outside.
    let unknown = facts.mcp_url.replace("/t/demo/", "/t/nobody/");
    let elsewhere = raw(plane, &unknown, &facts.api_key, list.to_string()).await;
    let wrong_key = "pb_live_0000000000000000000000000000000000000";
    let wrong = raw(plane, &facts.mcp_url, wrong_key, list.to_string()).await;
    assert_eq!((elsewhere.status.as_u16(), wrong.status.as_u16()), (401, 401));
    assert_eq!(elsewhere.text(), wrong.text());
    assert!(wrong.header("www-authenticate").starts_with("Bearer"));
    assert!(!wrong.text().contains("demo") && !wrong.text().contains("nobody"));
}

async fn user_error(client: &Client<'_>, input: Value) -> Value {
    let payload = client.install(input).await;
    assert_eq!(payload["install"], Value::Null, "{payload}");
    payload["userErrors"][0].clone()
}

async fn control_plane_refuses(plane: &TestPlane) {
    let client = Client(plane);
    let count = async || {
        let query = "{ installs(first: 100) { nodes { id } } }";
        let answer = client.graphql(query, json!({})).await;
        answer["installs"]["nodes"].as_array().expect("nodes").len()
    };
    let before = count().await;
    let incomplete =
        user_error(&client, json!({ "connector": "files", "displayName": "x", "config": {} }))
            .await;
    assert_eq!(incomplete["code"], "INVALID");
    assert!(incomplete["field"].to_string().contains("root"), "{incomplete}");
    let outside = user_error(
        &client,
        json!({ "connector": "files", "displayName": "x", "config": { "root": "/etc" } }),
    )
    .await;
    assert!(outside["message"].as_str().expect("a message").contains("file_roots"), "{outside}");
    let unknown =
        user_error(&client, json!({ "connector": "teleporter", "displayName": "x", "config": {} }))
            .await;
    assert!(!unknown["message"].as_str().expect("a message").is_empty());

    // The operator of this plane forbids private networks.
    let check = client
        .graphql(
            "mutation($input: CheckConnectionInput!) { checkConnection(input: $input) {
                ok items { ok message } userErrors { message } } }",
            json!({ "input": { "connector": "postgres", "credential": { "password": "hunter2" }, "config": {
                "host": "127.0.0.1", "port": 5432, "database": "d", "user": "u", "ssl_mode": "disable" } } }),
        )
        .await;
    assert_eq!(check["checkConnection"]["ok"], false, "{check}");
    assert!(check.to_string().contains("allow_private_networks"), "{check}");
    assert!(!check.to_string().contains("hunter2"), "{check}");
    assert_eq!(count().await, before, "nothing was half-written");

    // An id that never existed, and the id of something else.
    let query = "query($id: ID!) { install(id: $id) { id } }";
    let missing = "install:0192f3c4-0000-7000-8000-000000000000";
    let answer = client.graphql(query, json!({ "id": missing })).await;
    assert_eq!(answer["install"], Value::Null);
    let facts = &plane.facts;
    let session = json!({ "id": "session:0192f3c4-0000-7000-8000-000000000000" });
    let reply = plane.http.graphql_reply(&facts.graphql_url, &facts.api_key, query, session).await;
    let reply = reply.expect("an answer").text();
    assert!(reply.contains("the id of a session"), "{reply}");
}

async fn sign_in_link_works_once(plane: &TestPlane) {
    let http = &plane.http;
    let link = &plane.facts.sign_in_url;
    let seen = http.get(link, &[]).await.expect("a page");
    assert_eq!(seen.status, 200, "looking at the link does not use it up");
    let origin = plane.facts.console_url.as_str();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
    let redeem = async || {
        let request = testkit::http::build(http_method(), link, &form, bytes::Bytes::new());
        http.send(request.expect("request")).await.expect("an answer")
    };
    let first = redeem().await;
    assert_eq!(first.status, 303, "{}", first.text());
    assert!(first.header("set-cookie").contains("HttpOnly"), "{}", first.header("set-cookie"));
    let second = redeem().await;
    assert_eq!(second.status, 410);
    assert!(second.text().contains("patchbay sign-in-link"), "{}", second.text());
    assert_eq!(second.header("set-cookie"), "");
}

async fn every_door_refuses(plane: TestPlane) {
    mcp_door_refuses(&plane).await;
    control_plane_refuses(&plane).await;
    sign_in_link_works_once(&plane).await;
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn embedded_doors_refuse_bad_input() {
    every_door_refuses(embedded(PlaneConfig::new(binary()).forbid_private_networks()).await).await;
}

#[tokio::test]
async fn distributed_doors_refuse_bad_input() {
    every_door_refuses(distributed(PlaneConfig::new(binary()).forbid_private_networks()).await)
        .await;
}
