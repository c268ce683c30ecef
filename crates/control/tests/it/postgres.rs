//! What depends most on the database, once more on PostgreSQL, under row-level security and the role of the running product.

use control::{Error, SearchRecords};
use domain::{Role, RunState, job::Settle, secret::ExposeSecret};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    audit_chain::signs_verifies_exports_and_cuts,
    invitations::invitation_is_taken_once_by_whom_it_is_for,
    members::{
        of_two_owners_who_go_at_once_one_stays, suspended_and_removed_members_lose_every_way_in,
    },
    plane::{Plane, fake_install},
    roles::role_adds_to_what_its_holders_may,
    sign_in::of_many_who_press_a_link_at_once_one_signs_in,
    syncs::{crash_after_any_page, crash_at_any_moment, lengthen},
    tenancy::nothing_of_another_organisation,
    webhooks::{
        change_is_told_once_signed_and_in_order, many_deliveries_of_one_leave_room_for_another,
    },
};

#[tokio::test]
async fn crash_after_any_page_loses_and_doubles_nothing_on_postgres() {
    crash_after_any_page(&lengthen(Plane::on_postgres().await)).await;
}

#[tokio::test]
async fn crash_at_any_moment_loses_and_doubles_nothing_on_postgres() {
    crash_at_any_moment(&lengthen(Plane::on_postgres().await)).await;
}

#[tokio::test]
async fn link_that_many_press_at_once_works_once_on_postgres() {
    of_many_who_press_a_link_at_once_one_signs_in(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn ids_of_another_organisation_are_not_found_on_postgres() {
    nothing_of_another_organisation(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn change_is_told_once_and_signed_on_postgres() {
    change_is_told_once_signed_and_in_order(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn slow_address_leaves_room_for_another_on_postgres() {
    many_deliveries_of_one_leave_room_for_another(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn an_organisation_works_on_postgres() {
    let plane = Plane::on_postgres().await;
    let control = &plane.control;
    let command = fake_install(json!({}), Some(json!({ "bearer_token": "t0ken" })));
    let installed = plane.install_with(command).await;
    plane.work().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Succeeded);
    let key = plane.key(Role::Member, Some(vec![installed.install.id])).await;
    let caller = plane.caller(&key).await;
    let search = SearchRecords { query: "number1".to_owned(), install: None, first: 10 };
    let hits = control.search_records(&caller, search).await.expect("hits");
    assert_eq!(hits.len(), 1);
    let call = control.call_tool(&caller, installed.install.id, "echo", &json!({})).await;
    assert!(call.is_ok(), "{call:?}");
    let snapshot =
        control.route_snapshot("acme").await.expect("routes").expect("a tenant").snapshot;
    assert!(control.by_route_key(&snapshot, key.secret.expose_secret(), "r").is_some());
    control.revoke_api_key(&plane.owner, key.key.id).await.expect("revoked");
    control.flush_audit().await;
    let after = control.by_api_key(key.secret.expose_secret(), "r").await;
    assert!(matches!(after, Err(Error::Unauthenticated)), "{after:?}");
}

/// Two requests at the same moment both see no unfinished run: the database lets one of them through.
#[tokio::test]
async fn of_many_starts_at_once_one_is_let_through() {
    let plane = Plane::on_postgres().await;
    let install = plane.synced().await;
    let start = || plane.control.start_sync(&plane.owner, install.id);
    let starts = tokio::join!(start(), start(), start(), start());
    let starts = [starts.0, starts.1, starts.2, starts.3];
    let started = starts.iter().filter(|start| start.is_ok()).count();
    let conflicts =
        starts.iter().filter(|start| matches!(start, Err(Error::Conflict { .. }))).count();
    assert_eq!((started, conflicts), (1, 3), "{starts:?}");
}

#[tokio::test]
async fn of_two_owners_who_go_at_once_one_stays_on_postgres() {
    of_two_owners_who_go_at_once_one_stays(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn suspension_and_removal_end_sessions_and_keys_on_postgres() {
    suspended_and_removed_members_lose_every_way_in(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn invitation_is_taken_once_by_whom_it_is_for_on_postgres() {
    invitation_is_taken_once_by_whom_it_is_for(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn role_adds_to_what_its_holders_may_on_postgres() {
    role_adds_to_what_its_holders_may(&Plane::on_postgres().await).await;
}

#[tokio::test]
async fn log_is_signed_verified_exported_and_cut_on_postgres() {
    signs_verifies_exports_and_cuts(&Plane::on_postgres().await).await;
}

/// A worker locks a run and then its install. Who removes the install takes them in the same order, or one of the two would be
/// thrown out by the database.
#[tokio::test]
async fn install_is_removed_whatever_its_worker_is_doing() {
    let plane = lengthen(Plane::on_postgres().await);
    for polls in 0..30 {
        let installed = plane.install().await;
        let job = plane.claim("worker").await.expect("a job");
        let run = plane.control.run_job(&job, CancellationToken::new());
        let remove = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
            plane.control.remove_install(&plane.owner, installed.install.id).await
        };
        let (settle, removed) = tokio::join!(run, remove);
        removed.expect("removed");
        assert_eq!(settle, Settle::Done, "after {polls} polls");
        plane.control.settle_job(job.id, "worker", settle).await.expect("settled");
    }
}
