//! Full-text search: the same on both backends.

use domain::{RecordHit, TenantId, authz::permission::RecordRead};
use sea_orm::{ConnectionTrait, DbBackend};
use store::SearchFilter;

use crate::bench::{Bench, document, granted, on_both};

/// Each is an operator, a mark or a trap in some full-text language, or text that splits in unusual ways.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\"",
    "\"\"",
    "\"\"\"",
    "*",
    "**",
    "a*",
    "*a",
    "NEAR",
    "NEAR(a b, 5)",
    "AND",
    "OR",
    "NOT",
    "a AND",
    "OR b",
    "NOT c",
    "title:x",
    "{title body}: x",
    "^a",
    "a + b",
    "(",
    ")",
    "((a)",
    "a)",
    "'",
    "''",
    "a'b",
    "\\",
    "a\\",
    "a:*",
    "a & b",
    "a | !b",
    "<->",
    "a <-> b",
    "!",
    "-",
    "-a",
    "--",
    "; drop table records",
    "🦀",
    "🦀 crab",
    "👩‍👩‍👧‍👦",
    "\0",
    "a\0b",
    "\u{202e}abc",
    "\u{feff}",
    "e\u{301}",
    "ﬁ",
    "ß",
    "İ",
    "%",
    "_",
    "?",
    "$1",
    "中文",
    "日本語 テスト",
    "שלום",
    "ا",
    "𝔘𝔫𝔦",
    "½",
    "²",
    "٣",
    "\n\t",
    "a\"b\"c\"",
    "\"unclosed phrase",
    "the",
    "a",
    "x''y",
    "'a' & 'b'",
    ":*",
    "a:b",
    "a:A",
    "\"🦀\"",
];

async fn search(bench: &Bench, tenant: TenantId, query: &str) -> Vec<RecordHit> {
    let filter = SearchFilter { query: query.to_owned(), installs: None, limit: 10 };
    let tx = bench.store.read(&granted::<RecordRead>(tenant)).await.expect("read");
    let hits = tx.records().search(&granted(tenant), filter).await;
    hits.unwrap_or_else(|error| panic!("{query:?} on {:?}: {error:?}", bench.backend))
}

/// The source's names of what is found, best first.
pub(crate) async fn ids(bench: &Bench, tenant: TenantId, query: &str) -> Vec<String> {
    search(bench, tenant, query).await.into_iter().map(|hit| hit.record.external_id).collect()
}

async fn sorted(bench: &Bench, tenant: TenantId, query: &str) -> Vec<String> {
    let mut ids = ids(bench, tenant, query).await;
    ids.sort();
    ids
}

async fn library(bench: &Bench) -> TenantId {
    let acme = bench.tenant("acme").await;
    let install = bench.install(acme, "docs").await;
    let page = [
        document("deploy", "Deployment guide", "How to roll out with blue green switching."),
        document("green", "Gardening", "Green leaves and a blue sky, rollout of the seasons."),
        document("vault", "Vault", "Credentials are sealed. See deployment for keys."),
        document("files", "Reading docs/README.md", "The file src/main_loop.rs calls read_page()."),
        document("umlaut", "Über uns", "Größe, Straße und ÄRGER. Café."),
        document("numbers", "Release 2026-11", "Version 3.14 costs 1e5 units, model abc123."),
    ];
    bench.write(acme, install, &page).await;
    acme
}

#[tokio::test]
async fn every_word_must_occur_in_any_order_and_case() {
    on_both(async |bench| {
        let acme = library(bench).await;
        assert_eq!(sorted(bench, acme, "BLUE green ").await, ["deploy", "green"]);
        assert_eq!(sorted(bench, acme, "green blue guide ").await, ["deploy"]);
        assert_eq!(sorted(bench, acme, "green absent ").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn words_in_quotes_stand_together() {
    on_both(async |bench| {
        let acme = library(bench).await;
        assert_eq!(ids(bench, acme, r#""blue green""#).await, ["deploy"]);
        assert_eq!(ids(bench, acme, r#""green blue""#).await, Vec::<String>::new());
        assert_eq!(ids(bench, acme, r#"leaves "blue sky""#).await, ["green"]);
    })
    .await;
}

#[tokio::test]
async fn last_word_may_be_the_beginning_of_one() {
    on_both(async |bench| {
        let acme = library(bench).await;
        assert_eq!(sorted(bench, acme, "dep").await, ["deploy", "vault"]);
        assert_eq!(sorted(bench, acme, "dep ").await, Vec::<String>::new(), "the word is finished");
        assert_eq!(sorted(bench, acme, "dep guide").await, Vec::<String>::new());
        assert_eq!(sorted(bench, acme, "guide dep").await, ["deploy"]);
    })
    .await;
}

#[tokio::test]
async fn word_in_the_title_ranks_above_one_in_the_body() {
    on_both(async |bench| {
        let acme = library(bench).await;
        let hits = search(bench, acme, "deployment").await;
        let found: Vec<_> = hits.iter().map(|hit| hit.record.external_id.as_str()).collect();
        assert_eq!(found, ["deploy", "vault"]);
        assert!(hits[0].score > hits[1].score, "{} {}", hits[0].score, hits[1].score);
        assert_eq!(hits[1].snippet, "Credentials are sealed. See deployment for keys.");
    })
    .await;
}

#[tokio::test]
async fn names_of_files_and_code_are_found_by_their_parts() {
    on_both(async |bench| {
        let acme = library(bench).await;
        for query in ["readme", "README.md", "docs/README.md", "main_loop", "loop ", "read_page()"]
        {
            assert_eq!(ids(bench, acme, query).await, ["files"], "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn letters_beyond_ascii_and_numbers_are_words() {
    on_both(async |bench| {
        let acme = library(bench).await;
        for query in ["über", "ÜBER uns", "größe ", "strasse", "ärger", "café", "Caf"] {
            let expected: &[&str] = if query == "strasse" { &[] } else { &["umlaut"] };
            assert_eq!(ids(bench, acme, query).await, expected, "{query}");
        }
        for query in ["3.14", "2026-11", "1e5", "abc123", "release 2026"] {
            assert_eq!(ids(bench, acme, query).await, ["numbers"], "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_query_is_an_error() {
    on_both(async |bench| {
        let acme = library(bench).await;
        let long = "word ".repeat(5000);
        let very_long_word = "x".repeat(100_000);
        for query in HOSTILE.iter().copied().chain([long.as_str(), very_long_word.as_str()]) {
            search(bench, acme, query).await;
        }
        assert!(ids(bench, acme, "🦀 \" * ").await.is_empty(), "no words, no hits");
        assert_eq!(ids(bench, acme, "'vault'; --").await, ["vault"]);
    })
    .await;
}

#[tokio::test]
async fn update_and_removal_keep_the_index_in_step() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        bench.write(acme, install, &[document("a", "Old title", "old body")]).await;
        assert_eq!(ids(bench, acme, "old").await, ["a"]);
        bench.write(acme, install, &[document("a", "New title", "fresh body")]).await;
        assert!(ids(bench, acme, "old").await.is_empty());
        assert_eq!(ids(bench, acme, "fresh").await, ["a"]);
        let tx = bench.store.begin(&granted::<RecordRead>(acme)).await.expect("begin");
        let key = store::RecordKey { stream: "docs".to_owned(), external_id: "a".to_owned() };
        tx.records().remove(&granted(acme), install, &[key]).await.expect("remove");
        tx.commit().await.expect("commit");
        assert!(ids(bench, acme, "fresh").await.is_empty());
        if bench.backend == DbBackend::Sqlite {
            let check = "insert into records_fts (records_fts, rank) values ('integrity-check', 1)";
            bench.raw().await.execute_unprepared(check).await.expect("index and table agree");
        }
    })
    .await;
}

#[tokio::test]
async fn search_stays_within_the_tenant_the_installs_and_the_limit() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let (docs, wiki) = (bench.install(acme, "docs").await, bench.install(acme, "wiki").await);
        let foreign = bench.install(other, "docs").await;
        bench
            .write(acme, docs, &[document("d", "Needle", "x"), document("e", "Needle", "y")])
            .await;
        bench.write(acme, wiki, &[document("w", "Needle", "x")]).await;
        bench.write(other, foreign, &[document("f", "Needle", "x")]).await;
        let limited = async |installs, limit| {
            let filter = SearchFilter { query: "needle".to_owned(), installs, limit };
            let tx = bench.store.read(&granted::<RecordRead>(acme)).await.expect("read");
            let hits = tx.records().search(&granted(acme), filter).await.expect("search");
            let mut ids: Vec<_> = hits.into_iter().map(|hit| hit.record.external_id).collect();
            ids.sort();
            ids
        };
        assert_eq!(limited(None, 10).await, ["d", "e", "w"]);
        assert_eq!(limited(Some(vec![wiki, foreign]), 10).await, ["w"]);
        assert_eq!(limited(Some(Vec::new()), 10).await, Vec::<String>::new());
        assert_eq!(limited(None, 2).await.len(), 2);
        assert_eq!(limited(None, 0).await.len(), 0);
    })
    .await;
}
