//! Keys: what they may, what they reach, how they end.

use chrono::TimeDelta;
use control::{CreateApiKey, Error};
use domain::{
    Granted, Membership, OpCtx, PageArgs, Role, SystemReason,
    authz::permission::{MemberRead, MemberWrite},
    secret::ExposeSecret,
};
use serde_json::json;

use crate::plane::{Plane, fake_install, sign_in};

fn command(role: Role) -> CreateApiKey {
    CreateApiKey { name: "Key".to_owned(), role, installs: None, expires_in_days: None }
}

#[tokio::test]
async fn revoked_key_no_longer_opens_anything() {
    let plane = Plane::start().await;
    let key = plane.key(Role::Member, None).await;
    let text = key.secret.expose_secret();
    plane.control.by_api_key(text, "r").await.expect("a caller");
    let revoked = plane.control.revoke_api_key(&plane.owner, key.key.id).await.expect("revoked");
    assert_eq!(revoked.revoked_at, Some(plane.clock.now()));
    let after = plane.control.by_api_key(text, "r").await;
    assert!(matches!(after, Err(Error::Unauthenticated)), "{after:?}");
    let listed = plane.control.list_api_keys(&plane.owner, PageArgs::all()).await.expect("keys");
    assert_eq!(listed.into_items().count(), 1, "it stays in the list");
}

#[tokio::test]
async fn expired_misspelt_and_unknown_keys_are_refused() {
    let plane = Plane::start().await;
    let short = CreateApiKey { expires_in_days: Some(1), ..command(Role::Member) };
    let key = plane.control.create_api_key(&plane.owner, short).await.expect("a key");
    plane.clock.advance(TimeDelta::days(1));
    for text in [key.secret.expose_secret(), "pb_live_nonsense", ""] {
        let refused = plane.control.by_api_key(text, "r").await;
        assert!(matches!(refused, Err(Error::Unauthenticated)), "{text}: {refused:?}");
    }
}

#[tokio::test]
async fn key_never_has_a_higher_role_than_its_maker() {
    let plane = Plane::start().await;
    let user = plane.person(Role::Admin).await;
    let admin = sign_in(&plane.control, plane.tenant, user).await;
    let refused = plane.control.create_api_key(&admin, command(Role::Owner)).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == &["role"]),
        "{refused:?}"
    );
    let key = plane.control.create_api_key(&admin, command(Role::Admin)).await.expect("a key");
    let text = key.secret.expose_secret();
    assert_eq!(
        plane.control.by_api_key(text, "r").await.expect("a caller").access().role,
        Role::Admin
    );

    let reading: Granted<MemberRead> = Granted::system(SystemReason::SetUp, plane.tenant, "test");
    let writing: Granted<MemberWrite> = Granted::system(SystemReason::SetUp, plane.tenant, "test");
    let tx = plane.store.begin(&writing).await.expect("a transaction");
    let membership: Membership =
        tx.members().find(&reading, user).await.expect("an answer").expect("a member");
    tx.members().update(&writing, membership.id, Role::Viewer).await.expect("demoted");
    tx.commit().await.expect("a commit");
    let caller = plane.control.by_api_key(text, "r").await.expect("a caller");
    assert_eq!(caller.access().permissions, Role::Viewer.permissions());
    let snapshot =
        plane.control.route_snapshot("acme").await.expect("routes").expect("a tenant").snapshot;
    let by_route = plane.control.by_route_key(&snapshot, text, "r").expect("a caller");
    assert_eq!(by_route.access(), caller.access());

    let tx = plane.store.begin(&writing).await.expect("a transaction");
    tx.members().remove(&writing, membership.id).await.expect("removed");
    tx.commit().await.expect("a commit");
    let after = plane.control.by_api_key(text, "r").await;
    assert!(matches!(after, Err(Error::Unauthenticated)), "{after:?}");
    let snapshot =
        plane.control.route_snapshot("acme").await.expect("routes").expect("a tenant").snapshot;
    assert!(plane.control.by_route_key(&snapshot, text, "r").is_none());
}

#[tokio::test]
async fn limited_key_sees_its_installs_and_no_others() {
    let plane = Plane::start().await;
    let (mine, other) = (plane.synced().await, plane.synced().await);
    let key = plane.key(Role::Admin, Some(vec![mine.id])).await;
    let caller = plane.caller(&key).await;
    let control = &plane.control;

    let listed = control.list_installs(&caller, PageArgs::all()).await.expect("installs");
    assert_eq!(listed.into_items().map(|install| install.id).collect::<Vec<_>>(), [mine.id]);
    let one_by_one = PageArgs { first: 1, after: None };
    let page = control.list_installs(&caller, one_by_one).await.expect("installs");
    assert_eq!(page.items.len(), 1);
    let several = control.lookup_installs(&caller, &[mine.id, other.id]).await.expect("installs");
    assert_eq!(several.len(), 1);
    let runs = control.latest_runs(&caller, &[mine.id, other.id]).await.expect("runs");
    assert_eq!(runs.len(), 1);
    let search = control::SearchRecords { query: "plain".to_owned(), install: None, first: 100 };
    let hits = control.search_records(&caller, search).await.expect("hits");
    assert!(!hits.is_empty() && hits.iter().all(|hit| hit.record.install == mine.id));
    let records = control.list_records(&caller, None, PageArgs::all()).await.expect("records");
    assert!(records.into_items().all(|record| record.install == mine.id));
    assert_beyond_reach(&plane, &caller, &other).await;
}

async fn assert_beyond_reach(plane: &Plane, caller: &OpCtx, other: &domain::Install) {
    let control = &plane.control;
    let theirs = control.list_records(&plane.owner, Some(other.id), PageArgs::all()).await;
    let record = theirs.expect("records").into_items().next().expect("a record");
    let run = control.latest_runs(&plane.owner, &[other.id]).await.expect("runs").remove(0);
    assert!(matches!(control.lookup_install(caller, other.id).await, Err(Error::NotFound)));
    assert!(matches!(control.lookup_record(caller, record.id).await, Err(Error::NotFound)));
    assert!(matches!(control.lookup_run(caller, run.id).await, Err(Error::NotFound)));
    assert!(matches!(control.cancel_sync(caller, run.id).await, Err(Error::NotFound)));
    assert!(matches!(control.start_sync(caller, other.id).await, Err(Error::NotFound)));
    assert!(matches!(control.remove_install(caller, other.id).await, Err(Error::NotFound)));
    let call = control.call_tool(caller, other.id, "echo", &json!({})).await;
    assert!(matches!(call, Err(Error::NotFound)), "{call:?}");
}

#[tokio::test]
async fn limited_key_cannot_widen_itself() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let key = plane.key(Role::Admin, Some(vec![install.id])).await;
    let caller = plane.caller(&key).await;
    let more = plane.control.create_api_key(&caller, command(Role::Admin)).await;
    assert!(matches!(more, Err(Error::Denied(_))), "{more:?}");
    let more = plane.control.install_connector(&caller, fake_install(json!({}), None)).await;
    assert!(matches!(more, Err(Error::Denied(_))), "{more:?}");
    plane.assert_refusal_audited("install.create", &caller).await;
}

#[tokio::test]
async fn key_is_limited_only_to_installs_that_are_there() {
    let plane = Plane::start().await;
    for installs in [vec![], vec![domain::InstallId::generate()]] {
        let odd = CreateApiKey { installs: Some(installs), ..command(Role::Member) };
        let refused = plane.control.create_api_key(&plane.owner, odd).await;
        assert!(
            matches!(&refused, Err(Error::Invalid { field, .. }) if field == &["installIds"]),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn use_of_a_key_is_noted_later() {
    let plane = Plane::start().await;
    let key = plane.key(Role::Member, None).await;
    plane.caller(&key).await;
    plane.control.flush_audit().await;
    let keys = plane.control.list_api_keys(&plane.owner, PageArgs::all()).await.expect("keys");
    let used = keys.into_items().next().expect("a key").last_used_at;
    assert_eq!(used, Some(plane.clock.now()));
}
