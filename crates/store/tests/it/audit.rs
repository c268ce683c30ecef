//! The audit log.

use domain::{
    AuditId, PageArgs,
    authz::permission::{AuditRead, AuditWrite},
};
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};
use serde_json::json;
use store::{AuditFilter, Error, NewAudit};

use crate::{
    bench::{Bench, granted, on_both, raw},
    isolation::{entry, furnished},
};

fn action(name: &str) -> AuditFilter {
    AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() }
}

#[tokio::test]
async fn entries_are_listed_newest_first_and_by_action() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
        let actions = ["install.create", "install.remove", "installer.start", "api_key.create"];
        let entries = actions.map(|action| NewAudit {
            detail: json!({ "note": "a\0b" }),
            target: Some("install:x\0".to_owned()),
            ..entry(action)
        });
        tx.audit().append_many(&granted(acme), entries.to_vec()).await.expect("append");
        tx.commit().await.expect("commit");
        let tx = bench.store.read(&granted::<AuditRead>(acme)).await.expect("read");
        let list = async |filter| {
            let page = tx.audit().list(&granted(acme), filter, &PageArgs::all()).await;
            page.expect("list").into_items().map(|entry| entry.action).collect::<Vec<_>>()
        };
        let mut newest_first = actions;
        newest_first.reverse();
        assert_eq!(list(AuditFilter::default()).await, newest_first);
        assert_eq!(list(action("install")).await, ["install.remove", "install.create"]);
        assert_eq!(list(action("install.create")).await, ["install.create"]);
        assert_eq!(list(action("api%key")).await, Vec::<String>::new());
        let one = tx.audit().lookup(&granted(acme), entries[0].id).await.expect("lookup");
        assert_eq!(one.detail, json!({ "note": "ab" }));
        assert_eq!(one.target.as_deref(), Some("install:x"));
    })
    .await;
}

#[tokio::test]
async fn many_entries_are_written_at_once_and_read_in_pages() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
        let entries = (0..1200).map(|number| entry(&format!("mcp.call_{number}"))).collect();
        tx.audit().append_many(&granted(acme), entries).await.expect("append");
        tx.audit().append_many(&granted(acme), Vec::new()).await.expect("nothing to append");
        tx.commit().await.expect("commit");
        let tx = bench.store.read(&granted::<AuditRead>(acme)).await.expect("read");
        let (mut after, mut seen) = (None, 0);
        loop {
            let args = PageArgs::new(100, after).expect("size");
            let filter = AuditFilter::default();
            let page = tx.audit().list(&granted(acme), filter, &args).await.expect("list");
            seen += page.items.len();
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            if !page.has_next {
                break;
            }
        }
        assert_eq!(seen, 1200);
    })
    .await;
}

#[tokio::test]
async fn entry_of_another_tenant_is_not_found() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let new = entry("install.create");
        let id: AuditId = new.id;
        let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
        tx.audit().append(&granted(acme), new).await.expect("append");
        tx.commit().await.expect("commit");
        let tx = bench.store.read(&granted::<AuditRead>(other)).await.expect("read");
        assert!(matches!(tx.audit().lookup(&granted(other), id).await, Err(Error::NotFound)));
        let filter = AuditFilter::default();
        let page = tx.audit().list(&granted(other), filter, &PageArgs::all()).await;
        assert!(page.expect("list").items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn entry_cannot_be_changed_even_by_raw_sql() {
    on_both(async |bench| {
        let acme = furnished(bench, "acme").await;
        let url = bench.owner_url.as_ref().unwrap_or(&bench.url);
        let db = raw(url).await;
        let tx = db.begin().await.expect("begin");
        if bench.backend == DbBackend::Postgres {
            let set = format!("select set_config('app.tenant', '{}', true)", acme.uuid());
            tx.execute_unprepared(&set).await.expect("set tenant");
        }
        let error = tx.execute_unprepared("update audit_events set actor = 'nobody'").await;
        let error = error.expect_err("refused, also to the owner").to_string();
        assert!(error.contains("audit events are never changed"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn runtime_role_cannot_remove_an_entry_even_if_it_is_granted_it() {
    let bench = Bench::postgres().await;
    let acme = furnished(&bench, "acme").await;
    let set = format!("select set_config('app.tenant', '{}', true)", acme.uuid());
    let remove = async || {
        let db = bench.raw().await;
        let tx = db.begin().await.expect("begin");
        tx.execute_unprepared(&set).await.expect("set tenant");
        tx.execute_unprepared("delete from audit_events").await.expect_err("refused").to_string()
    };
    assert!(remove().await.contains("permission denied"));
    let owner = raw(bench.owner_url.as_ref().expect("owner")).await;
    let role = bench.runtime_role.as_ref().expect("role");
    let grant = format!("grant update, delete on audit_events to \"{role}\"");
    owner.execute_unprepared(&grant).await.expect("grant");
    assert!(remove().await.contains("audit events are never changed"));
}

#[tokio::test]
async fn end_of_a_tenant_takes_its_audit_log_and_everything_else_along() {
    on_both(async |bench| {
        let (acme, other) = (furnished(bench, "acme").await, furnished(bench, "other").await);
        let db = bench.raw().await;
        let sql = match bench.backend {
            DbBackend::Postgres => format!("delete from tenants where id = '{}'", acme.uuid()),
            _ => format!("delete from tenants where id = x'{}'", acme.uuid().simple()),
        };
        let removed = db.execute_unprepared(&sql).await.expect("delete").rows_affected();
        assert_eq!(removed, 1);
        for (tenant, left) in [(acme, 0), (other, 1)] {
            let tx = bench.store.read(&granted::<AuditRead>(tenant)).await.expect("read");
            let filter = AuditFilter::default();
            let page = tx.audit().list(&granted(tenant), filter, &PageArgs::all()).await;
            assert_eq!(page.expect("list").items.len(), left);
            let installs = tx.installs().list(&granted(tenant), &PageArgs::all()).await;
            assert_eq!(installs.expect("list").items.len(), left);
        }
    })
    .await;
}
