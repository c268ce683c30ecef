//! Versions of policies, what explains them, and approvals that end.

use control::{
    About, Decision, Error, Explain, Gate, Grantees, HeldCall, PolicyBody, PolicySetting,
    PolicySource, SavePolicy,
};
use domain::{ApprovalState, Classification, OpCtx, PageArgs, Role};
use serde_json::json;

use crate::plane::Plane;

fn cedar(name: &str, text: &str) -> SavePolicy {
    let body = PolicyBody::Cedar(text.to_owned());
    let source = PolicySource { name: name.to_owned(), title: name.to_owned(), body };
    SavePolicy { source, expected_version: None, note: None }
}

fn explain(caller: &OpCtx, about: About) -> Explain {
    Explain {
        principal: caller.principal().to_string(),
        about,
        arguments: None,
        client: String::new(),
        network: None,
        at: None,
    }
}

#[tokio::test]
async fn every_change_is_a_version_with_its_author_and_old_ones_can_be_restored() {
    versions(&Plane::start().await).await;
}

#[tokio::test]
async fn versions_and_approvals_work_on_postgres() {
    let plane = Plane::on_postgres().await;
    versions(&plane).await;
    approvals(&plane).await;
}

async fn versions(plane: &Plane) {
    let (control, owner) = (&plane.control, &plane.owner);
    let first = control.policies(owner, None).await.expect("defaults");
    assert_eq!((first.version, first.sources.len()), (0, 1));
    let saved = control.save_policy(owner, cedar("mine", "permit (principal, action, resource);"));
    let saved = saved.await.expect("saved");
    let set = saved.set.expect("a stored version");
    assert_eq!((set.version, set.author), (1, owner.principal().to_string()));
    assert_eq!(set.created_at, plane.clock.now());
    let stale = SavePolicy {
        expected_version: Some(0),
        ..cedar("mine", "permit (principal, action, resource);")
    };
    assert!(matches!(control.save_policy(owner, stale).await, Err(Error::Conflict { .. })));
    let wrong = control
        .save_policy(owner, cedar("mine", "permit (principal, action, resource)\nwhen { 1 };"));
    let Err(Error::Invalid { message, .. }) = wrong.await else { panic!("not a policy") };
    assert!(message.contains("line 2"), "{message}");
    let removed = control.remove_policy(owner, "everybody", Some(1)).await.expect("removed");
    assert_eq!((removed.version, removed.sources.len()), (2, 1));
    let restored = control.restore_policies(owner, 1).await.expect("restored");
    assert_eq!((restored.version, restored.sources), (3, saved.sources));
    let page = control.list_policy_versions(owner, PageArgs::all()).await.expect("versions");
    assert_eq!(page.into_items().map(|it| it.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert!(matches!(control.policies(owner, Some(9)).await, Err(Error::NotFound)));
    let member = plane.member(Role::Member).await;
    assert!(matches!(control.policies(&member, None).await, Err(Error::Denied(_))));
    let stranger = plane.stranger().await;
    assert_eq!(control.policies(&stranger, None).await.expect("their own").version, 0);
}

#[tokio::test]
async fn explanation_names_the_policy_that_decides() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let member = plane.member(Role::Member).await;
    let ask = async |tool: &str| {
        let question = explain(&member, About::Tool(install.id, tool.to_owned()));
        plane.control.explain_policy(&plane.owner, question).await
    };
    let named = |explained: &control::Explanation| {
        explained.rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    let allowed = ask("wipe").await.expect("an answer");
    assert_eq!(
        (allowed.decision, named(&allowed)),
        (Decision::Allow, vec!["everybody".to_owned()])
    );
    let setting = PolicySetting::HideDestructive {
        install: Some(install.id),
        except: Grantees { roles: vec![Role::Admin], groups: Vec::new() },
    };
    let source = PolicySource {
        name: "safe".to_owned(),
        title: "Nothing destructive".to_owned(),
        body: PolicyBody::Setting(setting),
    };
    let command = SavePolicy { source, expected_version: None, note: None };
    plane.control.save_policy(&plane.owner, command).await.expect("saved");
    let denied = ask("wipe").await.expect("an answer");
    assert_eq!((denied.decision, named(&denied)), (Decision::Deny, vec!["safe".to_owned()]));
    assert_eq!(denied.rules[0].title, "Nothing destructive");
    assert!(!denied.listed);
    assert_eq!(ask("echo").await.expect("an answer").decision, Decision::Allow);
    assert!(matches!(ask("nothing").await, Err(Error::Invalid { .. })));
    let raise = control::UpdateInstall {
        classification: Some(Classification::Restricted),
        ..control::UpdateInstall::default()
    };
    plane.control.update_install(&plane.owner, install.id, raise).await.expect("raised");
    assert_eq!(named(&ask("echo").await.expect("an answer")), ["clearance"]);
}

#[tokio::test]
async fn simulation_lists_the_recorded_calls_that_a_draft_decides_otherwise() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let key = plane.key(Role::Member, None).await;
    let caller = plane.caller(&key).await;
    for tool in ["echo", "wipe", "wipe"] {
        let effect = if tool == "echo" { "read_only" } else { "destructive" };
        plane.control.record_call(
            plane.control.reserve_call(),
            plane.tenant,
            control::CallAudit {
                actor: caller.principal().clone(),
                action: control::Action::of_call("tools/call"),
                target: Some(format!("fake__{tool}")),
                outcome: domain::AuditOutcome::Succeeded,
                request_id: "call".to_owned(),
                detail: json!({"install": install.alias, "policy": {"tool": tool, "effect": effect}}),
            },
        );
    }
    plane.control.flush_audit().await;
    let draft = |text: &str| vec![cedar("draft", text).source];
    let all = "permit (principal, action, resource);";
    let same = plane.control.simulate_policies(&plane.owner, &draft(all)).await.expect("replayed");
    assert_eq!((same.calls, same.undecided, same.changes.len()), (3, 0, 0));
    let reads =
        "permit (principal, action == Action::\"tool.call\", resource) when { resource.readOnly };";
    let fewer =
        plane.control.simulate_policies(&plane.owner, &draft(reads)).await.expect("replayed");
    let [change] = fewer.changes.as_slice() else { panic!("{:?}", fewer.changes) };
    assert_eq!((change.tool.as_str(), change.calls), ("wipe", 2));
    assert_eq!((change.before, change.after), (Decision::Allow, Decision::Deny));
    assert_eq!(change.principal, caller.principal().to_string());
    let reading = "permit (principal, action == Action::\"tool.call\", resource) when { context.arguments.hasTag(\"x\") };";
    let unknown =
        plane.control.simulate_policies(&plane.owner, &draft(reading)).await.expect("replayed");
    assert_eq!((unknown.undecided, unknown.changes.len()), (3, 0), "arguments are not recorded");
}

#[tokio::test]
async fn approval_is_for_one_caller_one_tool_one_set_of_arguments_and_a_while() {
    approvals(&Plane::start().await).await;
}

async fn approvals(plane: &Plane) {
    let install = plane.install().await.install;
    let (one, other) = (plane.member(Role::Member).await, plane.member(Role::Member).await);
    let held = HeldCall {
        install: install.id,
        tool: "wipe",
        arguments: "{}",
        digest: "digest-a",
        reason: "Ask first",
    };
    let pass = async |ctx: &OpCtx, held: HeldCall<'_>| {
        plane.control.pass_gate(ctx, held).await.expect("an answer")
    };
    let approve = async |gate: Gate| {
        let Gate::Closed(approval) = gate else { panic!("nobody has approved") };
        assert_eq!(approval.state, ApprovalState::Pending);
        plane.control.decide_approval(&plane.owner, approval.id, true).await
    };
    approve(pass(&one, held).await).await.expect("approved");
    for different in [HeldCall { digest: "digest-b", ..held }, HeldCall { tool: "echo", ..held }] {
        assert!(matches!(pass(&one, different).await, Gate::Closed(_)));
    }
    assert!(matches!(pass(&other, held).await, Gate::Closed(_)), "somebody else's");
    assert!(matches!(pass(&one, held).await, Gate::Open));
    let second = pass(&one, held).await;
    assert!(matches!(&second, Gate::Closed(_)), "a second use");
    approve(second).await.expect("approved");
    plane.advance(15 * 60);
    let third = pass(&one, held).await;
    assert!(matches!(&third, Gate::Closed(_)), "too late");
    plane.advance(60 * 60);
    let late = approve(third).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let own = pass(&plane.owner, held).await;
    let own = approve(own).await;
    assert!(matches!(own, Err(Error::Invalid { code: "own", .. })), "{own:?}");
}
