//! The audit log.

use control::{Action, AuditFilter, CallAudit, Config, Error, Verified};
use domain::{AuditOutcome, PageArgs, Role};
use serde_json::json;

use crate::plane::Plane;

fn call(plane: &Plane, number: usize) -> CallAudit {
    CallAudit {
        actor: plane.owner.principal().clone(),
        action: Action::of_call("tools/call"),
        target: Some(format!("fake__echo {number}")),
        outcome: AuditOutcome::Succeeded,
        request_id: "request".to_owned(),
        detail: json!({ "milliseconds": 3 }),
    }
}

fn note(plane: &Plane, number: usize) {
    plane.control.record_call(plane.control.reserve_call(), plane.tenant, call(plane, number));
}

#[tokio::test]
async fn noted_calls_are_in_the_log_after_a_flush() {
    let plane = Plane::start().await;
    for number in 0..1200 {
        note(&plane, number);
    }
    plane.control.flush_audit().await;
    let mut count = 0;
    let mut args = PageArgs::all();
    loop {
        let filter =
            AuditFilter { action: Some("mcp.tools.call".to_owned()), ..AuditFilter::default() };
        let page = plane.control.list_audit(&plane.owner, filter, args).await.expect("a page");
        count += page.items.len();
        match page.items.last() {
            Some((cursor, _)) if page.has_next => {
                args = PageArgs { after: Some(cursor.clone()), ..PageArgs::all() };
            }
            _ => break,
        }
    }
    assert_eq!(count, 1200);
    assert_eq!(plane.control.audit_dropped(), 0);
}

#[tokio::test]
async fn calls_that_find_no_place_are_counted_and_the_log_says_how_many_are_missing() {
    let plane = Plane::with(Config { audit_buffer: 10, ..Config::default() }).await;
    // Nothing is awaited in between, so the writing task cannot make room.
    for number in 0..25 {
        note(&plane, number);
    }
    assert_eq!(plane.control.audit_dropped(), 15);
    plane.control.flush_audit().await;
    assert_eq!(plane.audit("mcp.tools.call").await.len(), 10);
    let gap = plane.audit("audit.gap").await.remove(0);
    assert_eq!(gap.outcome, AuditOutcome::Failed);
    assert_eq!(gap.detail["calls"], 15);
    note(&plane, 25);
    plane.control.flush_audit().await;
    assert_eq!(plane.audit("audit.gap").await.len(), 1, "it is told once");
    let keys = plane.control.audit_keys().await.expect("keys").iter().map(|it| it.key).collect();
    let found = plane.control.verify_audit("acme", keys).await.expect("an answer");
    assert!(matches!(found, Verified::InOrder(_)), "the gap is part of the chain: {found:?}");
}

#[tokio::test]
async fn member_cannot_read_the_log_and_that_is_in_the_log() {
    let plane = Plane::start().await;
    let member = plane.member(Role::Member).await;
    let refused = plane.control.list_audit(&member, AuditFilter::default(), PageArgs::all()).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("audit.read", &member).await;
    let entry = plane.audit("audit.read").await.remove(0);
    assert_eq!(entry.detail, json!({ "needs": "audit.read" }));
    assert_eq!(entry.request_id, "request");
    let again = plane.control.lookup_audit(&plane.owner, entry.id).await.expect("an entry");
    assert_eq!(again, entry);
}

#[tokio::test]
async fn every_change_leaves_an_entry() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    let key = plane.key(Role::Member, None).await;
    plane.control.revoke_api_key(&plane.owner, key.key.id).await.expect("revoked");
    let run = plane.control.start_sync(&plane.owner, install.id).await.expect("a run");
    plane.control.cancel_sync(&plane.owner, run.id).await.expect("cancelled");
    let rename = control::UpdateInstall {
        display_name: Some("Other".to_owned()),
        ..control::UpdateInstall::default()
    };
    plane.control.update_install(&plane.owner, install.id, rename).await.expect("renamed");
    plane.control.remove_install(&plane.owner, install.id).await.expect("removed");
    plane.control.sign_out(&plane.owner).await.expect("signed out");
    let expected = [
        ("api_key.create", 1),
        ("api_key.revoke", 1),
        ("install.create", 1),
        ("install.remove", 1),
        ("install.update", 1),
        ("session.create", 1),
        ("session.end", 1),
        ("sign_in_link.create", 1),
        ("sync.cancel", 1),
        ("sync.finish", 2),
        ("sync.start", 1),
        ("tenant.set_up", 1),
    ];
    for (action, count) in expected {
        assert_eq!(plane.audit(action).await.len(), count, "{action}");
    }
}
