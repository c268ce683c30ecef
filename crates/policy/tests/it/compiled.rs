//! Properties over random policies, callers and resources.

use std::{str::FromStr, sync::Arc};

use cedar_policy::{
    Authorizer, Context, Decision as Outcome, Entities, EntityUid, PolicySet, Request, Schema,
};
use domain::authz::PermissionName;
use domain::{Classification, InstallId, InstallStatus, PermissionSet, Role, TenantId};
use policy::{
    Circumstances, Compiled, Decision, InstallFacts, Resource, Subject, SubjectKind, ToolEffect,
    compile,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::world::{DOCS, LEADS, OTHER, SHOP, STAFF, TENANT, cedar, install, now};

const NAMES: [&str; 3] = ["read", "write", "wipe"];
const ARGUMENTS: [&str; 5] = [
    "{}",
    r#"{"path":"/etc/passwd"}"#,
    r#"{"path":"/srv/a","n":2}"#,
    r#"{"n":0}"#,
    r#"{"deep":{"path":"/etc/x"}}"#,
];

fn conditions() -> impl Strategy<Value = String> {
    let levels = 0..4_i64;
    prop_oneof![
        levels.clone().prop_map(|level| format!("principal.clearance >= {level}")),
        levels.prop_map(|level| format!("resource.classification < {level}")),
        select(vec![
            "principal in Role::\"member\"",
            "principal.kind == \"user\"",
            "principal == Principal::\"user:one\"",
            "principal.permissions.contains(\"mcp.use\") && !principal.limited",
            "resource.destructive",
            "resource.effect == \"writes\"",
            "resource.name == \"wipe\"",
            "resource.connector == \"files\" || resource in Connector::\"postgres\"",
            "resource.install.alias == \"docs\"",
            "context.client == \"claude\"",
            "context.hour < 12 && context.weekday == 5",
            "context has network && context.network.isInRange(ip(\"10.0.0.0/8\"))",
            "context.arguments.hasTag(\"path\") && context.arguments.getTag(\"path\") like \"/etc/*\"",
            "context.arguments.hasTag(\"deep/path\")",
            "context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") * 9223372036854775807 > 0",
        ])
        .prop_map(str::to_owned),
        select(vec![STAFF, LEADS])
            .prop_map(|group| format!("principal in Group::\"{group}\"")),
        select(vec![DOCS, SHOP])
            .prop_map(|id| format!("resource in Install::\"{id}\" && resource.readOnly")),
        (select(vec![DOCS, SHOP]), select(NAMES.to_vec()))
            .prop_map(|(id, name)| format!("resource == Tool::\"{id}/{name}\"")),
    ]
}

fn policies() -> impl Strategy<Value = String> {
    let principals = prop_oneof![
        4 => Just("principal".to_owned()),
        1 => select(Role::ALL).prop_map(|role| format!("principal in Role::\"{}\"", role.as_str())),
        1 => select(vec![STAFF, LEADS]).prop_map(|id| format!("principal in Group::\"{id}\"")),
        1 => select(vec!["one", "two"]).prop_map(|id| format!("principal == Principal::\"user:{id}\"")),
    ];
    let resources = prop_oneof![
        4 => Just("resource".to_owned()),
        1 => Just("resource is Tool".to_owned()),
        1 => select(vec![DOCS, SHOP]).prop_map(|id| format!("resource in Install::\"{id}\"")),
        1 => select(vec![DOCS, SHOP]).prop_map(|id| format!("resource is Tool in Install::\"{id}\"")),
        1 => (select(vec![DOCS, SHOP]), select(NAMES.to_vec()))
            .prop_map(|(id, name)| format!("resource == Tool::\"{id}/{name}\"")),
        1 => Just("resource in Connector::\"files\"".to_owned()),
    ];
    let clauses = vec((select(vec!["when", "unless"]), conditions()), 0..3);
    (select(vec!["permit", "permit", "forbid"]), principals, resources, clauses).prop_map(
        |(effect, principal, resource, clauses)| {
            let clauses: Vec<String> =
                clauses.iter().map(|(word, it)| format!(" {word} {{ {it} }}")).collect();
            let clauses = clauses.concat();
            format!("{effect} ({principal}, action == Action::\"tool.call\", {resource}){clauses};")
        },
    )
}

/// A set; conditions that the validator proves to be always false of each other are left out by hand: they are no policy.
fn compiled() -> impl Strategy<Value = Arc<Compiled>> {
    vec(policies(), 1..12).prop_map(|texts| {
        let sources: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| cedar(&format!("p{index}"), text))
            .collect();
        compile(1, &sources).expect("generated policies are valid")
    })
}

fn subjects() -> impl Strategy<Value = Subject> {
    (
        select(vec!["user:one", "user:two"]),
        select(Role::ALL),
        select(vec![vec![], vec![STAFF], vec![STAFF, LEADS]]),
        select(Classification::ALL),
        select(vec![
            PermissionSet::all(),
            PermissionSet::of(&[PermissionName::McpUse]),
            PermissionSet::EMPTY,
        ]),
        select(vec![None, Some(vec![DOCS]), Some(vec![SHOP])]),
        select(vec![SubjectKind::User, SubjectKind::ApiKey]),
    )
        .prop_map(|(id, role, groups, clearance, permissions, installs, kind)| Subject {
            tenant: TENANT,
            id: id.to_owned(),
            kind,
            role,
            groups,
            clearance,
            permissions,
            installs,
        })
}

fn tools() -> impl Strategy<Value = Resource<'static>> {
    (
        select(vec![DOCS, SHOP]),
        select(vec![TENANT, TENANT, TENANT, OTHER]),
        select(vec![InstallStatus::Active, InstallStatus::Active, InstallStatus::Paused]),
        select(Classification::ALL),
        select(NAMES.to_vec()),
        select(vec![ToolEffect::ReadOnly, ToolEffect::Writes, ToolEffect::Destructive]),
    )
        .prop_map(|(id, tenant, status, classification, name, effect)| Resource::Tool {
            install: InstallFacts { tenant, status, classification, ..install(id) },
            name,
            effect,
        })
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    (
        select(vec!["claude", "cursor", ""]),
        select(vec![Some([10, 0, 0, 1]), Some([8, 8, 8, 8]), None]),
        0..30_i64,
    )
        .prop_map(|(client, network, hours)| Circumstances {
            client: client.to_owned(),
            network: network.map(Into::into),
            at: now().at + chrono::TimeDelta::hours(hours),
        })
}

/// Cedar alone, over every policy, from JSON that knows nothing of the code under test.
fn plain(
    policies: &Arc<Compiled>,
    subject: &Subject,
    resource: &Resource<'_>,
    circumstances: &Circumstances,
    arguments: &str,
) -> Outcome {
    let texts: Vec<&str> = policies.rules().iter().map(|rule| rule.text.as_str()).collect();
    let text = texts.join("\n");
    let set = PolicySet::from_str(&text).expect("policies");
    let Resource::Tool { install, name, effect } = resource else { panic!("tools only") };
    let schema = Schema::from_cedarschema_str(policy::SCHEMA).expect("a schema").0;
    let entity = |kind: &str, id: String| json!({"__entity": {"type": kind, "id": id}});
    let reference = |kind: &str, id: String| json!({"type": kind, "id": id});
    let installs: Vec<_> =
        subject.installs.iter().flatten().map(|id| entity("Install", id.to_string())).collect();
    let mut parents = vec![reference("Role", subject.role.as_str().to_owned())];
    parents.extend(subject.groups.iter().map(|id| reference("Group", id.to_string())));
    let permissions: Vec<_> = subject.permissions.iter().map(PermissionName::as_str).collect();
    let tenant = |id: TenantId| entity("Tenant", id.to_string());
    let tool = format!("{}/{name}", install.id);
    let (texts, numbers) = flat(arguments);
    let entities = json!([
        {"uid": reference("Principal", subject.id.clone()), "parents": parents, "attrs": {
            "tenant": tenant(subject.tenant), "kind": subject.kind.as_str(), "clearance": subject.clearance.level(),
            "permissions": permissions, "limited": subject.installs.is_some(), "installs": installs,
        }},
        {"uid": reference("Tool", tool.clone()), "parents": [reference("Install", install.id.to_string())], "attrs": {
            "tenant": tenant(install.tenant), "install": entity("Install", install.id.to_string()), "name": name,
            "alias": install.alias, "connector": install.connector, "status": install.status.as_str(),
            "classification": install.classification.level(), "effect": effect.as_str(),
            "readOnly": *effect == ToolEffect::ReadOnly, "destructive": *effect == ToolEffect::Destructive,
        }},
        {"uid": reference("Install", install.id.to_string()), "parents": [reference("Connector", install.connector.to_owned())], "attrs": {"alias": install.alias}},
        {"uid": reference("Connector", install.connector.to_owned()), "parents": [], "attrs": {}},
        {"uid": reference("Arguments", "call".to_owned()), "parents": [], "attrs": {}, "tags": texts},
        {"uid": reference("Numbers", "call".to_owned()), "parents": [], "attrs": {}, "tags": numbers},
    ]);
    let entities = Entities::from_json_value(entities, Some(&schema)).expect("entities");
    let mut context = json!({
        "client": circumstances.client,
        "hour": chrono::Timelike::hour(&circumstances.at),
        "weekday": chrono::Datelike::weekday(&circumstances.at).number_from_monday(),
        "arguments": entity("Arguments", "call".to_owned()),
        "numbers": entity("Numbers", "call".to_owned()),
    });
    if let Some(network) = circumstances.network {
        context["network"] = json!({"__extn": {"fn": "ip", "arg": network.to_string()}});
    }
    let uid = |text: String| EntityUid::from_str(&text).expect("an id");
    let action = uid("Action::\"tool.call\"".to_owned());
    let context = Context::from_json_value(context, Some((&schema, &action))).expect("a context");
    let principal = uid(format!("Principal::\"{}\"", subject.id));
    let resource = uid(format!("Tool::\"{tool}\""));
    let request = Request::new(principal, action, resource, context, Some(&schema));
    let response = Authorizer::new().is_authorized(&request.expect("a request"), &set, &entities);
    // A policy that cannot be evaluated refuses.
    if response.diagnostics().errors().next().is_some() {
        Outcome::Deny
    } else {
        response.decision()
    }
}

fn flat(arguments: &str) -> (Value, Value) {
    let arguments: Value = serde_json::from_str(arguments).expect("JSON");
    let (mut texts, mut numbers) = (json!({}), json!({}));
    for (name, value) in arguments.as_object().expect("an object") {
        match value {
            Value::String(text) => texts[name] = json!(text),
            Value::Number(number) => {
                texts[name] = json!(number.to_string());
                numbers[name] = value.clone();
            }
            Value::Object(members) => {
                for (inner, value) in members {
                    texts[format!("{name}/{inner}")] = value.clone();
                }
            }
            other => panic!("not in these tests: {other}"),
        }
    }
    (texts, numbers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The same set is asked many times, so that what is remembered of one question is tried on all others.
    #[test]
    fn what_is_remembered_decides_as_cedar_alone_does(
        policies in compiled(),
        questions in vec((subjects(), tools(), circumstances(), select(ARGUMENTS.to_vec())), 12),
    ) {
        for round in 0..2 {
            for (subject, tool, circumstances, arguments) in &questions {
                let view = policies.view(subject, circumstances.clone());
                let answer = view.decide(tool, arguments.as_bytes());
                let expected = plain(&policies, subject, tool, circumstances, arguments);
                prop_assert_eq!(
                    answer.is_allowed(), expected == Outcome::Allow,
                    "round {}: {:?} {:?} {:?} {}: {:?}", round, subject, tool, circumstances, arguments, answer
                );
            }
        }
    }

    /// Without conditions on arguments the two are one question; with them, whatever can be called is listed.
    #[test]
    fn what_is_listed_can_be_called_and_what_can_be_called_is_listed(
        policies in compiled(), subject in subjects(), tool in tools(), circumstances in circumstances(),
    ) {
        let view = policies.view(&subject, circumstances);
        let listed = view.lists(&tool);
        let called = |arguments: &str| view.decide(&tool, arguments.as_bytes()).decision != Decision::Deny;
        prop_assert!(listed || !ARGUMENTS.iter().any(|arguments| called(arguments)));
        if !policies.rules().iter().any(|rule| rule.text.contains("context.arguments") || rule.text.contains("context.numbers")) {
            prop_assert_eq!(listed, called("{}"));
        }
    }

    #[test]
    fn what_one_may_found_or_read_is_one_question(
        role in select(Role::ALL), status in select(vec![InstallStatus::Active, InstallStatus::Paused]),
        classification in select(Classification::ALL),
    ) {
        let policies = Compiled::of_defaults();
        let install = InstallFacts { status, classification, ..install(DOCS) };
        let record = Resource::Record { install, stream: "files", external_id: "a.md" };
        let subject = crate::world::subject(role);
        let view = policies.view(&subject, now());
        prop_assert_eq!(view.lists(&record), view.decide(&record, b"{}").is_allowed());
    }
}

#[test]
fn caller_named_in_a_scope_alone_is_not_taken_for_another() {
    let policies = compile(
        1,
        &[cedar("one", "permit (principal == Principal::\"user:one\", action, resource);")],
    )
    .expect("a policy");
    let tool = crate::world::tool("read", ToolEffect::ReadOnly);
    let mut subject = crate::world::subject(Role::Member);
    assert!(policies.view(&subject, now()).lists(&tool));
    subject.id = "user:two".to_owned();
    assert!(!policies.view(&subject, now()).lists(&tool));
}

#[test]
fn ids_cannot_be_made_to_look_like_others() {
    let text = format!("forbid (principal, action, resource == Tool::\"{DOCS}/wipe\");");
    let policies = crate::world::with(&[("one", &text)]);
    let of = |id: InstallId, name| Resource::Tool {
        install: install(id),
        name,
        effect: ToolEffect::Writes,
    };
    let subject = crate::world::subject(Role::Member);
    let view = policies.view(&subject, now());
    assert!(!view.lists(&of(DOCS, "wipe")));
    assert!(view.lists(&of(SHOP, "wipe")) && view.lists(&of(DOCS, "wipe\" || \"")));
}
