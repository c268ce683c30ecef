//! Installs, their credentials, endpoints and members.

use domain::{
    Classification, CredentialId, EndpointId, InstallId, InstallStatus, MembershipId, PageArgs,
    Role,
    authz::permission::{CredentialOpen, InstallRead, InstallWrite},
};
use serde_json::json;
use store::{EndpointChange, Error, InstallChange, NewCredential, NewEndpoint, NewMember};

use crate::bench::{at, data_key, granted, new_install, on_both};

fn no_change() -> InstallChange {
    InstallChange {
        display_name: None,
        config: None,
        status: None,
        sync_interval_seconds: None,
        classification: None,
        updated_at: at(10),
    }
}

#[tokio::test]
async fn new_install_comes_back_as_it_was_given() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = bench.install(acme, "docs").await;
        let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
        let install = tx.installs().lookup(&granted(acme), id).await.expect("install");
        assert_eq!(install.alias, "docs");
        assert_eq!(install.config, json!({ "root": "/srv/docs" }));
        assert_eq!(install.status, InstallStatus::Active);
        assert_eq!((install.version, install.record_count, install.has_credential), (1, 0, false));
        let found = tx.installs().find_by_alias(&granted(acme), "docs").await.expect("find");
        assert_eq!(found, Some(install));
        assert_eq!(tx.installs().find_by_alias(&granted(acme), "d\0cs").await.expect("find"), None);
    })
    .await;
}

#[tokio::test]
async fn alias_is_unique_in_a_tenant_and_free_in_another() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        bench.install(acme, "docs").await;
        bench.install(other, "docs").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let taken = tx.installs().create(&granted(acme), new_install("docs")).await;
        assert!(matches!(taken, Err(Error::Conflict { field: "alias" })), "{taken:?}");
    })
    .await;
}

#[tokio::test]
async fn change_counts_the_version_and_a_stale_one_is_refused() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = bench.install(acme, "docs").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let change = InstallChange {
            display_name: Some("Handbook".to_owned()),
            config: Some(json!({ "root": "/srv/handbook" })),
            status: Some(InstallStatus::Paused),
            sync_interval_seconds: Some(None),
            ..no_change()
        };
        let changed =
            tx.installs().update(&granted(acme), id, Some(1), change).await.expect("update");
        assert_eq!(changed.version, 2);
        assert_eq!(changed.display_name, "Handbook");
        assert_eq!(changed.config, json!({ "root": "/srv/handbook" }));
        assert_eq!((changed.status, changed.sync_interval_seconds), (InstallStatus::Paused, None));
        assert!(changed.updated_at > changed.created_at);
        let stale = tx.installs().update(&granted(acme), id, Some(1), no_change()).await;
        assert!(matches!(stale, Err(Error::Stale)), "{stale:?}");
        let forced = tx.installs().update(&granted(acme), id, None, no_change()).await;
        assert_eq!(forced.expect("without expectation").version, 3);
    })
    .await;
}

#[tokio::test]
async fn install_of_another_tenant_is_not_found_by_any_verb() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let id = bench.install(acme, "docs").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(other)).await.expect("begin");
        let installs = tx.installs();
        let g = other;
        assert!(matches!(installs.lookup(&granted(g), id).await, Err(Error::NotFound)));
        assert!(installs.lookup_many(&granted(g), &[id]).await.expect("many").is_empty());
        assert!(installs.find_by_alias(&granted(g), "docs").await.expect("find").is_none());
        assert!(installs.list_active(&granted(g)).await.expect("list").is_empty());
        assert!(installs.list(&granted(g), &PageArgs::all()).await.expect("list").items.is_empty());
        let update = installs.update(&granted(g), id, None, no_change()).await;
        assert!(matches!(update, Err(Error::NotFound)), "{update:?}");
        let update = installs.update(&granted(g), id, Some(99), no_change()).await;
        assert!(matches!(update, Err(Error::NotFound)), "not Stale: {update:?}");
        assert!(matches!(installs.remove(&granted(g), id).await, Err(Error::NotFound)));
        assert!(matches!(installs.sync_state(&granted(g), id).await, Err(Error::NotFound)));
        let synced = installs.set_synced(&granted(g), id, at(1), None).await;
        assert!(matches!(synced, Err(Error::NotFound)));
        assert!(matches!(installs.mark_reauth(&granted(g), id).await, Err(Error::NotFound)));
        let credential = NewCredential {
            id: CredentialId::generate(),
            install: id,
            version: 1,
            sealed: vec![1],
        };
        let put = tx.credentials().put(&granted(g), credential).await;
        assert!(matches!(put, Err(Error::NotFound)), "{put:?}");
        drop(tx);
        let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
        assert_eq!(tx.installs().lookup(&granted(acme), id).await.expect("untouched").version, 1);
    })
    .await;
}

#[tokio::test]
async fn pages_of_installs_are_stable_under_inserts_and_removals() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(bench.install(acme, &format!("i{number}")).await);
        }
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let args = PageArgs::new(2, None).expect("size");
        let first = tx.installs().list(&granted(acme), &args).await.expect("first");
        assert!(first.has_next);
        let cursor = first.items.last().map(|(cursor, _)| cursor.clone());
        // What is inserted at the end and removed before the cursor shifts nothing.
        tx.installs().create(&granted(acme), new_install("late")).await.expect("insert");
        tx.installs().remove(&granted(acme), ids[0]).await.expect("remove");
        let args = PageArgs::new(3, cursor).expect("size");
        let second = tx.installs().list(&granted(acme), &args).await.expect("second");
        let seen: Vec<InstallId> = second.items.iter().map(|(_, install)| install.id).collect();
        assert_eq!(seen, ids[2..5]);
        assert!(second.has_next, "the late one follows");
        let bad = PageArgs::new(1, Some("no cursor".to_owned())).expect("size");
        let refused = tx.installs().list(&granted(acme), &bad).await;
        assert!(matches!(refused, Err(Error::InvalidCursor)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn install_that_needs_a_new_credential_is_not_active() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let refused = bench.install(acme, "refused").await;
        let other = bench.install(acme, "other").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        tx.installs().mark_reauth(&granted(acme), refused).await.expect("mark");
        let active = tx.installs().list_active(&granted(acme)).await.expect("list");
        assert_eq!(active.iter().map(|install| install.id).collect::<Vec<_>>(), [other]);
    })
    .await;
}

#[tokio::test]
async fn new_settings_make_the_next_sync_begin_from_nothing() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = bench.install(acme, "docs").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let installs = tx.installs();
        let left = Some(json!({ "since": "yesterday" }));
        installs.set_synced(&granted(acme), id, at(0), left.clone()).await.expect("synced");
        let renamed = InstallChange { display_name: Some("Docs".to_owned()), ..no_change() };
        installs.update(&granted(acme), id, None, renamed).await.expect("update");
        assert_eq!(installs.sync_state(&granted(acme), id).await.expect("state"), left);
        let moved = InstallChange { config: Some(json!({ "root": "/other" })), ..no_change() };
        let moved = installs.update(&granted(acme), id, None, moved).await.expect("update");
        assert_eq!(installs.sync_state(&granted(acme), id).await.expect("state"), None);
        assert!(moved.last_synced_at.is_some(), "it was synced, with other settings");
    })
    .await;
}

#[tokio::test]
async fn new_credential_takes_the_place_of_the_old_one() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let install = bench.install(acme, "docs").await;
        let tx = bench.store.begin(&granted::<CredentialOpen>(acme)).await.expect("begin");
        for version in 1..=2_u8 {
            let id = CredentialId::generate();
            let sealed = vec![version; 40];
            let new =
                NewCredential { id, install, version: version.into(), sealed: sealed.clone() };
            tx.credentials().put(&granted(acme), new).await.expect("put");
            let stored = tx.credentials().open(&granted(acme), install).await.expect("open");
            let stored = stored.expect("there is one");
            assert_eq!((stored.id, stored.version, stored.sealed), (id, version.into(), sealed));
            assert!(stored.created_at.timestamp() > 1_700_000_000, "{}", stored.created_at);
        }
        assert!(
            tx.installs().lookup(&granted(acme), install).await.expect("install").has_credential
        );
        tx.commit().await.expect("commit");
        let tx = bench.store.read(&granted::<CredentialOpen>(other)).await.expect("read");
        assert_eq!(tx.credentials().open(&granted(other), install).await.expect("open"), None);
    })
    .await;
}

#[tokio::test]
async fn version_of_a_data_key_is_made_once() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let tx = bench.store.begin(&granted::<CredentialOpen>(acme)).await.expect("begin");
        assert_eq!(tx.data_keys().find(&granted(acme), 1).await.expect("find"), None);
        tx.data_keys().create(&granted(acme), data_key(&[1, 2, 3])).await.expect("create");
        tx.commit().await.expect("commit");
        let tx = bench.store.begin(&granted::<CredentialOpen>(acme)).await.expect("begin");
        let found = tx.data_keys().find(&granted(acme), 1).await.expect("find");
        assert_eq!(found.map(|key| key.wrapped), Some(vec![1, 2, 3]));
        let second = tx.data_keys().create(&granted(acme), data_key(&[4])).await;
        assert!(matches!(second, Err(Error::Conflict { field: "data_key" })), "{second:?}");
        drop(tx);
        let tx = bench.store.read(&granted::<CredentialOpen>(other)).await.expect("read");
        assert_eq!(tx.data_keys().find(&granted(other), 1).await.expect("find"), None);
    })
    .await;
}

#[tokio::test]
async fn endpoint_is_listed_changed_and_hidden_from_another_tenant() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let new = NewEndpoint {
            id: EndpointId::generate(),
            slug: "mcp".to_owned(),
            name: "Main".to_owned(),
            instructions: Some("Search first.".to_owned()),
            created_at: at(0),
        };
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let made = tx.endpoints().create(&granted(acme), new.clone()).await.expect("create");
        let listed = tx.endpoints().list(&granted(acme)).await.expect("list");
        assert_eq!(listed, std::slice::from_ref(&made));
        let change =
            EndpointChange { name: Some("Everything".to_owned()), instructions: Some(None) };
        let changed = tx.endpoints().update(&granted(acme), made.id, change).await.expect("update");
        assert_eq!((changed.name.as_str(), changed.instructions.as_ref()), ("Everything", None));
        tx.commit().await.expect("commit");

        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let again = NewEndpoint { id: EndpointId::generate(), ..new };
        let taken = tx.endpoints().create(&granted(acme), again).await;
        assert!(matches!(taken, Err(Error::Conflict { field: "slug" })), "{taken:?}");
        drop(tx);

        let tx = bench.store.begin(&granted::<InstallWrite>(other)).await.expect("begin");
        assert!(tx.endpoints().list(&granted(other)).await.expect("list").is_empty());
        let lookup = tx.endpoints().lookup(&granted(other), made.id).await;
        assert!(matches!(lookup, Err(Error::NotFound)));
        let change = EndpointChange { name: Some("Mine".to_owned()), instructions: None };
        let update = tx.endpoints().update(&granted(other), made.id, change).await;
        assert!(matches!(update, Err(Error::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn member_is_listed_with_the_person_and_hidden_from_another_tenant() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let user = bench.user("ada@acme.example").await;
        let new = NewMember {
            id: MembershipId::generate(),
            user,
            role: Role::Admin,
            clearance: Classification::Internal,
            created_at: at(0),
        };
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let made = tx.members().create(&granted(acme), new.clone()).await.expect("create");
        let page = tx.members().list(&granted(acme), &PageArgs::all()).await.expect("list");
        let (member, person) = page.into_items().next().expect("one");
        assert_eq!((&member, person.email.as_str()), (&made, "ada@acme.example"));
        let found = tx.members().find(&granted(acme), user).await.expect("find");
        assert_eq!(found.map(|member| member.role), Some(Role::Admin));
        let changed = tx.members().update(&granted(acme), made.id, Role::Viewer).await;
        assert_eq!(changed.expect("update").role, Role::Viewer);
        tx.commit().await.expect("commit");

        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let again = NewMember { id: MembershipId::generate(), ..new };
        let twice = tx.members().create(&granted(acme), again).await;
        assert!(matches!(twice, Err(Error::Conflict { field: "user" })), "{twice:?}");
        drop(tx);

        let tx = bench.store.begin(&granted::<InstallWrite>(other)).await.expect("begin");
        assert_eq!(tx.members().find(&granted(other), user).await.expect("find"), None);
        let update = tx.members().update(&granted(other), made.id, Role::Owner).await;
        assert!(matches!(update, Err(Error::NotFound)));
        let remove = tx.members().remove(&granted(other), made.id).await;
        assert!(matches!(remove, Err(Error::NotFound)));
        drop(tx);

        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        tx.members().remove(&granted(acme), made.id).await.expect("remove");
        assert_eq!(tx.members().find(&granted(acme), user).await.expect("find"), None);
    })
    .await;
}
