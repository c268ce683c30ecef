//! Rotation of data keys, and what keeps a sealed secret at its place.

use control::{Control, Error};
use domain::{
    AuditOutcome, DataKeyState, Granted, Install, KeyRotation, Role, SystemReason, TenantId,
    authz::permission::KeyRotate, job::Settle,
};
use serde_json::json;
use store::{SealedRow, SealedTable, Store};
use tokio_util::sync::CancellationToken;

use crate::{
    plane::{Plane, fake_install, organisation},
    syncs::polled,
};

/// More than a slice, so that a rotation has a middle.
const SECRETS: usize = 130;
const LEASE: i64 = 60;

fn granted(tenant: TenantId) -> Granted<KeyRotate> {
    Granted::system(SystemReason::RotateKeys, tenant, "test")
}

/// Installs with a credential each; their first syncs are done.
async fn installs(plane: &Plane, count: usize) -> Vec<Install> {
    let mut installs = Vec::with_capacity(count);
    for number in 0..count {
        let mut command = fake_install(json!({}), Some(json!({ "bearer_token": "t0ken" })));
        command.alias = Some(format!("fake_{number}"));
        installs.push(plane.install_with(command).await.install);
    }
    plane.work().await;
    installs
}

/// Every sealed credential, as it lies in the database.
async fn sealed(store: &Store, tenant: TenantId) -> Vec<SealedRow> {
    let granted = granted(tenant);
    let tx = store.read(&granted).await.expect("a transaction");
    // No seal begins like this, so that all of them are others.
    let rows = tx.sealed().list_others(&granted, SealedTable::Credentials, &[0xff], 10_000).await;
    rows.expect("rows")
}

async fn put(store: &Store, tenant: TenantId, was: &SealedRow, bytes: &[u8]) {
    let granted = granted(tenant);
    let tx = store.begin(&granted).await.expect("a transaction");
    assert!(tx.sealed().replace(&granted, was, bytes.to_vec()).await.expect("replaced"));
    tx.commit().await.expect("a commit");
}

async fn opens(plane: &Plane, install: &Install) -> Result<(), Error> {
    // What is known of an install is kept for seconds: this is about what lies in the database.
    plane.advance(20);
    plane.control.call_tool(&plane.owner, install.id, "echo", &json!({})).await.map(drop)
}

async fn rotation(plane: &Plane, begun: &KeyRotation) -> KeyRotation {
    plane.control.lookup_key_rotation(&plane.owner, begun.id).await.expect("a rotation")
}

/// Does one slice of the rotation that is due and hands it back, as a worker does that is asked to stop.
async fn one_slice(plane: &Plane) -> Settle {
    let job = plane.claim("worker").await.expect("a rotation that is due");
    let stopping = CancellationToken::new();
    stopping.cancel();
    let settle = plane.control.run_job(&job, stopping).await;
    plane.control.settle_job(job.id, "worker", settle.clone()).await.expect("settled");
    settle
}

async fn rotate_with_readers(plane: &Plane) {
    let installs = installs(plane, SECRETS).await;
    let begun = plane.control.rotate_data_key(&plane.owner).await.expect("a rotation");
    assert_eq!((begun.to_version, begun.total), (2, i64::try_from(SECRETS).expect("small")));
    let again = plane.control.rotate_data_key(&plane.owner).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");

    let mut seen = Vec::new();
    loop {
        let settle = one_slice(plane).await;
        let now = rotation(plane, &begun).await;
        seen.push(now.percent());
        for install in [&installs[0], &installs[SECRETS / 2], &installs[SECRETS - 1]] {
            opens(plane, install).await.expect("reads work throughout");
        }
        if settle == Settle::Done {
            break;
        }
    }
    assert!(seen.len() > 2 && seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&100));
    let rows = sealed(&plane.store, plane.tenant).await;
    assert_eq!(rows.len(), SECRETS);
    assert!(rows.iter().all(|row| row.sealed.starts_with(&vault::header(2))));
    let ring = plane.control.key_ring(&plane.owner).await.expect("a key ring");
    let states: Vec<_> = ring.versions.iter().map(|key| (key.version, key.state)).collect();
    assert_eq!(states, [(1, DataKeyState::Retired), (2, DataKeyState::Current)]);
    for action in ["key.rotate", "key.retire"] {
        assert_eq!(plane.audit(action).await.len(), 1, "{action}");
    }
    plane.control.rotate_data_key(&plane.owner).await.expect("the next one");
}

#[tokio::test]
async fn rotation_seals_everything_anew_while_everybody_reads() {
    rotate_with_readers(&Plane::start().await).await;
}

#[tokio::test]
async fn rotation_seals_everything_anew_while_everybody_reads_on_postgres() {
    rotate_with_readers(&Plane::on_postgres().await).await;
}

async fn cut_off_anywhere(plane: &Plane) {
    let installs = installs(plane, 3).await;
    let mut cut_off = 0;
    for polls in 1..25 {
        let begun = plane.control.rotate_data_key(&plane.owner).await.expect("a rotation");
        let job = plane.claim("first").await.expect("a job");
        let run = plane.control.run_job(&job, CancellationToken::new());
        if let Some(settle) = polled(run, polls).await {
            plane.control.settle_job(job.id, "first", settle).await.expect("settled");
        } else {
            cut_off += 1;
            plane.advance(LEASE);
        }
        plane.work().await;
        let ended = rotation(plane, &begun).await;
        assert_eq!((ended.percent(), ended.done), (100, 3), "after {polls} polls: {ended:?}");
        for install in &installs {
            opens(plane, install).await.expect("it opens");
        }
    }
    // How far a poll gets is up to the database and the machine; the first ones get nowhere near the end.
    assert!(cut_off >= 2, "only {cut_off} of the rotations were cut off");
}

#[tokio::test]
async fn rotation_that_is_cut_off_anywhere_goes_on_and_loses_nothing() {
    cut_off_anywhere(&Plane::start().await).await;
}

#[tokio::test]
async fn rotation_that_is_cut_off_anywhere_goes_on_and_loses_nothing_on_postgres() {
    cut_off_anywhere(&Plane::on_postgres().await).await;
}

/// What is given while a rotation is under way is sealed under the new key, and the old one is not missed.
#[tokio::test]
async fn credential_that_is_given_in_mid_rotation_is_under_the_new_key() {
    let plane = Plane::on_postgres().await;
    installs(&plane, 2).await;
    plane.control.rotate_data_key(&plane.owner).await.expect("a rotation");
    let command = fake_install(json!({}), Some(json!({ "bearer_token": "t0ken" })));
    let given = plane.install_with(command).await.install;
    let rows = sealed(&plane.store, plane.tenant).await;
    let of =
        |version| rows.iter().filter(|row| row.sealed.starts_with(&vault::header(version))).count();
    assert_eq!((of(1), of(2)), (2, 1));
    plane.work().await;
    opens(&plane, &given).await.expect("it opens");
}

async fn swapped(plane: &Plane) {
    let mine = installs(plane, 2).await;
    let (other, _) = organisation(&plane.control, "globex").await;
    let their_owner = plane.stranger().await;
    let command = fake_install(json!({}), Some(json!({ "bearer_token": "theirs" })));
    plane.control.install_connector(&their_owner, command).await.expect("an install");
    let rows = sealed(&plane.store, plane.tenant).await;
    let theirs = sealed(&plane.store, other).await;
    let of = |install: &Install| {
        let found = mine.iter().position(|it| it.id == install.id).expect("mine");
        rows[found].clone()
    };
    let here = of(&mine[0]);
    opens(plane, &mine[0]).await.expect("at its own place it opens");

    // Another credential of the same organisation, another organisation, and the same bytes under another version of the key.
    let mut renamed = here.sealed.clone();
    renamed[4] = 2;
    for foreign in [rows[1].sealed.clone(), theirs[0].sealed.clone(), renamed] {
        put(&plane.store, plane.tenant, &here, &foreign).await;
        let error = opens(plane, &mine[0]).await.expect_err("it must not open");
        assert!(matches!(error, Error::Internal(_)), "{error:?}");
        let moved = SealedRow { sealed: foreign, ..here.clone() };
        put(&plane.store, plane.tenant, &moved, &here.sealed).await;
    }
    opens(plane, &mine[0]).await.expect("back at its place it opens");
    plane.control.flush_audit().await;
    let failed = plane.audit("credential.open").await;
    let failed = failed.iter().filter(|entry| entry.outcome == AuditOutcome::Failed).count();
    // For the last, whose key is not there, what was known before is tried; that does not open either.
    assert_eq!(failed, 3);
}

#[tokio::test]
async fn sealed_row_opens_for_no_other_organisation_credential_or_version() {
    swapped(&Plane::start().await).await;
}

#[tokio::test]
async fn sealed_row_opens_for_no_other_organisation_credential_or_version_on_postgres() {
    swapped(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn each_opening_is_in_the_audit_log_with_its_purpose() {
    let plane = Plane::start().await;
    let install = installs(&plane, 1).await.remove(0);
    opens(&plane, &install).await.expect("it opens");
    let change =
        control::UpdateInstall { config: Some(json!({})), ..control::UpdateInstall::default() };
    plane.control.update_install(&plane.owner, install.id, change).await.expect("checked");
    plane.control.flush_audit().await;
    let entries = plane.audit("credential.open").await;
    let mut purposes: Vec<_> =
        entries.iter().filter_map(|entry| entry.detail["purpose"].as_str()).collect();
    purposes.sort_unstable();
    assert_eq!(purposes, ["check", "sync", "tool_call"]);
    assert!(entries.iter().all(|entry| entry.outcome == AuditOutcome::Succeeded));
}

#[tokio::test]
async fn wrapping_again_touches_data_keys_alone() {
    let plane = Plane::start().await;
    let install = installs(&plane, 1).await.remove(0);
    let before = sealed(&plane.store, plane.tenant).await;
    let done = plane.control.rewrap_data_keys(&plane.owner).await.expect("wrapped again");
    assert_eq!(done.keys, 1);
    assert_eq!(sealed(&plane.store, plane.tenant).await, before);
    opens(&plane, &install).await.expect("it opens");
}

#[tokio::test]
async fn only_who_holds_the_permission_turns_keys_over() {
    let plane = Plane::start().await;
    for role in [Role::Viewer, Role::Member, Role::Auditor, Role::ConnectorManager] {
        let member = plane.member(role).await;
        let control: &Control = &plane.control;
        assert!(matches!(control.rotate_data_key(&member).await, Err(Error::Denied(_))));
        assert!(matches!(control.rewrap_data_keys(&member).await, Err(Error::Denied(_))));
        assert!(matches!(control.key_ring(&member).await, Err(Error::Denied(_))));
    }
}
