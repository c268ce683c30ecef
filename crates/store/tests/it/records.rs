//! Records: pages, generations, sweeps.

use domain::{
    InstallId, PageArgs, Record, RecordId, RunId, TenantId,
    authz::permission::{RecordRead, RecordWrite},
};
use serde_json::json;
use store::{Counts, Error, NewRecord, RecordKey};

use crate::bench::{Bench, at, document, granted, on_both};

fn key(external_id: &str) -> RecordKey {
    RecordKey { stream: "docs".to_owned(), external_id: external_id.to_owned() }
}

async fn upsert(
    bench: &Bench,
    tenant: TenantId,
    install: InstallId,
    run: RunId,
    page: &[NewRecord],
) -> Counts {
    let tx = bench.store.begin(&granted::<RecordWrite>(tenant)).await.expect("begin");
    let counts = tx.records().upsert_page(&granted(tenant), install, run, page).await;
    tx.commit().await.expect("commit");
    counts.expect("upsert")
}

async fn find(bench: &Bench, tenant: TenantId, install: InstallId, id: &str) -> Option<Record> {
    let tx = bench.store.read(&granted::<RecordRead>(tenant)).await.expect("read");
    tx.records().find(&granted(tenant), install, "docs", id).await.expect("find")
}

async fn record_count(bench: &Bench, tenant: TenantId, install: InstallId) -> (u64, i64) {
    let tx = bench.store.read(&granted::<RecordRead>(tenant)).await.expect("read");
    let counted = tx.records().count(&granted(tenant), &[install]).await.expect("count");
    let kept = tx.installs().lookup(&granted(tenant), install).await.expect("install").record_count;
    (counted, kept)
}

#[tokio::test]
async fn page_inserts_updates_and_leaves_the_unchanged_alone() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let first = [document("a", "A", "one"), document("b", "B", "two")];
        let counts = upsert(bench, acme, install, RunId::generate(), &first).await;
        assert_eq!(counts, Counts { inserted: 2, updated: 0, unchanged: 0 });
        let before = find(bench, acme, install, "a").await.expect("a");
        let later = |new: NewRecord| NewRecord { synced_at: at(100), ..new };
        let second = [
            later(document("a", "A", "one")),
            later(document("b", "B", "changed")),
            later(document("c", "C", "three")),
        ];
        let counts = upsert(bench, acme, install, RunId::generate(), &second).await;
        assert_eq!(counts, Counts { inserted: 1, updated: 1, unchanged: 1 });
        assert_eq!(counts.written(), 2);
        assert_eq!(find(bench, acme, install, "a").await, Some(before), "not written again");
        let changed = find(bench, acme, install, "b").await.expect("b");
        assert_eq!((changed.body.as_str(), changed.id), ("changed", first[1].id), "keeps its id");
        assert_eq!(changed.synced_at.timestamp(), at(100).timestamp());
        assert_eq!(record_count(bench, acme, install).await, (3, 3));
    })
    .await;
}

#[tokio::test]
async fn unchanged_document_is_seen_by_the_sweep() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let elsewhere = bench.install(acme, "wiki").await;
        let (first, second) = (RunId::generate(), RunId::generate());
        let page = ["same", "touched", "gone"].map(|id| document(id, id, "text"));
        upsert(bench, acme, install, first, &page).await;
        upsert(
            bench,
            acme,
            elsewhere,
            first,
            &page.clone().map(|new| NewRecord { id: RecordId::generate(), ..new }),
        )
        .await;
        upsert(bench, acme, install, second, &[page[0].clone(), document("new", "New", "text")])
            .await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let keys = [key("touched"), key("unknown"), key("n\0l")];
        let touched = tx.records().touch(&granted(acme), install, second, &keys).await;
        assert_eq!(touched.expect("touch"), 1);
        let swept = tx.records().sweep(&granted(acme), install, second).await.expect("sweep");
        assert_eq!(swept, 1);
        tx.commit().await.expect("commit");
        assert!(find(bench, acme, install, "gone").await.is_none());
        for left in ["same", "touched", "new"] {
            assert!(find(bench, acme, install, left).await.is_some(), "{left}");
        }
        assert_eq!(record_count(bench, acme, install).await, (3, 3));
        assert_eq!(record_count(bench, acme, elsewhere).await, (3, 3), "another install's stay");
    })
    .await;
}

#[tokio::test]
async fn removed_documents_are_gone_and_counted() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let page: Vec<_> = (0..500).map(|n| document(&format!("d{n}"), "D", "text")).collect();
        assert_eq!(upsert(bench, acme, install, RunId::generate(), &page).await.inserted, 500);
        let keys: Vec<_> = (0..450).map(|n| key(&format!("d{n}"))).chain([key("x")]).collect();
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        let removed = tx.records().remove(&granted(acme), install, &keys).await.expect("remove");
        assert_eq!(removed, 450);
        assert_eq!(tx.records().remove(&granted(acme), install, &[]).await.expect("none"), 0);
        tx.commit().await.expect("commit");
        assert_eq!(record_count(bench, acme, install).await, (50, 50));
    })
    .await;
}

#[tokio::test]
async fn document_twice_in_a_page_counts_once_and_the_last_wins() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let page = [document("a", "A", "early"), document("a", "A", "late")];
        let counts = upsert(bench, acme, install, RunId::generate(), &page).await;
        assert_eq!(counts, Counts { inserted: 1, updated: 0, unchanged: 0 });
        assert_eq!(find(bench, acme, install, "a").await.expect("a").body, "late");
    })
    .await;
}

#[tokio::test]
async fn same_name_in_another_stream_is_another_document() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let page = [
            document("a", "A", "text"),
            NewRecord { stream: "pages".to_owned(), ..document("a", "A", "text") },
        ];
        assert_eq!(upsert(bench, acme, install, RunId::generate(), &page).await.inserted, 2);
        assert_eq!(upsert(bench, acme, install, RunId::generate(), &page).await.unchanged, 2);
    })
    .await;
}

#[tokio::test]
async fn document_with_nul_and_a_very_long_body_is_kept_and_found() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let body = format!("needle\0 {}", "𠀀𠀁 lorem ".repeat(300_000));
        let new = NewRecord {
            metadata: json!({ "k\0ey": "v\0" }),
            url: Some("https://example.com/\0".to_owned()),
            content_hash: "1".to_owned(),
            ..document("nul\0", "T\0itle", &body)
        };
        assert_eq!(
            upsert(bench, acme, install, RunId::generate(), std::slice::from_ref(&new))
                .await
                .inserted,
            1
        );
        assert_eq!(upsert(bench, acme, install, RunId::generate(), &[new]).await.unchanged, 1);
        let stored = find(bench, acme, install, "nul").await.expect("without U+0000");
        assert_eq!((stored.title.as_str(), stored.body.len()), ("Title", body.len() - 1));
        assert_eq!(stored.metadata, json!({ "key": "v" }));
        assert!(find(bench, acme, install, "nul\0").await.is_none());
        assert_eq!(crate::search::ids(bench, acme, "needle").await, ["nul"]);
    })
    .await;
}

#[tokio::test]
async fn pages_of_records_are_stable_under_inserts() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let elsewhere = bench.install(acme, "wiki").await;
        let page: Vec<_> = (0..7).map(|n| document(&format!("d{n}"), "D", "text")).collect();
        bench.write(acme, install, &page).await;
        bench.write(acme, elsewhere, &[document("w", "W", "text")]).await;
        let read = async |first, after| {
            let tx = bench.store.read(&granted::<RecordRead>(acme)).await.expect("read");
            let args = PageArgs::new(first, after).expect("size");
            tx.records().list(&granted(acme), &[install], &args).await.expect("list")
        };
        let first = read(4, None).await;
        let cursor = first.items.last().map(|(cursor, _)| cursor.clone());
        bench.write(acme, install, &[document("late", "L", "text")]).await;
        let second = read(10, cursor).await;
        assert!(first.has_next && !second.has_next);
        let seen: Vec<String> = first
            .into_items()
            .chain(second.into_items())
            .map(|record| record.external_id)
            .collect();
        assert_eq!(seen, ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "late"]);
    })
    .await;
}

#[tokio::test]
async fn record_of_another_tenant_is_not_found_by_any_verb() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let install = bench.install(acme, "docs").await;
        bench.write(acme, install, &[document("a", "Secret", "plans")]).await;
        let id = find(bench, acme, install, "a").await.expect("a").id;
        let tx = bench.store.begin(&granted::<RecordWrite>(other)).await.expect("begin");
        let (records, run) = (tx.records(), RunId::generate());
        assert!(matches!(records.lookup(&granted(other), id).await, Err(Error::NotFound)));
        assert_eq!(records.find(&granted(other), install, "docs", "a").await.expect("find"), None);
        assert_eq!(records.count(&granted(other), &[install]).await.expect("count"), 0);
        let listed = records.list(&granted(other), &[install], &PageArgs::all()).await;
        assert!(listed.expect("list").items.is_empty());
        assert_eq!(records.sweep(&granted(other), install, run).await.expect("sweep"), 0);
        let removed = records.remove(&granted(other), install, &[key("a")]).await;
        assert_eq!(removed.expect("remove"), 0);
        let touched = records.touch(&granted(other), install, run, &[key("a")]).await;
        assert_eq!(touched.expect("touch"), 0);
        let page = [document("b", "Foreign", "text")];
        let written = records.upsert_page(&granted(other), install, run, &page).await;
        assert!(matches!(written, Err(Error::NotFound)), "{written:?}");
        drop(tx);
        assert_eq!(record_count(bench, acme, install).await, (1, 1));
        assert!(crate::search::ids(bench, other, "secret").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn removed_install_takes_its_records_out_of_the_index() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let (gone, kept) = (bench.install(acme, "gone").await, bench.install(acme, "kept").await);
        bench.write(acme, gone, &[document("g", "Needle", "text")]).await;
        bench.write(acme, kept, &[document("k", "Needle", "text")]).await;
        let tx = bench.store.begin(&granted::<RecordWrite>(acme)).await.expect("begin");
        tx.installs().remove(&granted(acme), gone).await.expect("remove");
        tx.commit().await.expect("commit");
        assert_eq!(crate::search::ids(bench, acme, "needle").await, ["k"]);
    })
    .await;
}
