//! Another organisation's ids answer exactly like ids that do not exist.

use control::{CreateApiKey, Error, SearchRecords, UpdateInstall};
use domain::{ApiKeyId, AuditId, Install, InstallId, OpCtx, PageArgs, RecordId, Role, RunId};
use serde_json::json;

use crate::plane::Plane;

/// Ids that exist, in the organisation of the plane's owner.
struct Ids {
    install: InstallId,
    run: RunId,
    record: RecordId,
    key: ApiKeyId,
    audit: AuditId,
}

async fn ids(plane: &Plane, install: &Install) -> Ids {
    let control = &plane.control;
    let records = control.list_records(&plane.owner, Some(install.id), PageArgs::all()).await;
    let record = records.expect("records").into_items().next().expect("a record").id;
    let run = control.latest_runs(&plane.owner, &[install.id]).await.expect("runs").remove(0).id;
    let audit = plane.audit("install.create").await.remove(0).id;
    Ids { install: install.id, run, record, key: plane.key(Role::Member, None).await.key.id, audit }
}

/// Every use-case that takes an id, with the name for the report.
async fn answers(plane: &Plane, ctx: &OpCtx, ids: &Ids) -> Vec<(&'static str, Result<(), Error>)> {
    let control = &plane.control;
    let (install, none) = (ids.install, json!({}));
    let rename = UpdateInstall { display_name: Some("x".to_owned()), ..UpdateInstall::default() };
    let search = SearchRecords { query: "x".to_owned(), install: Some(install), first: 1 };
    let all = PageArgs::all;
    vec![
        ("lookup_install", control.lookup_install(ctx, install).await.map(drop)),
        ("update_install", control.update_install(ctx, install, rename).await.map(drop)),
        ("start_sync", control.start_sync(ctx, install).await.map(drop)),
        ("cancel_sync", control.cancel_sync(ctx, ids.run).await.map(drop)),
        ("list_runs", control.list_runs(ctx, install, all()).await.map(drop)),
        ("lookup_run", control.lookup_run(ctx, ids.run).await.map(drop)),
        ("watch_run", control.watch_run(ctx, install).await.map(drop)),
        ("search_records", control.search_records(ctx, search).await.map(drop)),
        ("lookup_record", control.lookup_record(ctx, ids.record).await.map(drop)),
        ("find_record", control.find_record(ctx, install, "items", "item-0000").await.map(drop)),
        ("list_records", control.list_records(ctx, Some(install), all()).await.map(drop)),
        ("revoke_api_key", control.revoke_api_key(ctx, ids.key).await.map(drop)),
        ("lookup_audit", control.lookup_audit(ctx, ids.audit).await.map(drop)),
        ("call_tool", control.call_tool(ctx, install, "echo", &none).await.map(drop)),
        ("remote_bearer", control.remote_bearer(ctx, install).await.map(drop)),
        ("report_refused_bearer", control.report_refused_bearer(ctx, install).await),
        ("remove_install", control.remove_install(ctx, install).await),
    ]
}

#[tokio::test]
async fn ids_of_another_organisation_are_not_found() {
    nothing_of_another_organisation(&Plane::start().await).await;
}

/// Also run on PostgreSQL.
pub(crate) async fn nothing_of_another_organisation(plane: &Plane) {
    let install = plane.synced().await;
    let ids = ids(plane, &install).await;
    let stranger = plane.stranger().await;
    for (use_case, answer) in answers(plane, &stranger, &ids).await {
        assert!(matches!(answer, Err(Error::NotFound)), "{use_case}: {answer:?}");
    }
    let made_up = Ids {
        install: InstallId::generate(),
        run: RunId::generate(),
        record: RecordId::generate(),
        key: ApiKeyId::generate(),
        audit: AuditId::generate(),
    };
    for (use_case, answer) in answers(plane, &plane.owner, &made_up).await {
        assert!(matches!(answer, Err(Error::NotFound)), "made up, {use_case}: {answer:?}");
    }
    let untouched = plane.control.lookup_install(&plane.owner, install.id).await.expect("there");
    assert_eq!(untouched, install);
    // The same calls succeed for whom they belong to: the refusals above are about the caller alone.
    for (use_case, answer) in answers(plane, &plane.owner, &ids).await {
        let expected = match use_case {
            // It has no credential to give, and the report hides it from the calls that follow.
            "remove_install" | "report_refused_bearer" => answer.is_ok(),
            _ => !matches!(answer, Err(Error::NotFound)),
        };
        assert!(expected, "own, {use_case}: {answer:?}");
    }
}

#[tokio::test]
async fn lists_hold_only_what_is_ones_own() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    plane.key(Role::Member, None).await;
    let stranger = plane.stranger().await;
    let control = &plane.control;
    let all = PageArgs::all;
    assert!(control.list_installs(&stranger, all()).await.expect("a list").items.is_empty());
    assert!(control.list_records(&stranger, None, all()).await.expect("a list").items.is_empty());
    assert!(control.list_api_keys(&stranger, all()).await.expect("a list").items.is_empty());
    assert!(control.lookup_installs(&stranger, &[install.id]).await.expect("a list").is_empty());
    assert!(control.latest_runs(&stranger, &[install.id]).await.expect("a list").is_empty());
    let members = control.list_members(&stranger, all()).await.expect("a list");
    let emails: Vec<_> = members.into_items().map(|(_, user)| user.email).collect();
    assert_eq!(emails, ["owner@globex.test"]);
    let search = SearchRecords { query: "plain".to_owned(), install: None, first: 10 };
    assert!(control.search_records(&stranger, search).await.expect("a list").is_empty());
    let audit = control.list_audit(&stranger, control::AuditFilter::default(), all()).await;
    assert!(audit.expect("a list").into_items().all(|entry| entry.tenant == stranger.tenant()));
}

#[tokio::test]
async fn key_of_one_organisation_is_not_limited_to_installs_of_another() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let stranger = plane.stranger().await;
    let command = CreateApiKey {
        name: "Key".to_owned(),
        role: Role::Member,
        installs: Some(vec![install.id]),
        expires_in_days: None,
    };
    let refused = plane.control.create_api_key(&stranger, command).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}
