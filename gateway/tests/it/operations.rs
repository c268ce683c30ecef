//! Limits, the audit log, revocation, and stopping.

use std::time::Duration;

use domain::{
    AuditOutcome,
    audit::{AuditSettings, Overload},
};
use serde_json::json;
use sha2::Digest;
use testkit::upstream::{Upstream, UpstreamConfig};
use tokio::time::Instant;

use crate::bench::{Bench, call, call_result, names, text};

#[tokio::test(flavor = "multi_thread")]
async fn key_that_calls_too_often_is_told_when_to_come_back() {
    let bench = Bench::with(|config| {
        config.requests_per_second = 1;
        config.burst = 5;
    })
    .await;
    let org = bench.org("acme").await;
    let (one, other) = (bench.member(&org).await, bench.member(&org).await);
    let client = bench.client(&org, &one);
    let mut refused = None;
    for _round in 0..10 {
        let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
        if reply.status == 429 {
            refused = Some(reply);
        }
    }
    let refused = refused.expect("the sixth at the latest is too much");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json().expect("JSON")["error"]["data"]["retryAfterSeconds"], 1);
    let reply = bench.client(&org, &other).modern_reply("tools/list", json!({})).await;
    assert_eq!(reply.expect("an answer").status, 200, "each key has its own limit");
    bench
        .until("the key works again", async || {
            let reply = client.modern_reply("tools/list", json!({})).await;
            reply.is_ok_and(|reply| reply.status == 200)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_count_against_the_limit_and_cannot_fill_the_audit_log() {
    let bench = Bench::with(|config| {
        config.requests_per_second = 1;
        config.burst = 10;
    })
    .await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let mut statuses = Vec::new();
    for _round in 0..80 {
        statuses.push(call(&client, "nonsense__tool", json!({})).await.status.as_u16());
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let answered = statuses.iter().filter(|status| **status == 200).count();
    let events = bench.audit(&org).await;
    let noted = events.iter().filter(|event| event.action == "mcp.tools.call").count();
    assert!((answered + 1..=answered + 25).contains(&noted), "{noted} of {answered} answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_in_the_audit_log_without_its_arguments() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", &[("a.md", "text")]).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    call(&client, "docs__read_file", json!({"path": "canary-in-arguments.md"})).await;
    call(&client, "search", json!({"query": "canary-in-arguments"})).await;
    call(&client, "nonsense__tool", json!({})).await;
    let events = bench.audit(&org).await;
    let calls: Vec<_> = events
        .iter()
        .filter(|event| event.action == "mcp.tools.call")
        .map(|event| (event.target.as_deref().unwrap_or_default(), event.outcome))
        .collect();
    assert_eq!(
        calls,
        [
            ("nonsense__tool", AuditOutcome::Failed),
            ("search", AuditOutcome::Succeeded),
            ("docs__read_file", AuditOutcome::Failed),
        ]
    );
    let read = events.iter().find(|event| event.target.as_deref() == Some("docs__read_file"));
    let read = read.expect("an entry");
    assert_eq!(read.actor, key.id.to_string());
    assert_eq!(read.detail["install"], "docs");
    assert!(read.detail["ms"].is_number() && read.detail["arguments_bytes"].is_number());
    assert_eq!(read.detail["arguments_sha256"].as_str().map(str::len), Some(64));
    assert!(!format!("{events:?}").contains("canary-in-arguments"));
    assert!(events.iter().any(|event| event.action == "mcp.tools.list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_kept_without_secrets_where_the_organisation_asks_for_them() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let wanted = AuditSettings { keep_arguments: true, ..AuditSettings::default() };
    bench.control.update_audit_settings(&org.owner, wanted).await.expect("kept");
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", &[("a.md", "text")]).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    let arguments = json!({ "path": "a.md", "api_key": "hunter2" });
    call(&client, "docs__read_file", arguments).await;
    call(&client, "docs__read_file", json!({ "path": "a.md" })).await;
    let events = bench.audit(&org).await;
    let calls: Vec<_> = events.iter().filter(|it| it.action == "mcp.tools.call").collect();
    assert_eq!(calls[1].detail["arguments"], json!({ "path": "a.md", "api_key": "[redacted]" }));
    assert_eq!(calls[0].detail["arguments"], json!({ "path": "a.md" }));
    assert_eq!(
        calls[0].detail["arguments_sha256"],
        hex::encode(sha2::Sha256::digest(br#"{"path":"a.md"}"#))
    );
    assert!(calls[0].detail["client"]["name"].is_string(), "{:?}", calls[0].detail);
    assert!(calls[0].detail["response_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert!(!format!("{events:?}").contains("hunter2"));
}

/// Takes every place that the audit log has for calls.
fn fill_the_log(bench: &Bench) -> Vec<control::CallSlot> {
    std::iter::from_fn(|| bench.control.reserve_call()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_cannot_be_noted_is_refused_where_the_organisation_wants_every_call_in_its_log() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let strict = AuditSettings { overload: Some(Overload::Block), ..AuditSettings::default() };
    bench.control.update_audit_settings(&org.owner, strict).await.expect("kept");
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 200);
    let slots = fill_the_log(&bench);
    let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 503);
    let message = reply.json().expect("JSON")["error"]["message"].to_string();
    assert!(message.contains("audit log does not keep up"), "{message}");
    assert_eq!(reply.header("retry-after"), "1");
    drop(slots);
    let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 200, "it is served again once it can be noted");
    assert_eq!(bench.control.audit_dropped(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_cannot_be_noted_is_served_and_the_log_says_that_it_is_missing() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let slots = fill_the_log(&bench);
    for _round in 0..3 {
        let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
        assert_eq!(reply.status, 200);
    }
    drop(slots);
    assert_eq!(bench.control.audit_dropped(), 3);
    let events = bench.audit(&org).await;
    let gap = events.iter().find(|event| event.action == "audit.gap").expect("a gap");
    assert_eq!(gap.detail["calls"], 3);
    assert!(!events.iter().any(|event| event.action == "mcp.tools.list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_key_is_in_the_audit_log_of_the_tenant_but_cannot_fill_it() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let other = bench.org("other").await;
    let foreign = bench.member(&other).await;
    let client = bench.client(&org, &foreign);
    for _round in 0..60 {
        let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
        assert_eq!(reply.status, 401);
    }
    let events = bench.audit(&org).await;
    let denied = events
        .iter()
        .filter(|event| event.action == "mcp.tools.list" && event.outcome == AuditOutcome::Denied);
    assert!((1..=25).contains(&denied.count()));
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_key_stops_working_within_moments() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let session = client.legacy().await.expect("a session");
    bench.control.revoke_api_key(&org.owner, key.id).await.expect("revoked");
    let start = Instant::now();
    bench
        .until("the key is refused", async || {
            let reply = client.modern_reply("tools/list", json!({})).await;
            reply.is_ok_and(|reply| reply.status == 401)
        })
        .await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let reply = session.reply("ping", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 401, "its sessions go with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_tenant_is_found_although_it_was_asked_for_before() {
    let bench = Bench::start().await;
    let org = bench.org("early").await;
    let key = bench.member(&org).await;
    let client = testkit::mcp::Mcp::new(&bench.http, &bench.url("late"), &key.text);
    let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 401);
    let late = bench.org("late").await;
    let key = bench.member(&late).await;
    assert!(bench.client(&late, &key).modern("tools/list", json!({})).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_gateway_finishes_what_it_began_and_takes_nothing_new() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let slow = Upstream::start(UpstreamConfig {
        delay: Duration::from_millis(700),
        ..UpstreamConfig::default()
    })
    .await
    .expect("a server");
    bench.install_remote(&org, "slow", &slow.url(), None).await;
    bench.until("it is listed", async || names(&client).await.len() == 3).await;
    let running = call_result(&client, "slow__echo", json!({"text": "finished"}));
    let stopping = async {
        bench.until("the call is under way", async || slow.count("tools/call") == 1).await;
        bench.cancel.cancel();
        bench
            .until("new requests are refused", async || {
                let reply = client.modern_reply("tools/list", json!({})).await;
                reply.is_ok_and(|reply| {
                    reply.status == 503 && !reply.header("retry-after").is_empty()
                })
            })
            .await;
    };
    let (result, ()) = futures_util::join!(running, stopping);
    assert_eq!(text(&result), "finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_tenant_is_served_while_the_database_is_gone() {
    let bench = Bench::with(|config| config.refresh_seconds = 1).await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let server = Upstream::start(UpstreamConfig::default()).await.expect("a server");
    bench.install_remote(&org, "box", &server.url(), None).await;
    bench.until("it is listed", async || names(&client).await.len() == 3).await;
    bench.lose_database().await;
    let unknown = testkit::mcp::Mcp::new(&bench.http, &bench.url("never-seen"), &key.text);
    let reply = unknown.modern_reply("tools/list", json!({})).await.expect("an answer");
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), "1");
    // Longer than two polls, all of which fail.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        assert_eq!(names(&client).await.len(), 3);
        let result = call_result(&client, "box__echo", json!({"text": "still here"})).await;
        assert_eq!(text(&result), "still here");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_named() {
    let bench = Bench::start().await;
    let config = gateway::Config { burst: 0, ..gateway::Config::default() };
    let caches = backplane::CacheConfig::default();
    let error = gateway::Gateway::build(
        config,
        bench.control.clone(),
        egress::Egress::new(egress::Config::default()),
        backplane::Cache::connect(&caches, [0; 32]).await.expect("a cache"),
        [0; 32],
        telemetry::Metrics::disabled(),
    )
    .expect_err("a burst of nothing");
    assert_eq!(error.to_string(), "`gateway.burst` must be at least 1");
}
