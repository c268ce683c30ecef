//! What the transport demands before anybody asks who sent it.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Reply, http::build};

use crate::bench::Bench;

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn post(bench: &Bench, headers: &[(&str, &str)], body: &str) -> Reply {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = build(Method::POST, &bench.url("acme"), headers, body).expect("a request");
    bench.http.send(request).await.expect("an answer")
}

fn code(reply: &Reply) -> i64 {
    reply.json().expect("a JSON-RPC error")["error"]["code"].as_i64().expect("a code")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused_with_a_json_rpc_error() {
    let bench = Bench::with(|config| config.max_body_bytes = 2000).await;
    for (body, status, expected) in [
        ("{", 400, -32700),
        ("", 400, -32700),
        ("[]", 400, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        (r#"{"id":1,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, 400, -32602),
        (&format!(r#"{{"a":"{}"}}"#, "x".repeat(3000)), 413, -32600),
    ] {
        let reply = post(&bench, &[JSON, ACCEPT], body).await;
        assert_eq!((reply.status.as_u16(), code(&reply)), (status, expected), "{body}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
    let reply = post(&bench, &[("content-type", "text/plain"), ACCEPT], PING).await;
    assert_eq!((reply.status.as_u16(), code(&reply)), (415, -32600));
    let reply = post(&bench, &[JSON, ("accept", "application/json")], PING).await;
    assert_eq!((reply.status.as_u16(), code(&reply)), (406, -32600));
}

#[tokio::test(flavor = "multi_thread")]
async fn error_answers_under_the_id_of_the_request_when_it_could_be_read() {
    let bench = Bench::start().await;
    let reply =
        post(&bench, &[JSON, ACCEPT], r#"{"jsonrpc":"1.0","id":"seven","method":"a"}"#).await;
    assert_eq!(reply.json().expect("JSON")["id"], "seven");
    let reply = post(&bench, &[JSON, ACCEPT], "{").await;
    assert_eq!(reply.json().expect("JSON")["id"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_a_foreign_origin_is_refused_and_of_a_listed_one_is_not() {
    let bench =
        Bench::with(|config| config.allowed_origins = vec!["https://app.example".to_owned()]).await;
    let reply = post(&bench, &[JSON, ACCEPT, ("origin", "https://evil.example")], PING).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    let reply = post(&bench, &[JSON, ACCEPT, ("origin", "https://app.example")], PING).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("access-control-allow-origin"), "https://app.example");
    let url = bench.url("acme");
    for (origin, status) in [("https://app.example", 204), ("https://evil.example", 403)] {
        let request = build(Method::OPTIONS, &url, &[("origin", origin)], Bytes::new());
        let reply = bench.http.send(request.expect("a request")).await.expect("an answer");
        assert_eq!(reply.status.as_u16(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tenant_and_wrong_key_get_the_same_answer() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let other = bench.org("other").await;
    let foreign = bench.member(&other).await;
    let _ = org;
    let wrong = format!("Bearer {}", foreign.text);
    let body = json!({"jsonrpc": "2.0", "id": 5, "method": "initialize", "params": {}});
    let mut answers = Vec::new();
    for (slug, authorization) in [
        ("acme", Some(wrong.as_str())),
        ("nobody", Some(wrong.as_str())),
        ("acme", Some("Bearer pb_live_nonsense")),
        ("nobody", Some("Basic abc")),
        ("acme", None),
        ("nobody", None),
    ] {
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let reply = bench.http.post(&bench.url(slug), &headers, &body).await.expect("an answer");
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
        answers.push(reply.text());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all refusals read alike: {answers:?}");
    assert!(!answers[0].contains("acme"));
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_stream_is_not_offered() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let authorization = format!("Bearer {}", key.text);
    for version in ["2026-07-28", "2025-11-25"] {
        let session = bench.client(&org, &key).legacy().await.expect("a session");
        let headers = [
            ("authorization", authorization.as_str()),
            ("accept", "text/event-stream"),
            ("mcp-protocol-version", version),
            ("mcp-session-id", session.id.as_deref().unwrap_or_default()),
        ];
        let reply = bench.http.get(&bench.url("acme"), &headers).await.expect("an answer");
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "POST"));
    }
}
