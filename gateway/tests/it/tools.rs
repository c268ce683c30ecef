//! What is listed and who answers.

use control::UpdateInstall;
use domain::{InstallStatus, Role};
use serde_json::json;

use crate::bench::{Bench, call, call_result, names, names_of, text};

const DOCS: &[(&str, &str)] = &[("guide.md", "# Guide\n\nPatch cables are blue.")];

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_all_installs_are_one_list_in_a_fixed_order() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    assert_eq!(names(&client).await, Vec::<String>::new());
    bench.install_files(&org, "zeta", DOCS).await;
    bench.install_files(&org, "alpha", DOCS).await;
    let expected = [
        "alpha__list_files",
        "alpha__read_file",
        "fetch",
        "search",
        "zeta__list_files",
        "zeta__read_file",
    ];
    bench.until("both installs are listed", async || names(&client).await == expected).await;
    let list = client.modern("tools/list", json!({})).await.expect("a list");
    assert_eq!(list["resultType"], "complete");
    assert_eq!(list["cacheScope"], "private");
    assert_eq!(list["tools"][1]["title"], "Read a file");
    assert_eq!(list["tools"][1]["annotations"]["readOnlyHint"], true);
    let session = client.legacy().await.expect("a session");
    let legacy = session.request("tools/list", json!({})).await.expect("a list");
    assert_eq!(legacy["tools"], list["tools"], "both eras see the same tools");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_every_tool_once_and_a_bad_cursor_is_refused() {
    let bench = Bench::with(|config| config.list_page_size = 4).await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "alpha", DOCS).await;
    bench.install_files(&org, "beta", DOCS).await;
    bench.until("both installs are listed", async || names(&client).await.len() == 4).await;
    let first = client.modern("tools/list", json!({})).await.expect("a page");
    let next = first["nextCursor"].clone();
    let second = client.modern("tools/list", json!({"cursor": next})).await.expect("a page");
    let all = [names_of(&first), names_of(&second)].concat();
    assert_eq!(
        all,
        [
            "alpha__list_files",
            "alpha__read_file",
            "beta__list_files",
            "beta__read_file",
            "fetch",
            "search"
        ]
    );
    assert!(second.get("nextCursor").is_none());
    for method in ["tools/list", "resources/list", "prompts/list", "resources/templates/list"] {
        let reply = client.modern_reply(method, json!({"cursor": "bogus"})).await;
        let reply = reply.expect("an answer");
        let code = reply.json().expect("JSON")["error"]["code"].clone();
        assert_eq!((reply.status.as_u16(), code), (200, json!(-32602)), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn native_tool_answers_in_both_eras() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", DOCS).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    let result = call_result(&client, "docs__read_file", json!({"path": "guide.md"})).await;
    assert!(text(&result).contains("Patch cables are blue."), "{result}");
    assert_eq!(result["resultType"], "complete");
    let session = client.legacy().await.expect("a session");
    let params = json!({"name": "docs__read_file", "arguments": {"path": "guide.md"}});
    let legacy = session.request("tools/call", params).await.expect("a result");
    assert!(text(&legacy).contains("Patch cables are blue."));
    assert!(legacy.get("resultType").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_told_to_the_model() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", DOCS).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    for arguments in
        [json!({}), json!({"path": 5}), json!([1]), json!({"path": "../../etc/passwd"})]
    {
        let result = call_result(&client, "docs__read_file", arguments.clone()).await;
        assert_eq!(result["isError"], true, "{arguments}: {result}");
        assert!(!text(&result).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_tool_answers_exactly_like_an_unknown_one() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let mine = bench.install_files(&org, "mine", DOCS).await;
    bench.install_files(&org, "theirs", DOCS).await;
    let limited = bench.key(&org, Role::Member, Some(&[mine.id])).await;
    let client = bench.client(&org, &limited);
    bench.until("my install is listed", async || names(&client).await.len() == 4).await;
    let listed = names(&client).await;
    assert_eq!(listed, ["fetch", "mine__list_files", "mine__read_file", "search"]);
    let refused = call(&client, "theirs__read_file", json!({"path": "guide.md"})).await;
    let unknown = call(&client, "theirs__read_fila", json!({"path": "guide.md"})).await;
    assert_eq!(refused.status, unknown.status);
    assert_eq!(refused.text().replace("read_file", "read_fila"), unknown.text());
    let message = refused.json().expect("JSON");
    assert_eq!(message["error"]["code"], -32602);
    assert_eq!(message["error"]["message"], "Unknown tool: theirs__read_file");
    let denied: Vec<_> = bench.audit(&org).await;
    let denied: Vec<_> = denied
        .iter()
        .filter(|event| event.outcome == domain::AuditOutcome::Denied)
        .filter_map(|event| event.target.as_deref())
        .collect();
    assert_eq!(denied, ["theirs__read_file"], "the audit log knows the difference");
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_is_callable_and_callable_is_listed() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let one = bench.install_files(&org, "one", DOCS).await;
    let two = bench.install_files(&org, "two", DOCS).await;
    let everything = [
        "fetch",
        "one__list_files",
        "one__read_file",
        "search",
        "two__list_files",
        "two__read_file",
    ];
    for (role, installs) in [
        (Role::Viewer, None),
        (Role::Member, None),
        (Role::Member, Some(vec![one.id])),
        (Role::Member, Some(vec![two.id])),
        (Role::Admin, Some(vec![one.id, two.id])),
    ] {
        let key = bench.key(&org, role, installs.as_deref()).await;
        let client = bench.client(&org, &key);
        let listed = names(&client).await;
        for name in everything {
            let reply = call(&client, name, json!({})).await;
            let callable = reply.json().expect("JSON").get("result").is_some();
            assert_eq!(
                callable,
                listed.iter().any(|listed| listed == name),
                "{role:?} {installs:?} {name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_stable_whatever_else_is_installed() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", DOCS).await;
    bench.until("docs is listed", async || names(&client).await.len() == 4).await;
    let before = names(&client).await;
    bench.install_files(&org, "docs2", DOCS).await;
    bench.until("docs2 is listed", async || names(&client).await.len() == 6).await;
    let after = names(&client).await;
    assert!(before.iter().all(|name| after.contains(name)), "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_install_disappears_within_moments() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    let install = bench.install_files(&org, "docs", DOCS).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    let pause = UpdateInstall {
        display_name: None,
        config: None,
        credential: None,
        status: Some(InstallStatus::Paused),
        sync_interval_seconds: None,
        expected_version: None,
        classification: None,
    };
    bench.control.update_install(&org.owner, install.id, pause).await.expect("paused");
    bench.until("nothing is listed", async || names(&client).await.is_empty()).await;
    let reply = call(&client, "docs__read_file", json!({"path": "guide.md"})).await;
    assert_eq!(reply.json().expect("JSON")["error"]["code"], -32602);
}
