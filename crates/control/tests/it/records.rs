//! Finding and reading synced documents.

use control::{Error, SearchRecords};
use domain::{PageArgs, Role};

use crate::plane::Plane;

fn search(query: &str) -> SearchRecords {
    SearchRecords { query: query.to_owned(), install: None, first: 20 }
}

#[tokio::test]
async fn record_is_read_by_id_and_by_the_name_of_its_source() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    let member = plane.member(Role::Member).await;
    let found =
        plane.control.find_record(&member, install.id, "items", "item-0001").await.expect("found");
    assert_eq!((found.title.as_str(), found.body.as_str()), ("Item 1", "plain text number1"));
    let looked_up = plane.control.lookup_record(&member, found.id).await.expect("there");
    assert_eq!(looked_up, found);
    let missing = plane.control.find_record(&member, install.id, "items", "item-9").await;
    assert!(matches!(missing, Err(Error::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn viewer_neither_searches_nor_reads() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    let viewer = plane.member(Role::Viewer).await;
    let refused = plane.control.search_records(&viewer, search("plain")).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("record.search", &viewer).await;
    let refused = plane.control.list_records(&viewer, Some(install.id), PageArgs::all()).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
}

#[tokio::test]
async fn search_wants_words() {
    let plane = Plane::start().await;
    for odd in [search("  "), search(&"x".repeat(1001)), SearchRecords { first: 0, ..search("x") }]
    {
        let refused = plane.control.search_records(&plane.owner, odd).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn search_of_one_install_finds_nothing_of_another() {
    let plane = Plane::start().await;
    let (one, _other) = (plane.synced().await, plane.synced().await);
    let only = SearchRecords { install: Some(one.id), ..search("plain") };
    let hits = plane.control.search_records(&plane.owner, only).await.expect("hits");
    assert_eq!(hits.len(), 3);
    assert!(hits.iter().all(|hit| hit.record.install == one.id));
    let all = plane.control.search_records(&plane.owner, search("plain")).await.expect("hits");
    assert_eq!(all.len(), 6);
}
