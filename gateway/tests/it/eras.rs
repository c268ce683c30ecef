//! Both revisions on one URL, decided per request.

use bytes::Bytes;
use domain::Role;
use http::Method;
use serde_json::{Value, json};
use testkit::{
    Reply,
    http::build,
    mcp::{Mcp, with_meta},
};

use crate::bench::{Bench, modern};

fn outcome(reply: &Reply) -> (u16, i64) {
    let code = reply.json().expect("JSON")["error"]["code"].as_i64().unwrap_or_default();
    (reply.status.as_u16(), code)
}

async fn client(bench: &Bench) -> Mcp {
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    bench.client(&org, &key)
}

#[tokio::test(flavor = "multi_thread")]
async fn discover_tells_what_is_served() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let result = client.modern("server/discover", json!({})).await.expect("a result");
    assert_eq!(result["supportedVersions"], json!(["2026-07-28", "2025-11-25", "2025-06-18"]));
    assert_eq!(result["capabilities"], json!({"tools": {}, "resources": {}, "prompts": {}}));
    assert_eq!(
        (&result["resultType"], &result["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    assert!(result["ttlMs"].is_u64());
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "patchbay");
    let reply = client.modern_reply("server/discover", json!({})).await.expect("an answer");
    assert_eq!(reply.header("mcp-session-id"), "", "no session for a modern client");
}

#[tokio::test(flavor = "multi_thread")]
async fn header_and_body_of_a_modern_request_must_agree() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let body = modern(&json!(1), "tools/call", json!({"name": "search"}));
    let version = ("mcp-protocol-version", "2026-07-28");
    let method = ("mcp-method", "tools/call");
    let name = ("mcp-name", "search");
    let cases: [&[(&str, &str)]; 7] = [
        &[method, name],
        &[version, name],
        &[version, method],
        &[version, ("mcp-method", "tools/list"), name],
        &[version, method, ("mcp-name", "fetch")],
        &[version, method, ("mcp-name", "=?base64?!!?=")],
        &[version, method, name, name],
    ];
    for headers in cases {
        let reply = client.post(headers, &body).await.expect("an answer");
        assert_eq!(outcome(&reply), (400, -32020), "{headers:?}");
        assert_eq!(reply.json().expect("JSON")["id"], 1);
    }
    let reply = client.post(&[version, method, ("mcp-name", "=?base64?c2VhcmNo?=")], &body).await;
    assert_ne!(outcome(&reply.expect("an answer")).0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn modern_request_without_its_meta_is_refused() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    let only_version = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    for params in [None, Some(json!({})), Some(only_version)] {
        let mut body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        if let Some(params) = params {
            body["params"] = params;
        }
        let reply = client.post(&headers, &body).await.expect("an answer");
        assert_eq!(outcome(&reply), (400, -32602), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_version_names_the_supported_ones() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let mut params = with_meta(json!({}));
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2030-01-01");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
    let headers = [("mcp-protocol-version", "2030-01-01"), ("mcp-method", "tools/list")];
    let reply = client.post(&headers, &body).await.expect("an answer");
    assert_eq!(outcome(&reply), (400, -32022));
    let data = &reply.json().expect("JSON")["error"]["data"];
    assert_eq!(data["requested"], "2030-01-01");
    assert!(data["supported"].as_array().expect("a list").contains(&json!("2026-07-28")));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_removed_methods_are_404_for_modern_and_200_for_legacy_clients() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    for method in ["nonsense", "initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        let reply = client.modern_reply(method, json!({})).await.expect("an answer");
        assert_eq!(outcome(&reply), (404, -32601), "{method}");
    }
    let session = client.legacy().await.expect("a session");
    for method in ["nonsense", "server/discover"] {
        let reply = session.reply(method, json!({})).await.expect("an answer");
        assert_eq!(outcome(&reply), (200, -32601), "{method}");
    }
    assert_eq!(session.request("ping", json!({})).await.expect("a pong"), json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn initialize_gives_a_version_that_we_serve_and_never_the_modern_one() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    for (offered, expected) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("nonsense", "2025-11-25"),
    ] {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {"protocolVersion": offered, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        let reply = client.post(&[], &body).await.expect("an answer");
        let result = &reply.json().expect("JSON")["result"];
        assert_eq!(result["protocolVersion"], expected);
        assert_eq!(result["serverInfo"]["name"], "patchbay");
        let session = reply.header("mcp-session-id");
        assert!(session.bytes().all(|byte| (0x21..0x7f).contains(&byte)) && !session.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_request_needs_its_session() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let reply = client.post(&[], &body).await.expect("an answer");
    assert_eq!(outcome(&reply), (400, -32600));
    let reply = client.post(&[("mcp-session-id", "made-up")], &body).await.expect("an answer");
    assert_eq!(outcome(&reply), (404, -32600));
    let session = client.legacy().await.expect("a session");
    assert!(session.request("tools/list", json!({})).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn session_is_bound_to_the_key_that_opened_it() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let other = bench.org("other").await;
    let mine = bench.member(&org).await;
    let colleague = bench.key(&org, Role::Admin, None).await;
    let stranger = bench.member(&other).await;
    let session = bench.client(&org, &mine).legacy().await.expect("a session");
    let id = session.id.clone().expect("an id");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for client in [bench.client(&org, &colleague), bench.client(&other, &stranger)] {
        let reply = client.post(&[("mcp-session-id", &id)], &body).await.expect("an answer");
        assert_eq!(outcome(&reply), (404, -32600));
    }
    assert!(session.request("ping", json!({})).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_session_is_gone() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let (one, other) = (client.legacy().await, client.legacy().await);
    let (one, other) = (one.expect("a session"), other.expect("a session"));
    assert_eq!(one.end().await.expect("an answer").status, 204);
    let reply = one.reply("ping", json!({})).await.expect("an answer");
    assert_eq!(outcome(&reply), (404, -32600));
    assert_eq!(one.end().await.expect("an answer").status, 404);
    assert!(other.request("ping", json!({})).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_may_mix_both_eras() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let session = client.legacy().await.expect("a session");
    for _round in 0..3 {
        assert!(client.modern("tools/list", json!({})).await.is_ok());
        assert!(session.request("tools/list", json!({})).await.is_ok());
    }
    let legacy = session.request("tools/list", json!({})).await.expect("a list");
    assert!(legacy.get("resultType").is_none() && legacy.get("ttlMs").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_come_back_exactly() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let authorization = format!("Bearer {}", key.text);
    for id in ["9007199254740993", "123456789012345678901234567890", "\"1\"", "\"\\u00e9\"", "-1"] {
        let meta = with_meta(json!({}));
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list","params":{meta}}}"#);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/list"),
        ];
        let request = build(Method::POST, &bench.url("acme"), &headers, Bytes::from(body));
        let reply = bench.http.send(request.expect("a request")).await.expect("an answer");
        assert!(reply.text().contains(&format!(r#""id":{id},"#)), "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_and_responses_are_taken_note_of() {
    let bench = Bench::start().await;
    let client = client(&bench).await;
    let session = client.legacy().await.expect("a session");
    for body in [
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
        json!({"jsonrpc": "2.0", "id": 4, "result": {}}),
    ] {
        let reply = session.post(&body).await.expect("an answer");
        assert_eq!((reply.status.as_u16(), reply.text()), (202, String::new()));
    }
    let note: Value = json!({"jsonrpc": "2.0", "method": "notifications/anything"});
    let reply = client.post(&[("mcp-protocol-version", "2026-07-28")], &note).await;
    assert_eq!(reply.expect("an answer").status, 202);
}
