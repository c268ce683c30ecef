//! Signed checkpoints, exports and retention of the audit log.

use chrono::TimeDelta;
use control::{AuditFilter, AuditRound, Error, Verified};
use domain::{
    PageArgs, Role,
    audit::{AuditSettings, Broken, Chain, ExportLine, PublicKey, Statement},
};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::plane::Plane;

async fn keys(plane: &Plane) -> Vec<PublicKey> {
    let keys = plane.control.audit_keys().await.expect("keys");
    keys.into_iter().map(|key| key.key).collect()
}

async fn verify(plane: &Plane) -> Verified {
    plane.control.verify_audit("acme", keys(plane).await).await.expect("an answer")
}

/// What somebody finds who has the lines of an export and the public keys, and nothing else.
fn follow(lines: &[ExportLine], keys: &[PublicKey]) -> Result<domain::audit::Report, Broken> {
    let mut chain = Chain::new(keys.to_vec());
    for line in lines {
        match line {
            ExportLine::Checkpoint(checkpoint) => chain.checkpoint(checkpoint.clone())?,
            ExportLine::Event(event) => chain.entry(event)?,
        }
    }
    chain.finish()
}

async fn export(plane: &Plane, filter: AuditFilter) -> Vec<ExportLine> {
    let export = plane.control.export_audit(&plane.owner, "jsonl", filter).await.expect("allowed");
    export.try_collect::<Vec<_>>().await.expect("lines").concat()
}

pub(crate) async fn signs_verifies_exports_and_cuts(plane: &Plane) {
    plane.key(Role::Member, None).await;
    assert_eq!(plane.control.keep_audit().await.expect("a round").signed, 1);
    assert_eq!(plane.control.keep_audit().await.expect("a round"), AuditRound::default());
    plane.key(Role::Member, None).await;
    assert_eq!(plane.control.keep_audit().await.expect("a round").signed, 0, "not yet time");
    plane.advance(300);
    assert_eq!(plane.control.keep_audit().await.expect("a round").signed, 1);
    let Verified::InOrder(report) = verify(plane).await else { panic!("in order") };
    assert_eq!(report.signed_up_to, report.last);

    let lines = export(plane, AuditFilter::default()).await;
    let keys = keys(plane).await;
    let exported = follow(&lines, &keys).expect("in order");
    assert_eq!(exported.signed_up_to, exported.last, "an export is signed to its end");
    assert!(exported.last > report.last, "the export stands in the log");
    let cut_off = &lines[..lines.len() - 1];
    let found = follow(cut_off, &keys);
    assert!(matches!(found, Err(Broken::Truncated { seq, .. }) if seq == exported.last));

    let wanted = AuditSettings { retention_days: Some(30), ..AuditSettings::default() };
    plane.control.update_audit_settings(&plane.owner, wanted).await.expect("kept");
    plane.advance(31 * 86_400);
    plane.control.redeem_link("nonsense", "request").await.expect_err("refused");
    let round = plane.control.keep_audit().await.expect("a round");
    assert!(round.removed > 5, "{round:?}");
    let Verified::InOrder(report) = verify(plane).await else { panic!("in order") };
    assert!(report.first > 1 && report.entries <= 2, "{report:?}");
}

#[tokio::test]
async fn log_is_signed_verified_exported_and_cut() {
    signs_verifies_exports_and_cuts(&Plane::start().await).await;
}

#[tokio::test]
async fn export_by_filter_holds_what_was_asked_for_and_is_in_the_log() {
    let plane = Plane::start().await;
    plane.key(Role::Member, None).await;
    let filter = AuditFilter { action: Some("api_key".to_owned()), ..AuditFilter::default() };
    let lines = export(&plane, filter).await;
    assert!(matches!(&lines[..], [ExportLine::Event(one)] if one.action == "api_key.create"));
    let entry = plane.audit("audit.export").await.remove(0);
    assert_eq!(entry.detail, json!({ "format": "jsonl", "filter": { "action": "api_key" } }));
    let member = plane.member(Role::Member).await;
    let refused = plane.control.export_audit(&member, "jsonl", AuditFilter::default()).await;
    assert!(matches!(refused.err(), Some(Error::Denied(_))));
    plane.assert_refusal_audited("audit.export", &member).await;
}

#[tokio::test]
async fn checkpoint_on_demand_signs_the_end_for_whoever_may_read_the_log() {
    let plane = Plane::start().await;
    let auditor = plane.member(Role::Auditor).await;
    let first = plane.control.create_checkpoint(&auditor).await.expect("signed");
    assert_eq!(first.statement, Statement::Head);
    assert!(first.is_signed_by(&keys(&plane).await[0]));
    let second = plane.control.create_checkpoint(&auditor).await.expect("signed");
    assert_eq!(second.seq, first.seq + 1, "the first one stands in the log");
    let member = plane.member(Role::Member).await;
    let refused = plane.control.create_checkpoint(&member).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
}

#[tokio::test]
async fn log_is_filtered_by_each_of_its_columns() {
    let plane = Plane::start().await;
    let begin = plane.clock.now();
    let member = plane.member(Role::Member).await;
    plane.control.list_audit(&member, AuditFilter::default(), PageArgs::all()).await.ok();
    plane.advance(60);
    let key = plane.key(Role::Member, None).await.key;
    let filters = [
        (
            "actor",
            AuditFilter { actor: Some(member.principal().to_string()), ..AuditFilter::default() },
            2,
        ),
        ("target", AuditFilter { target: Some(key.id.to_string()), ..AuditFilter::default() }, 1),
        (
            "outcome",
            AuditFilter { outcome: Some(domain::AuditOutcome::Denied), ..AuditFilter::default() },
            1,
        ),
        (
            "from",
            AuditFilter { from: Some(begin + TimeDelta::seconds(60)), ..AuditFilter::default() },
            1,
        ),
        ("until", AuditFilter { until: Some(begin), ..AuditFilter::default() }, 0),
        (
            "request",
            AuditFilter { request_id: Some("request".to_owned()), ..AuditFilter::default() },
            2,
        ),
    ];
    for (name, filter, expected) in filters {
        let page = plane.control.list_audit(&plane.owner, filter, PageArgs::all()).await;
        assert_eq!(page.expect("entries").items.len(), expected, "{name}");
    }
}

#[tokio::test]
async fn settings_are_changed_by_the_owner_within_bounds() {
    let plane = Plane::start().await;
    let auditor = plane.member(Role::Auditor).await;
    let usual = plane.control.audit_settings(&auditor).await.expect("settings");
    assert_eq!(usual, AuditSettings::default());
    let wanted = AuditSettings {
        keep_arguments: true,
        retention_days: Some(90),
        overload: Some(domain::audit::Overload::Block),
    };
    let refused = plane.control.update_audit_settings(&auditor, wanted.clone()).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let kept = plane.control.update_audit_settings(&plane.owner, wanted.clone()).await;
    assert_eq!(kept.expect("kept"), wanted);
    assert_eq!(plane.control.audit_settings(&auditor).await.expect("settings"), wanted);
    let odd = AuditSettings { retention_days: Some(0), ..wanted };
    let refused = plane.control.update_audit_settings(&plane.owner, odd).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}
