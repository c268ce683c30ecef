//! What policies do to lists and calls, and calls that wait for a person.

use std::time::Duration;

use control::{PolicyBody, PolicySource, SavePolicy, UpdateInstall};
use domain::{Approval, AuditOutcome, Classification, PageArgs, Role};
use serde_json::{Value, json};
use testkit::mcp::Mcp;
use tokio::time::Instant;

use crate::bench::{Bench, Org, call, call_result, names, text};

/// What a client may wait for a changed policy.
const EFFECTIVE: Duration = Duration::from_secs(2);

async fn organisation(bench: &Bench) -> (Org, domain::Install) {
    let org = bench.org("acme").await;
    let files = [("guide.md", "# Guide\n\nPatch cables are blue."), ("secret.md", "Mauve.")];
    let install = bench.install_files(&org, "docs", &files).await;
    let client = bench.client(&org, &bench.member(&org).await);
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    (org, install)
}

async fn save(bench: &Bench, org: &Org, name: &str, text: &str) {
    let source = PolicySource {
        name: name.to_owned(),
        title: name.to_owned(),
        body: PolicyBody::Cedar(text.to_owned()),
    };
    let command = SavePolicy { source, expected_version: None, note: None };
    bench.control.save_policy(&org.owner, command).await.expect("a policy");
}

async fn read(client: &Mcp, path: &str) -> Value {
    let reply = call(client, "docs__read_file", json!({"path": path})).await;
    reply.json().expect("JSON")
}

/// The approvals that wait, newest first.
async fn approvals(bench: &Bench, org: &Org) -> Vec<Approval> {
    let page = bench.control.list_approvals(&org.owner, None, PageArgs::all()).await;
    page.expect("approvals").into_items().collect()
}

/// T42.
#[tokio::test(flavor = "multi_thread")]
async fn tools_and_documents_above_ones_clearance_are_nowhere() {
    let bench = Bench::start().await;
    let (org, install) = organisation(&bench).await;
    let member = bench.client(&org, &bench.member(&org).await);
    let admin = bench.client(&org, &bench.key(&org, Role::Admin, None).await);
    let raise = UpdateInstall {
        classification: Some(Classification::Confidential),
        ..UpdateInstall::default()
    };
    bench.control.update_install(&org.owner, install.id, raise).await.expect("raised");
    bench.until("the member sees nothing of it", async || names(&member).await.is_empty()).await;
    let refused = read(&member, "guide.md").await;
    let unknown = call(&member, "docs__no_such", json!({})).await.json().expect("JSON");
    assert_eq!(refused["error"]["code"], unknown["error"]["code"]);
    assert_eq!(refused["error"]["message"], "Unknown tool: docs__read_file");
    let document = json!({"uri": "patchbay://docs/files/guide.md"});
    let reply = member.modern_reply("resources/read", document).await.expect("an answer");
    assert!(!reply.text().contains("cables"), "{}", reply.text());
    assert_eq!(names(&admin).await.len(), 4, "whoever is cleared for it goes on");
    assert!(
        text(&call_result(&admin, "docs__read_file", json!({"path": "guide.md"})).await)
            .contains("blue")
    );
    let list = admin.modern("tools/list", json!({})).await.expect("a list");
    assert_eq!(list["cacheScope"], "private", "a filtered list is nobody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_policy_counts_within_two_seconds_in_lists_calls_and_searches() {
    let bench = Bench::start().await;
    let (org, install) = organisation(&bench).await;
    let client = bench.client(&org, &bench.member(&org).await);
    let text = format!("forbid (principal, action, resource in Install::\"{}\");", install.id);
    save(&bench, &org, "closed", &text).await;
    let changed = Instant::now();
    bench.until("nothing is listed", async || names(&client).await.is_empty()).await;
    assert!(changed.elapsed() < EFFECTIVE, "{:?}", changed.elapsed());
    assert!(read(&client, "guide.md").await.get("error").is_some());
    assert!(
        call(&client, "search", json!({"query": "cables"}))
            .await
            .json()
            .expect("JSON")
            .get("error")
            .is_some()
    );
    bench.control.restore_policies(&org.owner, 0).await.expect("restored");
    let changed = Instant::now();
    bench.until("everything is listed", async || names(&client).await.len() == 4).await;
    assert!(changed.elapsed() < EFFECTIVE, "{:?}", changed.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_on_arguments_decides_call_by_call_and_stands_in_the_audit_log() {
    let bench = Bench::start().await;
    let (org, _) = organisation(&bench).await;
    let client = bench.client(&org, &bench.member(&org).await);
    let policy = "forbid (principal, action == Action::\"tool.call\", resource) when { context.arguments.hasTag(\"path\") && context.arguments.getTag(\"path\") like \"secret*\" };";
    save(&bench, &org, "no-secrets", policy).await;
    bench
        .until("the policy counts", async || {
            read(&client, "secret.md").await.get("error").is_some()
        })
        .await;
    assert_eq!(names(&client).await.len(), 4, "with other arguments the tool can be called");
    let read = call_result(&client, "docs__read_file", json!({"path": "guide.md"})).await;
    assert!(text(&read).contains("blue"), "{read}");
    let events = bench.audit(&org).await;
    let refused = events
        .iter()
        .find(|event| event.detail["policy"]["decision"] == "deny")
        .expect("a refusal");
    assert_eq!(refused.outcome, AuditOutcome::Denied);
    assert_eq!(refused.detail["policy"]["policies"], json!(["no-secrets"]));
    assert_eq!(refused.detail["policy"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_call_passes_once_after_a_person_has_approved_exactly_it() {
    let bench = Bench::start().await;
    let (org, _) = organisation(&bench).await;
    let client = bench.client(&org, &bench.member(&org).await);
    let other = bench.client(&org, &bench.member(&org).await);
    let policy = "@approval(\"Two people\") permit (principal, action == Action::\"tool.call\", resource) when { resource.name == \"read_file\" };";
    save(&bench, &org, "four-eyes", policy).await;
    let waits = async |client: &Mcp, path: &str| {
        let result = call_result(client, "docs__read_file", json!({"path": path})).await;
        result["_meta"]["patchbay/approval"]["id"].as_str().map(str::to_owned)
    };
    bench.until("the call is held", async || waits(&client, "guide.md").await.is_some()).await;
    let id = waits(&client, "guide.md").await.expect("still held");
    let pending = approvals(&bench, &org).await;
    assert_eq!(pending.len(), 1, "asking again is no other request: {pending:?}");
    assert_eq!(pending[0].id.to_string(), id);
    assert_eq!(pending[0].arguments.as_deref(), Some(r#"{"path":"guide.md"}"#));
    assert_eq!(pending[0].reason, "Two people");
    bench.control.decide_approval(&org.owner, pending[0].id, true).await.expect("approved");

    assert!(waits(&client, "secret.md").await.is_some(), "other arguments");
    assert!(waits(&other, "guide.md").await.is_some(), "another caller");
    let made = call_result(&client, "docs__read_file", json!({"path": "guide.md"})).await;
    assert!(text(&made).contains("blue"), "{made}");
    let again = waits(&client, "guide.md").await.expect("held again");
    assert_ne!(again, id, "an approval works once");

    let next = approvals(&bench, &org).await;
    let next = next.iter().find(|it| it.id.to_string() == again).expect("a new request");
    bench.control.decide_approval(&org.owner, next.id, false).await.expect("refused");
    let refused = call_result(&client, "docs__read_file", json!({"path": "guide.md"})).await;
    assert_eq!(refused["_meta"]["patchbay/approval"]["state"], "refused", "{refused}");
    assert_eq!(refused["isError"], true);
}
