//! Cached tool results. The files connector lets the results of its tools be kept for ten seconds: a file that changes on disk
//! shows whether an answer was computed or kept.

use domain::Role;
use serde_json::{Value, json};
use testkit::mcp::Mcp;

use crate::bench::{Bench, Org, call, call_result, names, text};

const TOOL: &str = "docs__read_file";

async fn installed(bench: &Bench, slug: &str, content: &str) -> (Org, Mcp) {
    let org = bench.org(slug).await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", &[("a.md", content)]).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    (org, client)
}

fn write(bench: &Bench, org: &Org, content: &str) {
    std::fs::write(bench.folder(org, "docs").join("a.md"), content).expect("a file");
}

async fn read(client: &Mcp) -> Value {
    call_result(client, TOOL, json!({"path": "a.md"})).await
}

fn is_hit(result: &Value) -> bool {
    result["_meta"]["patchbay/cache"] == "hit"
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_result_is_marked_and_found_under_equal_arguments_only() {
    let bench = Bench::start().await;
    let (org, client) = installed(&bench, "acme", "first text").await;
    let first = read(&client).await;
    assert!(!is_hit(&first) && text(&first).contains("first text"));
    write(&bench, &org, "second text");
    let second = read(&client).await;
    assert!(is_hit(&second) && text(&second).contains("first text"), "{second}");
    let other = call_result(&client, TOOL, json!({"path": "a.md", "offset": 0})).await;
    assert!(!is_hit(&other) && text(&other).contains("second text"), "{other}");
    let same = call_result(&client, TOOL, json!({"offset": 0, "path": "a.md"})).await;
    assert!(is_hit(&same), "the order of members does not matter");
}

#[tokio::test(flavor = "multi_thread")]
async fn permit_comes_before_the_cache() {
    let bench = Bench::start().await;
    let (org, client) = installed(&bench, "acme", "text").await;
    read(&client).await;
    assert!(is_hit(&read(&client).await));
    let other = bench.install_files(&org, "other", &[("b.md", "text")]).await;
    let elsewhere = bench.key(&org, Role::Member, Some(&[other.id])).await;
    let viewer = bench.key(&org, Role::Viewer, None).await;
    for key in [elsewhere, viewer] {
        let reply = call(&bench.client(&org, &key), TOOL, json!({"path": "a.md"})).await;
        let message = reply.json().expect("JSON");
        assert_eq!(message["error"]["message"], format!("Unknown tool: {TOOL}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_with_the_same_arguments_share_nothing() {
    let bench = Bench::start().await;
    let (_acme, ours) = installed(&bench, "acme", "ours").await;
    let (_other, theirs) = installed(&bench, "other", "theirs").await;
    read(&ours).await;
    let first = read(&theirs).await;
    assert!(!is_hit(&first) && text(&first).contains("theirs"), "{first}");
    assert!(text(&read(&ours).await).contains("ours"));
    assert!(text(&read(&theirs).await).contains("theirs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_data_ends_what_was_kept() {
    let bench = Bench::start().await;
    let (org, client) = installed(&bench, "acme", "first text").await;
    read(&client).await;
    write(&bench, &org, "second text");
    assert!(is_hit(&read(&client).await));
    let installs = bench.control.list_installs(&org.owner, domain::PageArgs::all()).await;
    let install = installs.expect("installs").into_items().next().expect("an install");
    bench.control.start_sync(&org.owner, install.id).await.expect("a sync");
    bench.run_jobs().await;
    bench
        .until("the new text is read", async || text(&read(&client).await).contains("second text"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_never_kept() {
    let bench = Bench::start().await;
    let (org, client) = installed(&bench, "acme", "text").await;
    let arguments = json!({"path": "later.md"});
    let result = call_result(&client, TOOL, arguments.clone()).await;
    assert_eq!(result["isError"], true);
    std::fs::write(bench.folder(&org, "docs").join("later.md"), "now here").expect("a file");
    let result = call_result(&client, TOOL, arguments).await;
    assert!(!is_hit(&result) && text(&result).contains("now here"), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_count_against_the_quota() {
    let bench = Bench::with(|config| {
        config.requests_per_second = 1;
        config.burst = 40;
    })
    .await;
    let (_org, client) = installed(&bench, "acme", "text").await;
    let mut statuses = Vec::new();
    for _round in 0..60 {
        statuses.push(call(&client, TOOL, json!({"path": "a.md"})).await.status.as_u16());
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
}
