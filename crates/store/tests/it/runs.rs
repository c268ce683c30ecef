//! Sync runs.

use domain::{
    PageArgs, RunId, RunState,
    authz::permission::{InstallRead, RecordWrite},
};
use serde_json::json;
use store::{Error, NewRun, Progress};

use crate::bench::{at, document, granted, on_both};

fn page(cursor: i64) -> Progress {
    Progress {
        pages: 1,
        upserted: 2,
        deleted: 1,
        total: Some(10),
        cursor: Some(json!({ "after": cursor })),
    }
}

#[tokio::test]
async fn run_goes_on_after_a_crash_at_its_last_committed_cursor() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let run = bench.run(acme, install).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let started = tx.runs().start(&granted(acme), run, 1, at(1)).await.expect("start");
        assert_eq!((started.state, started.attempt), (RunState::Running, 1));
        let documents = [document("a", "A", "first page")];
        tx.records().upsert_page(&granted(acme), install, run, &documents).await.expect("page");
        tx.runs().advance(&granted(acme), run, page(1)).await.expect("advance");
        tx.commit().await.expect("commit");

        // The second page is cut off before its commit: neither its records nor its cursor last.
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let documents = [document("b", "B", "second page")];
        tx.records().upsert_page(&granted(acme), install, run, &documents).await.expect("page");
        tx.runs().advance(&granted(acme), run, page(2)).await.expect("advance");
        drop(tx);

        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let again = tx.runs().start(&granted(acme), run, 2, at(9)).await.expect("start again");
        assert_eq!(again.cursor, Some(json!({ "after": 1 })));
        assert_eq!((again.pages, again.records_upserted, again.records_deleted), (1, 2, 1));
        assert_eq!((again.records_total, again.attempt), (Some(10), 2));
        assert_eq!(again.started_at, started.started_at, "the first start counts");
        assert_eq!(tx.records().count(&granted(acme), &[install]).await.expect("count"), 1);
    })
    .await;
}

#[tokio::test]
async fn late_start_of_an_earlier_attempt_takes_nothing_over() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let run = bench.run(acme, install).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let second = tx.runs().start(&granted(acme), run, 2, at(1)).await.expect("start");
        for late in [1, 2] {
            let refused = tx.runs().start(&granted(acme), run, late, at(2)).await;
            assert!(matches!(refused, Err(Error::Conflict { field: "state" })), "{refused:?}");
        }
        assert_eq!(tx.runs().lookup(&granted(acme), run).await.expect("lookup"), second);
    })
    .await;
}

#[tokio::test]
async fn install_has_one_unfinished_run() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let run = bench.run(acme, install).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let second = NewRun { id: RunId::generate(), install, created_at: at(1) };
        let refused = tx.runs().create(&granted(acme), second).await;
        assert!(matches!(refused, Err(Error::Conflict { field: "run" })), "{refused:?}");
        drop(tx);
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let found = tx.runs().find_unfinished(&granted(acme), install).await.expect("find");
        assert_eq!(found.map(|run| run.id), Some(run));
        tx.runs()
            .finish(&granted(acme), run, RunState::Succeeded, None, at(2))
            .await
            .expect("finish");
        let found = tx.runs().find_unfinished(&granted(acme), install).await.expect("find");
        assert_eq!(found, None);
        tx.commit().await.expect("commit");
        bench.run(acme, install).await;
    })
    .await;
}

#[tokio::test]
async fn finished_run_does_not_change_any_more() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let run = bench.run(acme, install).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let retrying = tx
            .runs()
            .finish(&granted(acme), run, RunState::Retrying, Some("busy\0".to_owned()), at(2))
            .await
            .expect("retry");
        assert_eq!((retrying.finished_at, retrying.error.as_deref()), (None, Some("busy")));
        let started = tx.runs().start(&granted(acme), run, 2, at(3)).await.expect("next try");
        assert_eq!(started.error, None);
        let cancel = tx.runs().request_cancel(&granted(acme), run).await.expect("cancel");
        assert!(cancel.cancel_requested);
        let ended = tx
            .runs()
            .finish(&granted(acme), run, RunState::Cancelled, None, at(4))
            .await
            .expect("finish");
        assert!(ended.finished_at.is_some());
        let late = tx.runs().advance(&granted(acme), run, page(1)).await;
        assert!(matches!(late, Err(Error::Conflict { field: "state" })), "{late:?}");
        let late = tx.runs().finish(&granted(acme), run, RunState::Failed, None, at(5)).await;
        assert!(matches!(late, Err(Error::Conflict { field: "state" })), "{late:?}");
        let after = tx.runs().lookup(&granted(acme), run).await.expect("lookup");
        assert_eq!(after, ended);
    })
    .await;
}

#[tokio::test]
async fn latest_run_of_each_install_is_the_newest() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let (docs, wiki) = (bench.install(acme, "docs").await, bench.install(acme, "wiki").await);
        let idle = bench.install(acme, "idle").await;
        let mut newest = None;
        for _ in 0..3 {
            let run = bench.run(acme, docs).await;
            let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
            let ended = tx.runs().finish(&granted(acme), run, RunState::Failed, None, at(1)).await;
            ended.expect("finish");
            tx.commit().await.expect("commit");
            newest = Some(run);
        }
        let other = bench.run(acme, wiki).await;
        let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
        let latest = tx.runs().latest(&granted(acme), &[docs, wiki, idle]).await.expect("latest");
        let mut ids: Vec<RunId> = latest.iter().map(|run| run.id).collect();
        ids.sort();
        assert_eq!(ids, [newest.expect("three runs"), other]);
        assert!(tx.runs().latest(&granted(acme), &[]).await.expect("latest").is_empty());
        let listed = tx.runs().list(&granted(acme), docs, &PageArgs::all()).await.expect("list");
        let listed: Vec<RunId> = listed.into_items().map(|run| run.id).collect();
        assert_eq!((listed.len(), listed.first()), (3, newest.as_ref()), "newest first");
    })
    .await;
}

#[tokio::test]
async fn run_of_another_tenant_is_not_found_by_any_verb() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let install = bench.install(acme, "docs").await;
        let run = bench.run(acme, install).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(other)).await.expect("begin");
        let runs = tx.runs();
        assert!(matches!(runs.lookup(&granted(other), run).await, Err(Error::NotFound)));
        assert!(matches!(runs.request_cancel(&granted(other), run).await, Err(Error::NotFound)));
        assert!(matches!(runs.start(&granted(other), run, 1, at(1)).await, Err(Error::NotFound)));
        let advance = runs.advance(&granted(other), run, page(1)).await;
        assert!(matches!(advance, Err(Error::NotFound)), "{advance:?}");
        let finish = runs.finish(&granted(other), run, RunState::Failed, None, at(1)).await;
        assert!(matches!(finish, Err(Error::NotFound)), "{finish:?}");
        assert!(runs.latest(&granted(other), &[install]).await.expect("latest").is_empty());
        assert_eq!(runs.find_unfinished(&granted(other), install).await.expect("find"), None);
        let listed = runs.list(&granted(other), install, &PageArgs::all()).await.expect("list");
        assert!(listed.items.is_empty());
        let new = NewRun { id: RunId::generate(), install, created_at: at(1) };
        let create = runs.create(&granted(other), new).await;
        assert!(matches!(create, Err(Error::NotFound)), "{create:?}");
    })
    .await;
}
