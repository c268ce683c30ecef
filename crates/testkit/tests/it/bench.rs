//! The servers and fakes of the test bench.

use std::time::Duration;

use serde_json::json;
use testkit::{
    Http, Services, Upstream,
    chaos::{Chaos, Weather},
    mcp::Mcp,
    services::{Slot, TestDatabase, execute},
    upstream::{Era, UpstreamConfig},
};

fn services() -> Services {
    Services::from_env().expect("run under the `services` program")
}

#[tokio::test]
async fn runtime_role_uses_the_tables_of_the_owner_and_makes_none() {
    let database = TestDatabase::create(&services().postgres).await.expect("database");
    execute(&database.owner_url, "create table things(id int)").await.expect("owner creates");
    execute(&database.runtime_url, "insert into things values (7)").await.expect("runtime writes");
    let found = execute(&database.runtime_url, "select id from things").await.expect("read");
    assert_eq!(found.trim(), "7");
    let refused = execute(&database.runtime_url, "create table more(id int)").await;
    assert!(refused.is_err(), "the runtime role made a table");
}

#[tokio::test]
async fn server_refuses_a_wrong_password() {
    let url = services().postgres.replace("superuser-of-the-tests", "wrong");
    let error = execute(&url, "select 1").await.expect_err("wrong password").to_string();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[tokio::test]
async fn two_slots_share_nothing() {
    let services = services();
    let first = Slot::take(&services).await.expect("slot");
    let second = Slot::take(&services).await.expect("slot");
    assert_ne!(first.number(), second.number());
    assert_ne!(first.amqp, second.amqp);
    assert_ne!(first.redis, second.redis);
}

#[tokio::test]
async fn upstream_answers_both_revisions_and_counts() {
    let upstream = Upstream::start(UpstreamConfig::default()).await.expect("upstream");
    let mcp = Mcp::new(&Http::new(), &upstream.url(), "unused");
    let echo = json!({ "name": "echo", "arguments": { "text": "hello" } });
    let modern = mcp.modern("tools/call", echo.clone()).await.expect("modern");
    assert_eq!(modern["content"][0]["text"], "hello");
    assert_eq!(modern["resultType"], "complete");
    let session = mcp.legacy().await.expect("legacy");
    let legacy = session.request("tools/call", echo).await.expect("legacy call");
    assert_eq!(legacy["content"][0]["text"], "hello");
    assert_eq!(legacy.get("resultType"), None);
    assert_eq!(upstream.count("tools/call"), 2);
    assert_eq!(upstream.seen("tools/call")[0].headers["mcp-name"], "echo");
}

#[tokio::test]
async fn upstream_of_one_era_refuses_the_other() {
    let http = Http::new();
    let modern = Upstream::start(UpstreamConfig { era: Era::Modern, ..UpstreamConfig::default() });
    let modern = modern.await.expect("upstream");
    assert!(Mcp::new(&http, &modern.url(), "x").legacy().await.is_err());
    let legacy = Upstream::start(UpstreamConfig { era: Era::Legacy, ..UpstreamConfig::default() });
    let legacy = legacy.await.expect("upstream");
    let mcp = Mcp::new(&http, &legacy.url(), "x");
    let reply = mcp.modern_reply("server/discover", json!({})).await.expect("reply");
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn upstream_with_a_bearer_refuses_everybody_else() {
    let config = UpstreamConfig { bearer: Some("secret".to_owned()), ..UpstreamConfig::default() };
    let upstream = Upstream::start(config).await.expect("upstream");
    let http = Http::new();
    let (stranger, friend) =
        (Mcp::new(&http, &upstream.url(), "wrong"), Mcp::new(&http, &upstream.url(), "secret"));
    let refused = stranger.modern_reply("tools/list", json!({})).await.expect("reply");
    assert_eq!(refused.status, 401);
    let listed = friend.modern("tools/list", json!({})).await.expect("tools");
    assert_eq!(listed["tools"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn bad_network_is_slow_silent_and_cut() {
    let upstream = Upstream::start(UpstreamConfig::default()).await.expect("upstream");
    let chaos = Chaos::start(upstream.address()).await.expect("proxy");
    let mcp = Mcp::new(&Http::new(), &format!("http://{}/mcp", chaos.address()), "unused");
    mcp.modern("tools/list", json!({})).await.expect("fine weather");
    let (up, down) = chaos.bytes();
    assert!(up > 100 && down > 100, "{up} {down}");

    chaos.set(Weather::Slow(Duration::from_millis(150)));
    let start = tokio::time::Instant::now();
    mcp.modern("tools/list", json!({})).await.expect("slow weather");
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());

    chaos.set(Weather::Silent);
    let call = mcp.modern("tools/list", json!({}));
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());

    chaos.set(Weather::Cut);
    assert!(mcp.modern("tools/list", json!({})).await.is_err());

    chaos.set(Weather::Fine);
    mcp.modern("tools/list", json!({})).await.expect("fine again");
}
