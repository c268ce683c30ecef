//! The audit log through the doors: filters, settings, exports, keys.

use domain::{
    Role,
    audit::{Broken, Chain, ExportLine, PublicKey, Report},
};
use serde_json::{Value, json};

use crate::plane::{Caller, Plane};

async fn get(plane: &Plane, caller: &Caller, path: &str) -> testkit::Reply {
    let headers = caller.headers();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    plane.get(path, &headers).await
}

async fn keys(plane: &Plane, caller: &Caller) -> Vec<PublicKey> {
    let reply = get(plane, caller, "/api/v1/audit-keys").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let keys = reply.json().expect("JSON");
    let keys = keys.as_array().expect("a list").iter();
    keys.map(|key| {
        let text = key["public_key"].as_str().expect("a key");
        let read = PublicKey::from_hex(text).expect("a key");
        assert_eq!(key["id"], read.id());
        read
    })
    .collect()
}

fn follow(text: &str, keys: &[PublicKey]) -> Result<Report, Broken> {
    let mut chain = Chain::new(keys.to_vec());
    for line in text.lines() {
        match serde_json::from_str(line).expect("a line") {
            ExportLine::Checkpoint(checkpoint) => chain.checkpoint(checkpoint)?,
            ExportLine::Event(event) => chain.entry(&event)?,
        }
    }
    chain.finish()
}

#[tokio::test]
async fn export_is_verified_by_whoever_has_it_and_the_public_key() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    for _ in 0..3 {
        plane.key(&acme.owner, Role::Member).await;
    }
    let reply = get(&plane, &acme.session, "/api/v1/audit/export").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/jsonl");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"audit.jsonl\"");
    let keys = keys(&plane, &acme.session).await;
    let report = follow(&reply.text(), &keys).expect("in order");
    assert_eq!((report.first, report.signed_up_to), (1, report.last));
    let tampered = reply.text().replacen("api_key.create", "api_key.revoke", 1);
    assert!(matches!(follow(&tampered, &keys), Err(Broken::Altered { .. })));
}

#[tokio::test]
async fn export_needs_the_permission_and_keys_need_a_caller() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    for role in Role::ALL {
        let caller = plane.key(&acme.owner, *role).await;
        let may = role.permissions().contains(domain::authz::PermissionName::AuditRead);
        let reply = get(&plane, &caller, "/api/v1/audit/export?format=csv").await;
        assert_eq!(reply.status, if may { 200 } else { 403 }, "{role:?} {}", reply.text());
        assert_eq!(get(&plane, &caller, "/api/v1/audit-keys").await.status, 200, "{role:?}");
    }
    for path in ["/api/v1/audit/export", "/api/v1/audit-keys"] {
        assert_eq!(get(&plane, &Caller::Nobody, path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn export_for_a_spreadsheet_is_filtered_and_computes_nothing() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    plane.key(&acme.owner, Role::Member).await;
    let odd = "/api/v1/audit/export?format=csv&action=api_key&outcome=succeeded";
    let reply = get(&plane, &acme.session, odd).await;
    let text = reply.text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("seq,id,at,actor,action,target,outcome,request_id,detail"));
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].contains(",api_key.create,"), "{text}");
    let caller = acme.session.headers();
    let mut headers: Vec<_> = caller.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("x-request-id", "-formula-1"));
    assert_eq!(plane.get("/api/v1/audit/export?format=csv", &headers).await.status, 200);
    let text = get(&plane, &acme.session, "/api/v1/audit/export?format=csv").await.text();
    assert!(text.contains(",'-formula-1,"), "{text}");
    for wrong in ["format=xml", "outcome=maybe", "from=yesterday", "organisation=other"] {
        let reply = get(&plane, &acme.session, &format!("/api/v1/audit/export?{wrong}")).await;
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text());
    }
}

#[tokio::test]
async fn export_holds_nothing_of_another_organisation() {
    let plane = Plane::start().await;
    let (acme, other) = (plane.organisation("acme").await, plane.organisation("other").await);
    plane.key(&other.owner, Role::Member).await;
    let text = get(&plane, &acme.session, "/api/v1/audit/export").await.text();
    assert!(!text.contains(&other.owner.tenant().to_string()), "{text}");
}

#[tokio::test]
async fn entries_are_found_by_each_filter_and_tell_their_place_in_the_chain() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    plane.key(&acme.owner, Role::Member).await;
    let actor = acme.owner.principal().to_string();
    let document = "query($actor: String, $outcome: AuditOutcome, $from: DateTime) {
        auditEvents(first: 10, action: \"api_key.create\", actor: $actor, outcome: $outcome, from: $from) {
            nodes { seq prevHash hash action } } }";
    let found = async |variables: Value| {
        let answer = plane.graphql(&acme.session, document, variables).await;
        answer["data"]["auditEvents"]["nodes"].as_array().expect("entries").clone()
    };
    let entries = found(json!({ "actor": actor, "outcome": "SUCCEEDED" })).await;
    assert_eq!(entries.len(), 1);
    assert!(entries[0]["seq"].as_i64().is_some_and(|seq| seq > 1), "{entries:?}");
    assert_eq!(entries[0]["hash"].as_str().map(str::len), Some(64));
    assert!(found(json!({ "outcome": "DENIED" })).await.is_empty());
    assert!(found(json!({ "actor": "user:nobody" })).await.is_empty());
    assert!(found(json!({ "from": "2999-01-01T00:00:00Z" })).await.is_empty());
}

#[tokio::test]
async fn settings_are_read_and_changed_and_a_checkpoint_is_signed_on_demand() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let change =
        "mutation($input: UpdateAuditSettingsInput!) { updateAuditSettings(input: $input) {
        auditSettings { keepArguments retentionDays overload } userErrors { code field } } }";
    let input = json!({ "keepArguments": true, "retentionDays": 90, "overload": "BLOCK" });
    let answer = plane.graphql(&acme.session, change, json!({ "input": input })).await;
    let kept = &answer["data"]["updateAuditSettings"]["auditSettings"];
    assert_eq!(*kept, input, "{answer}");
    let read = "{ auditSettings { keepArguments retentionDays overload } }";
    let answer = plane.graphql(&acme.session, read, json!({})).await;
    assert_eq!(answer["data"]["auditSettings"], input);
    let odd = json!({ "input": { "keepArguments": false, "retentionDays": 0 } });
    let answer = plane.graphql(&acme.session, change, odd).await;
    let error = &answer["data"]["updateAuditSettings"]["userErrors"][0];
    assert_eq!(error["field"], json!(["retentionDays"]), "{answer}");
    let sign = "mutation { createAuditCheckpoint { checkpoint { seq hash key signature at } userErrors { code } } }";
    let answer = plane.graphql(&acme.session, sign, json!({})).await;
    let checkpoint = &answer["data"]["createAuditCheckpoint"]["checkpoint"];
    assert!(checkpoint["seq"].as_i64().is_some_and(|seq| seq > 1), "{answer}");
    assert_eq!(checkpoint["signature"].as_str().map(str::len), Some(128));
}
