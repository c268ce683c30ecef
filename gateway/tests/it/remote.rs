//! Tools of remote MCP servers: how often they are asked, with what, and what happens when they misbehave.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::HttpResponse;
use domain::{AuditOutcome, Role};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    mcp::Mcp,
    upstream::{Era, Upstream, UpstreamConfig},
};
use tokio::time::Instant;

use crate::{
    bench::{Bench, Key, Org, call, call_result, modern, names, names_of, text},
    scripted::{Asked, Scripted, discovered, result, tool},
};

async fn upstream(era: Era) -> Upstream {
    Upstream::start(UpstreamConfig { era, ..UpstreamConfig::default() }).await.expect("a server")
}

async fn started() -> (Bench, Org, Key) {
    started_with(|_config| {}).await
}

async fn started_with(adjust: impl FnOnce(&mut gateway::Config)) -> (Bench, Org, Key) {
    let bench = Bench::with(adjust).await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    (bench, org, key)
}

async fn until_listed(bench: &Bench, client: &Mcp, name: &str) {
    bench.until(name, async || names(client).await.iter().any(|listed| listed == name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_reaches_every_server_whatever_eras_they_speak() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    for (alias, era) in [("old", Era::Legacy), ("new", Era::Modern), ("both", Era::Dual)] {
        let server = upstream(era).await;
        bench.install_remote(&org, alias, &server.url(), None).await;
        let echo = format!("{alias}__echo");
        until_listed(&bench, &client, &echo).await;
        let result = call_result(&client, &echo, json!({"text": "hello"})).await;
        assert_eq!(
            (text(&result), &result["resultType"]),
            ("hello", &json!("complete")),
            "{alias}"
        );
        let session = client.legacy().await.expect("a session");
        let params = json!({"name": echo, "arguments": {"text": "bye"}});
        let result = session.request("tools/call", params).await.expect("a result");
        assert_eq!((text(&result), &result["structuredContent"]), ("bye", &json!({"text": "bye"})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amplification_is_one() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let mut servers = Vec::new();
    for index in 0..20 {
        let server = upstream(if index % 2 == 0 { Era::Modern } else { Era::Legacy }).await;
        bench.install_remote(&org, &format!("s{index}"), &server.url(), None).await;
        servers.push(server);
    }
    bench.until("all are listed", async || names(&client).await.len() == 60).await;
    let before: Vec<usize> = servers.iter().map(|server| server.count("")).collect();
    let result = call_result(&client, "s7__echo", json!({"text": "x"})).await;
    assert_eq!(text(&result), "x");
    let after: Vec<usize> = servers.iter().map(|server| server.count("")).collect();
    let asked: Vec<usize> =
        after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let mut expected = vec![0; 20];
    expected[7] = 1;
    assert_eq!(asked, expected, "exactly one request to exactly one server");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_gets_its_own_names_and_credential_and_nothing_of_the_client() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = Upstream::start(UpstreamConfig {
        era: Era::Modern,
        bearer: Some("upstream-secret".to_owned()),
        ..UpstreamConfig::default()
    })
    .await
    .expect("a server");
    bench.install_remote(&org, "box", &server.url(), Some("upstream-secret")).await;
    until_listed(&bench, &client, "box__echo").await;
    let params = json!({"name": "box__echo", "arguments": {"text": "x", "n": 1.50}, "vendor": [1],
        "_meta": {"vendor/x": 1, "progressToken": "p"}});
    client.modern("tools/call", params).await.expect("a result");
    let seen = server.seen("tools/call").pop().expect("a call");
    let text = format!("{:?} {}", seen.headers, seen.body);
    assert!(!text.contains(&key.text), "the client's key stays here");
    assert_eq!(seen.headers["authorization"], "Bearer upstream-secret");
    assert_eq!(seen.headers["mcp-name"], "echo");
    assert_eq!(seen.headers["mcp-method"], "tools/call");
    let params = &seen.body["params"];
    assert_eq!((&params["name"], &params["vendor"]), (&json!("echo"), &json!([1])));
    assert_eq!(params["arguments"], json!({"text": "x", "n": 1.5}));
    let meta = &params["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "patchbay");
    assert_eq!((&meta["vendor/x"], meta.get("progressToken")), (&json!(1), None));
    let entries = bench.audit(&org).await;
    let call = entries.iter().find(|it| it.action == "mcp.tools.call").expect("an entry");
    let opening = |id: &str| {
        entries.iter().any(|it| {
            it.action == "credential.open"
                && it.target.as_deref() == Some(id)
                && it.request_id == call.request_id
        })
    };
    let credentials = call.detail["credentials"].as_array().expect("what was opened for the call");
    assert_eq!(credentials.len(), 1, "{call:?}");
    assert!(credentials[0].as_str().is_some_and(opening), "{call:?}");
    let log = format!("{entries:?}");
    assert!(
        !log.contains("upstream-secret") && !log.contains("1.5"),
        "neither secrets nor arguments"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_concurrent_clients_never_cross() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = upstream(Era::Legacy).await;
    bench.install_remote(&org, "box", &server.url(), None).await;
    until_listed(&bench, &client, "box__echo").await;
    let calls = (0..20_usize).map(|index| {
        let client = &client;
        async move {
            // Half of the clients use the same id.
            let id = if index % 2 == 0 { json!(1) } else { json!(format!("client-{index}")) };
            let said = format!("text of {index}");
            let params = json!({"name": "box__echo", "arguments": {"text": said}});
            let headers = [
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "box__echo"),
            ];
            let reply = client.post(&headers, &modern(&id, "tools/call", params)).await;
            let message = reply.expect("an answer").json().expect("JSON");
            assert_eq!((&message["id"], text(&message["result"])), (&id, said.as_str()));
        }
    });
    join_all(calls).await;
    let mut ids: Vec<String> =
        server.seen("tools/call").iter().map(|seen| seen.body["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20, "the server never sees an id twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credential_asks_for_a_new_one_and_hides_the_install() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let locked = Arc::new(AtomicBool::new(false));
    let lock = Arc::clone(&locked);
    let server = Scripted::start(move |asked| {
        if lock.load(Ordering::SeqCst) {
            return HttpResponse::Unauthorized().finish();
        }
        modern_server(asked, &[tool("t")])
    });
    bench.install_remote(&org, "box", server.url(), Some("expires")).await;
    until_listed(&bench, &client, "box__t").await;
    locked.store(true, Ordering::SeqCst);
    let result = call_result(&client, "box__t", json!({})).await;
    assert_eq!(result["isError"], true);
    assert!(text(&result).contains("An administrator has to give a new one"), "{result}");
    bench.until("the install is hidden", async || names(&client).await.is_empty()).await;
    let outcomes: Vec<_> = bench.audit(&org).await;
    assert!(outcomes.iter().any(|event| {
        event.action == "mcp.tools.call" && event.outcome == AuditOutcome::Failed
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_in_a_stream_of_events_is_taken_without_waiting_for_its_end() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = Scripted::start(|asked| {
        if asked.method != "tools/call" {
            return modern_server(asked, &[tool("t")]);
        }
        let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
        let content =
            json!({"resultType": "complete", "content": [{"type": "text", "text": "streamed"}]});
        let last = json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": content});
        let events = format!(": hi\r\n\r\ndata: {note}\n\ndata: {last}\n\n");
        // The stream stays open for ever: waiting for its end would be a time-out.
        let first = futures_util::stream::once(async move {
            Ok::<_, actix_web::Error>(bytes::Bytes::from(events))
        });
        let open = futures_util::stream::pending();
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(futures_util::StreamExt::chain(first, open))
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t").await;
    assert_eq!(text(&call_result(&client, "box__t", json!({})).await), "streamed");
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_server_does_not_hold_up_the_others() {
    let (bench, org, key) = started_with(|config| config.list_timeout_seconds = 1).await;
    let client = bench.client(&org, &key);
    let hangs = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&hangs);
    let hanging = Scripted::start(move |asked| {
        if !switch.load(Ordering::SeqCst) {
            return modern_server(asked, &[tool("t")]);
        }
        let never = futures_util::stream::pending::<Result<bytes::Bytes, actix_web::Error>>();
        HttpResponse::Ok().content_type("text/event-stream").streaming(never)
    });
    let good = upstream(Era::Modern).await;
    bench.install_remote(&org, "good", &good.url(), None).await;
    until_listed(&bench, &client, "good__echo").await;
    bench.install_remote(&org, "hung", hanging.url(), None).await;
    hangs.store(true, Ordering::SeqCst);
    let marked = async || {
        let list = client.modern("tools/list", json!({})).await.expect("a list");
        assert!(names_of(&list).contains(&"good__echo".to_owned()));
        list["_meta"]["patchbay/unavailable"] == json!(["hung"]) && list["ttlMs"] == 0
    };
    bench.until("the list says what is missing", marked).await;
    let start = Instant::now();
    let result = call_result(&client, "good__echo", json!({"text": "still here"})).await;
    assert_eq!(text(&result), "still here");
    assert!(start.elapsed() < Duration::from_millis(900), "nobody waited for the hung one");
    let result = call_result(&client, "hung__anything", json!({})).await;
    assert_eq!(result["isError"], true, "who may use it is told that it does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_good_list_stays_while_a_server_fails() {
    let (bench, org, key) = started_with(|config| config.list_ttl_seconds = 0).await;
    let client = bench.client(&org, &key);
    let broken = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&broken);
    let server = Scripted::start(move |asked| {
        if switch.load(Ordering::SeqCst) {
            return HttpResponse::InternalServerError().finish();
        }
        modern_server(asked, &[tool("t")])
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t").await;
    broken.store(true, Ordering::SeqCst);
    let asked = server.methods().len();
    bench
        .until("the server was asked again", async || {
            assert_eq!(names(&client).await, ["box__t"]);
            server.methods().len() > asked
        })
        .await;
    assert_eq!(names(&client).await, ["box__t"]);
    let result = call_result(&client, "box__t", json!({})).await;
    assert!(text(&result).contains("cannot be reached"), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_server_are_followed() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = Scripted::start(|asked| match asked.method.as_str() {
        "tools/list" => {
            let page: u64 =
                asked.body["params"]["cursor"].as_str().map_or(0, |it| it.parse().unwrap_or(9));
            let mut list = json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                "tools": [tool(&format!("t{page}"))]});
            if page < 2 {
                list["nextCursor"] = json!((page + 1).to_string());
            }
            result(asked, &list)
        }
        _ => modern_server(asked, &[]),
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t0").await;
    assert_eq!(names(&client).await, ["box__t0", "box__t1", "box__t2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_session_is_opened_again_and_the_call_made_once() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = Scripted::start(|asked| {
        let session = format!("session-{}", asked.before);
        match asked.method.as_str() {
            "server/discover" => HttpResponse::BadRequest().finish(),
            "initialize" => {
                let about = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}});
                let body = json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": about});
                HttpResponse::Ok().insert_header(("mcp-session-id", session)).json(body)
            }
            "notifications/initialized" => HttpResponse::Accepted().finish(),
            "tools/list" => result(asked, &json!({"tools": [tool("t")]})),
            "tools/call" if asked.before == 0 => HttpResponse::NotFound().finish(),
            _ => {
                let session = asked.session.as_deref().unwrap_or_default();
                result(asked, &json!({"content": [{"type": "text", "text": session}]}))
            }
        }
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t").await;
    let count = |method: &str| server.methods().iter().filter(|it| *it == method).count();
    let opened = count("initialize");
    let result = call_result(&client, "box__t", json!({})).await;
    assert_eq!(text(&result), format!("session-{opened}"), "under the new session");
    assert_eq!(count("tools/call"), 2, "one that the server did not take and one that it did");
    assert_eq!(count("initialize"), opened + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_call_is_not_repeated() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let server = Scripted::start(|asked| {
        match asked.method.as_str() {
        "tools/call" if asked.before == 0 => HttpResponse::BadGateway().finish(),
        "tools/call" => HttpResponse::Ok()
            .json(json!({"jsonrpc": "2.0", "id": asked.body["id"], "error": {"code": -32050, "message": "own error", "data": [1]}})),
        _ => modern_server(asked, &[tool("t")]),
    }
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t").await;
    let result = call_result(&client, "box__t", json!({})).await;
    assert_eq!(result["isError"], true);
    let calls = || server.methods().iter().filter(|method| *method == "tools/call").count();
    assert_eq!(calls(), 1, "at most once");
    let reply = call(&client, "box__t", json!({})).await;
    let error: Value = reply.json().expect("JSON")["error"].clone();
    assert_eq!(error, json!({"code": -32050, "message": "own error", "data": [1]}));
    assert_eq!(calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn request_for_input_reaches_modern_clients_as_it_is() {
    let (bench, org, key) = started().await;
    let client = bench.client(&org, &key);
    let asks = json!({"resultType": "input_required", "requestState": "opaque"});
    let answer = asks.clone();
    let server = Scripted::start(move |asked| match asked.method.as_str() {
        "tools/call" => result(asked, &answer),
        _ => modern_server(asked, &[tool("t")]),
    });
    bench.install_remote(&org, "box", server.url(), None).await;
    until_listed(&bench, &client, "box__t").await;
    assert_eq!(call_result(&client, "box__t", json!({})).await, asks);
    let session = client.legacy().await.expect("a session");
    let legacy = session.request("tools/call", json!({"name": "box__t"})).await.expect("a result");
    assert_eq!(legacy["isError"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn caller_who_may_not_use_an_install_causes_nothing_at_its_server_and_no_failure_of_others() {
    let (bench, org, key) = started_with(|config| config.list_ttl_seconds = 0).await;
    let client = bench.client(&org, &key);
    let docs = bench.install_files(&org, "docs", &[("a.md", "text")]).await;
    let limited = bench.key(&org, Role::Member, Some(&[docs.id])).await;
    let stranger = bench.client(&org, &limited);
    let server = Scripted::start(|asked| modern_server(asked, &[tool("t")]));
    bench.install_remote(&org, "box", server.url(), Some("secret")).await;
    // Somebody who may asks for nothing before the stranger does, so that no list is known yet.
    bench.until("the routes have both", async || prompts(&client).await.contains("box")).await;
    let asked = server.methods().len();
    for name in ["box__t", "box__nothing"] {
        let reply = call(&stranger, name, json!({})).await;
        let message = reply.json().expect("JSON")["error"]["message"].clone();
        assert_eq!(message, format!("Unknown tool: {name}"));
    }
    assert_eq!(server.methods().len(), asked, "the server was not asked");
    assert!(names(&client).await.contains(&"box__t".to_owned()), "others see no failure of it");
    assert_eq!(call_result(&client, "box__t", json!({})).await["resultType"], "complete");
}

/// What the list of prompts says: it names the installs without asking their servers.
async fn prompts(client: &Mcp) -> String {
    client.modern("prompts/list", json!({})).await.expect("a list").to_string()
}

/// Answers as a modern server with these tools does.
fn modern_server(asked: &Asked, tools: &[Value]) -> HttpResponse {
    match asked.method.as_str() {
        "server/discover" => discovered(asked),
        "tools/list" => result(
            asked,
            &json!({"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}),
        ),
        _ => result(asked, &json!({"resultType": "complete", "content": []})),
    }
}
