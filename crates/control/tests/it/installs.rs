//! Installing, changing and removing connectors.

use control::{CheckConnection, Error, InstallConnector, UpdateInstall};
use domain::{InstallStatus, OpCtx, PageArgs, Role, RunState};
use serde_json::json;

use crate::plane::{Plane, fake_install};

fn files(plane: &Plane, root: &str) -> InstallConnector {
    InstallConnector {
        connector: "files".to_owned(),
        display_name: "Handbook".to_owned(),
        alias: Some("handbook".to_owned()),
        config: json!({ "root": plane.documents().join(root) }),
        credential: None,
        sync_interval_seconds: Some(300),
    }
}

async fn count(plane: &Plane, ctx: &OpCtx) -> usize {
    let page = plane.control.list_installs(ctx, PageArgs::all()).await.expect("installs");
    page.into_items().count()
}

#[tokio::test]
async fn files_are_installed_synced_and_found() {
    let plane = Plane::start().await;
    std::fs::write(plane.documents().join("leave.md"), "# Holidays\n\nThirty days of vacation.")
        .expect("a file");
    std::fs::write(plane.documents().join("pay.txt"), "Salaries are paid on the 25th.")
        .expect("a file");
    let installed = plane.install_with(files(&plane, "")).await;
    assert_eq!(installed.install.alias, "handbook");
    assert_eq!(plane.run_of(&installed).await.state, RunState::Queued);
    plane.work().await;
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.records_upserted, run.error), (RunState::Succeeded, 2, None));
    let search = control::SearchRecords { query: "vacation".to_owned(), install: None, first: 10 };
    let hits = plane.control.search_records(&plane.owner, search).await.expect("hits");
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].record.external_id, "leave.md");
    let install = plane.control.lookup_install(&plane.owner, installed.install.id).await;
    let install = install.expect("an install");
    assert_eq!(install.record_count, 2);
    assert_eq!(install.last_synced_at, Some(plane.clock.now()));
}

#[tokio::test]
async fn member_cannot_install_and_the_refusal_is_audited() {
    let plane = Plane::start().await;
    for role in [Role::Viewer, Role::Member] {
        let caller = plane.member(role).await;
        let refused = plane.control.install_connector(&caller, fake_install(json!({}), None)).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        plane.assert_refusal_audited("install.create", &caller).await;
    }
    assert_eq!(count(&plane, &plane.owner).await, 0);
}

#[tokio::test]
async fn setting_that_the_schema_refuses_is_named() {
    let plane = Plane::start().await;
    let command = fake_install(json!({ "depth": "deep" }), None);
    let refused = plane.control.install_connector(&plane.owner, command).await;
    let Err(Error::Invalid { field, code, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((field, code), (vec!["config".to_owned(), "depth".to_owned()], "schema"));
    assert_eq!(count(&plane, &plane.owner).await, 0);
}

#[tokio::test]
async fn settings_that_the_source_refuses_are_not_stored() {
    let plane = Plane::start().await;
    let command = fake_install(json!({ "host": "unreachable.test" }), None);
    let refused = plane.control.install_connector(&plane.owner, command).await;
    let Err(Error::Upstream { connector, message, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(
        (connector.as_str(), message.as_str()),
        ("fake", "Connect: there is no way to the host")
    );
    let outside = InstallConnector { config: json!({ "root": "/etc" }), ..files(&plane, "") };
    let refused = plane.control.install_connector(&plane.owner, outside).await;
    assert!(matches!(refused, Err(Error::Upstream { .. } | Error::Invalid { .. })), "{refused:?}");
    assert_eq!(count(&plane, &plane.owner).await, 0);
    assert!(plane.claim("worker").await.is_none(), "nothing half-written");
}

#[tokio::test]
async fn aliases_are_numbered_and_a_taken_one_is_a_conflict() {
    let plane = Plane::start().await;
    assert_eq!(plane.install().await.install.alias, "fake");
    assert_eq!(plane.install().await.install.alias, "fake_2");
    let taken =
        InstallConnector { alias: Some("fake_2".to_owned()), ..fake_install(json!({}), None) };
    let refused = plane.control.install_connector(&plane.owner, taken).await;
    assert!(
        matches!(&refused, Err(Error::Conflict { field, .. }) if field == "alias"),
        "{refused:?}"
    );
    let odd = InstallConnector { alias: Some("No!".to_owned()), ..fake_install(json!({}), None) };
    let refused = plane.control.install_connector(&plane.owner, odd).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == &["alias"]),
        "{refused:?}"
    );
}

#[tokio::test]
async fn change_of_an_old_version_is_a_conflict() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let rename = |name: &str| UpdateInstall {
        display_name: Some(name.to_owned()),
        expected_version: Some(install.version),
        ..UpdateInstall::default()
    };
    let changed = plane.control.update_install(&plane.owner, install.id, rename("First")).await;
    let changed = changed.expect("a change");
    assert_eq!((changed.display_name.as_str(), changed.version), ("First", install.version + 1));
    let late = plane.control.update_install(&plane.owner, install.id, rename("Second")).await;
    assert!(
        matches!(&late, Err(Error::Conflict { field, .. }) if field == "expectedVersion"),
        "{late:?}"
    );
}

#[tokio::test]
async fn stored_credential_is_not_sent_to_another_host() {
    let plane = Plane::start().await;
    let config = json!({ "host": "good.test" });
    let command = fake_install(config, Some(json!({ "bearer_token": "t0ken" })));
    let install = plane.install_with(command).await.install;
    assert!(install.has_credential);
    let redirect =
        UpdateInstall { config: Some(json!({ "host": "evil.test" })), ..UpdateInstall::default() };
    let refused = plane.control.update_install(&plane.owner, install.id, redirect.clone()).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == &["credential"]),
        "{refused:?}"
    );
    let deeper = UpdateInstall {
        config: Some(json!({ "host": "good.test", "depth": 2 })),
        ..UpdateInstall::default()
    };
    plane.control.update_install(&plane.owner, install.id, deeper).await.expect("same host");
    let token = plane.source.token.lock().expect("not poisoned").clone();
    assert_eq!(token.as_deref(), Some("t0ken"), "the stored credential is used for the trial");
    let with_new =
        UpdateInstall { credential: Some(json!({ "bearer_token": "new" }).into()), ..redirect };
    plane.control.update_install(&plane.owner, install.id, with_new).await.expect("a new one");
}

#[tokio::test]
async fn paused_install_is_hidden_from_search_and_does_not_sync() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    let pause = UpdateInstall { status: Some(InstallStatus::Paused), ..UpdateInstall::default() };
    plane.control.update_install(&plane.owner, install.id, pause).await.expect("paused");
    let search = control::SearchRecords { query: "plain".to_owned(), install: None, first: 10 };
    let hits = plane.control.search_records(&plane.owner, search).await.expect("an answer");
    assert!(hits.is_empty());
    let refused = plane.control.start_sync(&plane.owner, install.id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let odd =
        UpdateInstall { status: Some(InstallStatus::NeedsReauth), ..UpdateInstall::default() };
    let refused = plane.control.update_install(&plane.owner, install.id, odd).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn removed_install_takes_everything_with_it() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    plane.control.remove_install(&plane.owner, install.id).await.expect("removed");
    let gone = plane.control.lookup_install(&plane.owner, install.id).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    let records = plane.control.list_records(&plane.owner, None, PageArgs::all()).await;
    assert_eq!(records.expect("records").items.len(), 0);
    let again = plane.control.remove_install(&plane.owner, install.id).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
}

#[tokio::test]
async fn connection_check_reports_and_stores_nothing() {
    let plane = Plane::start().await;
    let check = |host: &str| CheckConnection {
        connector: "fake".to_owned(),
        config: json!({ "host": host }),
        credential: None,
    };
    let good = plane.control.check_connection(&plane.owner, check("good.test")).await;
    assert!(good.expect("a report").is_ok());
    let bad = plane.control.check_connection(&plane.owner, check("unreachable.test")).await;
    assert!(!bad.expect("a report").is_ok());
    let viewer = plane.member(Role::Viewer).await;
    let refused = plane.control.check_connection(&viewer, check("good.test")).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    assert_eq!(count(&plane, &plane.owner).await, 0);
}

#[tokio::test]
async fn interval_must_make_sense() {
    let plane = Plane::start().await;
    let hasty =
        InstallConnector { sync_interval_seconds: Some(1), ..fake_install(json!({}), None) };
    let refused = plane.control.install_connector(&plane.owner, hasty).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == &["syncIntervalSeconds"]),
        "{refused:?}"
    );
}
