//! API keys.

use domain::{
    ApiKeyId, InstallId, PageArgs, Role, TokenHash,
    authz::permission::{ApiKeyRead, ApiKeyWrite},
};
use store::{Error, NewApiKey};

use crate::bench::{at, granted, on_both};

/// A key whose text is made from a seed.
pub(crate) fn new_key(seed: &str) -> NewApiKey {
    NewApiKey {
        id: ApiKeyId::generate(),
        name: "Laptop".to_owned(),
        prefix: "pb_live_abcd".to_owned(),
        last_four: "wxyz".to_owned(),
        role: Role::Member,
        installs: None,
        created_by: None,
        created_at: at(0),
        expires_at: Some(at(86_400)),
        hash: TokenHash::of(seed),
    }
}

#[tokio::test]
async fn key_is_found_by_its_hash_until_it_is_revoked() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let some = vec![InstallId::generate(), InstallId::generate()];
        let new = NewApiKey { installs: Some(some.clone()), ..new_key("one") };
        let id = new.id;
        let tx = bench.store.begin(&granted::<ApiKeyWrite>(acme)).await.expect("begin");
        let made = tx.api_keys().create(&granted(acme), new).await.expect("create");
        assert_eq!(made.installs.as_ref(), Some(&some));
        tx.api_keys().touch_used(&granted(acme), id, at(5)).await.expect("touch");
        tx.commit().await.expect("commit");

        let directory = bench.store.directory();
        let found = directory.find_api_key(TokenHash::of("one")).await.expect("find");
        assert_eq!(found, Some((acme, id)));
        assert_eq!(directory.find_api_key(TokenHash::of("two")).await.expect("find"), None);

        let tx = bench.store.begin(&granted::<ApiKeyWrite>(acme)).await.expect("begin");
        let live = tx.api_keys().list_live(&granted(acme)).await.expect("live");
        assert_eq!(live.len(), 1);
        assert_eq!((live[0].0, live[0].1.id), (TokenHash::of("one"), id));
        let revoked = tx.api_keys().revoke(&granted(acme), id, at(10)).await.expect("revoke");
        let again = tx.api_keys().revoke(&granted(acme), id, at(20)).await.expect("again");
        assert_eq!(again.revoked_at, revoked.revoked_at, "the first time counts");
        assert!(tx.api_keys().list_live(&granted(acme)).await.expect("live").is_empty());
        let listed = tx.api_keys().list(&granted(acme), &PageArgs::all()).await.expect("list");
        assert_eq!(listed.items.len(), 1, "it stays in the list");
        tx.commit().await.expect("commit");
        assert_eq!(directory.find_api_key(TokenHash::of("one")).await.expect("find"), None);
    })
    .await;
}

#[tokio::test]
async fn key_of_another_tenant_is_not_found_by_any_verb() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let new = new_key("one");
        let id = new.id;
        let tx = bench.store.begin(&granted::<ApiKeyWrite>(acme)).await.expect("begin");
        tx.api_keys().create(&granted(acme), new).await.expect("create");
        tx.commit().await.expect("commit");
        let tx = bench.store.begin(&granted::<ApiKeyWrite>(other)).await.expect("begin");
        assert!(matches!(tx.api_keys().lookup(&granted(other), id).await, Err(Error::NotFound)));
        let revoke = tx.api_keys().revoke(&granted(other), id, at(1)).await;
        assert!(matches!(revoke, Err(Error::NotFound)), "{revoke:?}");
        tx.api_keys().touch_used(&granted(other), id, at(1)).await.expect("writes nothing");
        assert!(tx.api_keys().list_live(&granted(other)).await.expect("live").is_empty());
        let listed = tx.api_keys().list(&granted(other), &PageArgs::all()).await.expect("list");
        assert!(listed.items.is_empty());
        tx.commit().await.expect("commit");
        let tx = bench.store.read(&granted::<ApiKeyRead>(acme)).await.expect("read");
        let key = tx.api_keys().lookup(&granted(acme), id).await.expect("untouched");
        assert_eq!((key.revoked_at, key.last_used_at), (None, None));
        let found = bench.store.directory().find_api_key(TokenHash::of("one")).await;
        assert_eq!(found.expect("find"), Some((acme, id)));
    })
    .await;
}

#[tokio::test]
async fn text_of_a_key_cannot_be_used_twice() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let tx = bench.store.begin(&granted::<ApiKeyWrite>(acme)).await.expect("begin");
        tx.api_keys().create(&granted(acme), new_key("one")).await.expect("create");
        tx.commit().await.expect("commit");
        let tx = bench.store.begin(&granted::<ApiKeyWrite>(other)).await.expect("begin");
        let taken = tx.api_keys().create(&granted(other), new_key("one")).await;
        assert!(matches!(taken, Err(Error::Conflict { field: "hash" })), "{taken:?}");
    })
    .await;
}
