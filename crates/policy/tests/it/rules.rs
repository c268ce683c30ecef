//! What the guard rails, settings and annotations do, one sentence each.

use std::sync::Arc;

use domain::{Classification, InstallStatus, Role};
use policy::{
    Answer, Compiled, Decision, Grantees, InstallFacts, Resource, Setting, Source, SourceBody,
    ToolEffect, compile, validate,
};

use crate::world::{
    DOCS, LEADS, OTHER, SHOP, STAFF, cedar, install, nobody_may, now, subject, tool, with,
};

fn decided(policies: &Arc<Compiled>, role: Role, resource: &Resource<'_>) -> Answer {
    policies.view(&subject(role), now()).decide(resource, b"{}")
}

fn setting(body: Setting) -> Arc<Compiled> {
    let mut sources = Compiled::default_sources();
    let body = SourceBody::Setting(body);
    sources.push(Source { name: "setting".to_owned(), title: "A setting".to_owned(), body });
    compile(1, &sources).expect("a setting is right by itself")
}

#[test]
fn without_a_permit_everything_is_refused() {
    let none = compile(1, &[]).expect("guard rails alone");
    let answer = decided(&none, Role::Owner, &tool("read", ToolEffect::ReadOnly));
    assert_eq!((answer.decision, answer.policies.as_slice()), (Decision::Deny, [].as_slice()));
}

#[test]
fn guard_rails_hold_whatever_is_permitted() {
    let policies = with(&[("all", "permit (principal, action, resource);")]);
    let of = |install: InstallFacts<'static>| Resource::Tool {
        install,
        name: "read",
        effect: ToolEffect::ReadOnly,
    };
    let docs = install(DOCS);
    for (name, resource) in [
        ("tenant-wall", of(InstallFacts { tenant: OTHER, ..docs })),
        ("clearance", of(InstallFacts { classification: Classification::Confidential, ..docs })),
        ("hidden-installs", of(InstallFacts { status: InstallStatus::Paused, ..docs })),
    ] {
        let answer = decided(&policies, Role::Member, &resource);
        assert_eq!(answer.decision, Decision::Deny, "{name}");
        assert_eq!(answer.policies, [name]);
        assert!(!policies.view(&subject(Role::Member), now()).lists(&resource), "{name}");
    }
    let mut limited = subject(Role::Member);
    limited.installs = Some(vec![SHOP]);
    assert_eq!(policies.view(&limited, now()).decide(&of(docs), b"{}").policies, ["reach"]);
    let bare = nobody_may(subject(Role::Owner));
    let answer = policies.view(&bare, now()).decide(&of(docs), b"{}");
    assert_eq!(answer.policies, ["tools-need-permission"]);
    let record = Resource::Record { install: docs, stream: "files", external_id: "a.md" };
    assert_eq!(
        policies.view(&bare, now()).decide(&record, b"{}").policies,
        ["records-need-permission"]
    );
}

#[test]
fn each_setting_does_what_it_says_and_reads_as_cedar() {
    let (read, wipe) = (tool("read", ToolEffect::ReadOnly), tool("wipe", ToolEffect::Destructive));
    let admins = || Grantees { roles: vec![Role::Admin], groups: vec![STAFF] };
    let allows = |policies: &Arc<Compiled>, role, tool: &Resource<'static>| {
        decided(policies, role, tool).is_allowed()
    };

    let only = setting(Setting::OnlyFor { install: Some(DOCS), to: admins() });
    assert!(allows(&only, Role::Admin, &read) && !allows(&only, Role::Member, &read));
    let mut staff = subject(Role::Member);
    staff.groups = vec![STAFF];
    assert!(only.view(&staff, now()).decide(&read, b"{}").is_allowed());
    staff.groups = vec![LEADS];
    assert!(!only.view(&staff, now()).lists(&read));

    let safe = setting(Setting::ReadOnly { install: None, except: Grantees::default() });
    assert!(allows(&safe, Role::Owner, &read) && !allows(&safe, Role::Owner, &wipe));
    let hidden = setting(Setting::HideDestructive { install: None, except: admins() });
    assert!(allows(&hidden, Role::Admin, &wipe) && !allows(&hidden, Role::Member, &wipe));
    assert!(allows(&hidden, Role::Member, &tool("write", ToolEffect::Writes)));

    let reason = "Ask \"Kim\" first\\".to_owned();
    let asks = setting(Setting::ApproveDestructive { install: None, reason: reason.clone() });
    assert_eq!(decided(&asks, Role::Member, &wipe).decision, Decision::NeedsApproval);
    assert_eq!(asks.rule("setting").and_then(|rule| rule.approval.clone()), Some(reason));
    assert!(allows(&asks, Role::Member, &read));

    let grant = SourceBody::Setting(Setting::Allow { install: Some(DOCS), to: admins() });
    assert!(grant.to_cedar().contains("principal in Role::\"admin\""), "{}", grant.to_cedar());
    let source = Source { name: "grant".to_owned(), title: String::new(), body: grant };
    let granting = compile(1, &[source]).expect("a setting");
    assert!(allows(&granting, Role::Admin, &read) && !allows(&granting, Role::Member, &read));
}

#[test]
fn what_a_permit_with_approval_allows_waits_for_a_person_and_is_listed() {
    let policies = with(&[(
        "four-eyes",
        "@approval(\"Two people\") permit (principal, action == Action::\"tool.call\", resource) when { resource.destructive };",
    )]);
    let wipe = tool("wipe", ToolEffect::Destructive);
    let answer = decided(&policies, Role::Member, &wipe);
    assert_eq!(answer.decision, Decision::NeedsApproval);
    assert_eq!(answer.policies, ["four-eyes"]);
    assert!(policies.view(&subject(Role::Member), now()).lists(&wipe));
    assert!(decided(&policies, Role::Member, &tool("read", ToolEffect::ReadOnly)).is_allowed());
}

#[test]
fn conditions_on_arguments_client_network_and_time_count() {
    let policies = with(&[
        (
            "no-etc",
            "forbid (principal, action == Action::\"tool.call\", resource) when { context.arguments.hasTag(\"path\") && context.arguments.getTag(\"path\") like \"/etc/*\" };",
        ),
        (
            "known-client",
            "forbid (principal, action, resource) unless { context.client == \"claude\" };",
        ),
        (
            "office",
            "forbid (principal, action, resource) unless { context has network && context.network.isInRange(ip(\"10.0.0.0/8\")) };",
        ),
        (
            "hours",
            "forbid (principal, action, resource) unless { context.hour < 18 && context.weekday <= 5 };",
        ),
    ]);
    let (member, read) = (subject(Role::Member), tool("read", ToolEffect::ReadOnly));
    let ask = |circumstances, arguments: &str| {
        policies.view(&member, circumstances).decide(&read, arguments.as_bytes())
    };
    assert!(ask(now(), r#"{"path":"/srv/a"}"#).is_allowed());
    assert_eq!(ask(now(), r#"{"path":"/etc/passwd"}"#).policies, ["no-etc"]);
    let twice = ask(now(), r#"{"path":"/etc/passwd","path":"/srv/a"}"#);
    assert_eq!(twice.decision, Decision::Deny, "which of the two is read is not ours to guess");
    let mut elsewhere = now();
    elsewhere.network = Some([192, 168, 0, 1].into());
    assert_eq!(ask(elsewhere, "{}").policies, ["office"]);
    let mut unknown = now();
    unknown.client.clear();
    assert_eq!(ask(unknown, "{}").policies, ["known-client"]);
    let mut late = now();
    late.at += chrono::TimeDelta::hours(12);
    assert_eq!(ask(late, "{}").policies, ["hours"]);
}

#[test]
fn forbid_that_cannot_be_evaluated_refuses() {
    let overflow = "forbid (principal, action == Action::\"tool.call\", resource) when { context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") * 9223372036854775807 > 0 };";
    let policies = with(&[("overflow", overflow)]);
    let member = subject(Role::Member);
    let read = tool("read", ToolEffect::ReadOnly);
    let view = policies.view(&member, now());
    assert!(view.decide(&read, br#"{"n":0}"#).is_allowed());
    let answer = view.decide(&read, br#"{"n":2}"#);
    assert_eq!(answer.decision, Decision::Deny);
    assert!(answer.errors[0].contains("overflow"), "{:?}", answer.errors);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_a_way_out() {
    let wrong = |text: &str| validate(&cedar("mine", text)).expect_err("not a policy").0;
    let faults = wrong("permit (principal, action, resource)\nwhen { principal.clearanse > 1 };");
    let place = faults[0].place.expect("a place");
    assert_eq!((faults[0].policy.as_str(), place.line), ("mine", 2));
    assert!(faults[0].help.as_deref().unwrap_or_default().contains("clearance"), "{faults:?}");
    let faults = wrong("permit (principal, action, resource)\nwhen principal.clearance > 1;");
    assert_eq!(faults[0].place.map(|place| place.line), Some(2));
    for (text, says) in [
        ("", "there is no policy"),
        ("permit (principal == ?principal, action, resource);", "templates"),
        ("permit (principal in Role::\"boss\", action, resource);", "boss"),
        ("@approval(\"x\") forbid (principal, action, resource);", "@approval"),
        ("permit (principal, action == Action::\"tool.cal\", resource);", "tool.cal"),
        (
            "permit (principal, action == Action::\"tool.call\", resource) when { context.arguments.getTag(\"a\") == \"b\" };",
            "tag",
        ),
    ] {
        let faults = wrong(text);
        assert!(faults[0].to_string().contains(says), "{text}: {}", faults[0]);
    }
    let twice = compile(1, &[cedar("a", policy::DEFAULT), cedar("a", policy::DEFAULT)]);
    assert!(
        twice.expect_err("two of one name").to_string().contains("another policy has this name")
    );
}
