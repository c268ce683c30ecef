//! The connector for remote MCP servers: which addresses it takes, and what its check finds out.

use connector_sdk::{CheckItem, CheckReport, ConnectorError};
use serde_json::{Value, json};

use crate::{
    mcp_server::{Kind, McpServer},
    support::{Allow, connector, context},
};

async fn check(server: &McpServer, credential: Option<Value>, allow: Allow) -> CheckReport {
    let cx = context(json!({"url": server.url()}), credential, allow);
    connector("remote_mcp").check(&cx).await.expect("a report")
}

fn messages(report: &CheckReport) -> String {
    let line = |item: &CheckItem| format!("{} {}: {}\n", item.ok, item.name, item.message);
    report.items.iter().map(line).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn modern_server_is_discovered_and_its_tools_are_counted_over_all_pages() {
    let server = McpServer::start(Kind::Modern).await;
    let report = check(&server, None, Allow::default()).await;
    assert_eq!(
        messages(&report),
        "true Server: fresh 9.1 answers in revision 2026-07-28.\ntrue Tools: 3 tools.\n"
    );
    assert_eq!(server.methods(), ["server/discover", "tools/list", "tools/list"]);
}

#[tokio::test]
async fn legacy_server_is_initialized_and_its_session_is_ended() {
    let server = McpServer::start(Kind::Legacy).await;
    let report = check(&server, None, Allow::default()).await;
    assert_eq!(
        messages(&report),
        "true Server: elder 1.0 answers in revision 2025-11-25.\ntrue Tools: 1 tools.\n"
    );
    let expected =
        ["server/discover", "initialize", "notifications/initialized", "tools/list", "DELETE"];
    assert_eq!(server.methods(), expected);
}

#[tokio::test]
async fn refused_token_is_told_apart_from_a_server_that_is_no_mcp_server() {
    let server = McpServer::start(Kind::Guarded).await;
    let report = check(&server, None, Allow::default()).await;
    assert!(messages(&report).starts_with("false Sign in: "), "{}", messages(&report));
    let wrong = check(&server, Some(json!({"bearer_token": "wrong"})), Allow::default()).await;
    assert!(!wrong.is_ok() && !messages(&wrong).contains("wrong"), "{}", messages(&wrong));
    let right = check(&server, Some(json!({"bearer_token": "right"})), Allow::default()).await;
    assert!(right.is_ok(), "{}", messages(&right));
    // A refusal says nothing about the era: no `initialize` follows.
    assert!(!server.methods().contains(&"initialize".to_owned()));
}

#[tokio::test]
async fn other_servers_are_reported_for_what_they_are() {
    for (kind, words) in [
        (Kind::Website, "no MCP server"),
        (Kind::Moved, "moved"),
        (Kind::Incomplete, "server/discover"),
    ] {
        let server = McpServer::start(kind).await;
        let report = check(&server, None, Allow::default()).await;
        assert!(!report.is_ok() && messages(&report).contains(words), "{}", messages(&report));
    }
}

#[tokio::test]
async fn private_server_is_refused_while_the_operator_forbids_it() {
    let server = McpServer::start(Kind::Modern).await;
    let report = check(&server, None, Allow { private_networks: false, ..Allow::default() }).await;
    assert!(messages(&report).contains("egress.allow_private_networks"), "{}", messages(&report));
    assert!(server.methods().is_empty());
}

#[test]
fn address_must_be_encrypted_unless_it_can_only_be_private() {
    let remote =
        |url: &str| connector("remote_mcp").remote(&json!({"url": url})).expect("a proxied one");
    for url in [
        "https://mcp.example.com/mcp",
        "http://127.0.0.1:9000/mcp",
        "http://[::1]/mcp",
        "http://10.1.2.3/mcp",
        "http://localhost/mcp",
        "http://tools:8080/mcp",
        "http://tools.corp.internal/mcp",
    ] {
        assert_eq!(remote(url).expect(url).as_str(), url);
    }
    for url in [
        "http://mcp.example.com/mcp",
        "http://8.8.8.8/mcp",
        "ftp://mcp.example.com/",
        "https://user:pass@mcp.example.com/",
        "https://mcp.example.com/#part",
        "not a url",
        "",
    ] {
        let refused = remote(url);
        let Err(ConnectorError::Config { field, .. }) = &refused else {
            panic!("{url}: {refused:?}")
        };
        assert_eq!(field, &["url"]);
    }
}
