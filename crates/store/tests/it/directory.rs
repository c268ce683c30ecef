//! Tenants, users, sessions and sign-in links.

use domain::{
    Session, SessionId, SignInLinkId, TenantId, TokenHash, UserId, authz::permission::TenantWrite,
};
use futures_util::future::join_all;
use store::{Error, NewSession, NewSignInLink, NewTenant, NewUser};

use crate::bench::{Bench, at, granted, on_both};

async fn link(bench: &Bench, tenant: TenantId, user: UserId, token: &str) -> SignInLinkId {
    let id = SignInLinkId::generate();
    let hash = TokenHash::of(token);
    let new = NewSignInLink { id, tenant, user, hash, created_at: at(0), expires_at: at(600) };
    bench.store.directory().create_sign_in_link(new).await.expect("link");
    id
}

#[tokio::test]
async fn sign_in_link_works_once_however_many_try() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let user = bench.user("ada@acme.example").await;
        let id = link(bench, acme, user, "token").await;
        let redeem = async |_| {
            let hash = TokenHash::of("token");
            bench.store.directory().redeem_sign_in_link(hash, at(1)).await.expect("redeem")
        };
        let redeemed: Vec<_> = join_all((0..20).map(redeem)).await.into_iter().flatten().collect();
        assert_eq!(redeemed.len(), 1, "{redeemed:?}");
        assert_eq!((redeemed[0].id, redeemed[0].tenant, redeemed[0].user), (id, acme, user));
    })
    .await;
}

#[tokio::test]
async fn expired_or_unknown_sign_in_link_is_nothing() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let user = bench.user("ada@acme.example").await;
        link(bench, acme, user, "token").await;
        let directory = bench.store.directory();
        let late = directory.redeem_sign_in_link(TokenHash::of("token"), at(600)).await;
        assert_eq!(late.expect("redeem"), None);
        let unknown = directory.redeem_sign_in_link(TokenHash::of("other"), at(1)).await;
        assert_eq!(unknown.expect("redeem"), None);
        let in_time = directory.redeem_sign_in_link(TokenHash::of("token"), at(599)).await;
        assert!(in_time.expect("redeem").is_some(), "a late try does not use it up");
    })
    .await;
}

#[tokio::test]
async fn session_is_found_by_its_token_and_ends_once() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let user = bench.user("ada@acme.example").await;
        let session = Session {
            id: SessionId::generate(),
            user,
            tenant: acme,
            created_at: at(0),
            expires_at: at(3600),
            last_seen_at: at(0),
            authenticated_at: at(0),
            idle_seconds: Some(600),
            proof: None,
            revoked_at: None,
        };
        let directory = bench.store.directory();
        let hash = TokenHash::of("cookie");
        let made = directory
            .create_session(NewSession { session: session.clone(), hash })
            .await
            .expect("create");
        assert_eq!(made.id, session.id);
        assert_eq!(directory.find_session(hash).await.expect("find"), Some(made));
        assert_eq!(directory.find_session(TokenHash::of("x")).await.expect("find"), None);
        directory.revoke_session(session.id, at(10)).await.expect("revoke");
        let first = directory.find_session(hash).await.expect("find").expect("kept").revoked_at;
        directory.revoke_session(session.id, at(20)).await.expect("again");
        let second = directory.find_session(hash).await.expect("find").expect("kept").revoked_at;
        assert!(first.is_some());
        assert_eq!(first, second);
        assert_eq!(directory.purge_expired(at(3600)).await.expect("purge"), 0);
        assert_eq!(directory.purge_expired(at(3601)).await.expect("purge"), 1);
        assert_eq!(directory.find_session(hash).await.expect("find"), None);
    })
    .await;
}

#[tokio::test]
async fn address_and_slug_are_unique() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let user = bench.user("Ada@Acme.example").await;
        let directory = bench.store.directory();
        let found = directory.find_user_by_email(" ada@ACME.example").await.expect("find");
        assert_eq!(found.map(|user| user.id), Some(user), "case does not matter");
        let new = NewUser {
            id: UserId::generate(),
            email: "ADA@acme.example".to_owned(),
            display_name: "Ada".to_owned(),
            created_at: at(0),
        };
        let taken = directory.create_user(new).await;
        assert!(matches!(taken, Err(Error::Conflict { field: "email" })), "{taken:?}");
        let new = NewTenant {
            id: TenantId::generate(),
            slug: "acme".to_owned(),
            name: "Another".to_owned(),
            created_at: at(0),
        };
        let taken = directory.create_tenant(new).await;
        assert!(matches!(taken, Err(Error::Conflict { field: "slug" })), "{taken:?}");
        let found = directory.find_tenant("acme").await.expect("find").map(|tenant| tenant.id);
        assert_eq!(found, Some(acme));
        assert_eq!(directory.find_tenant("ac\0me").await.expect("find"), None);
        assert_eq!(directory.list_tenants().await.expect("list").len(), 1);
        let unknown = directory.lookup_user(UserId::generate()).await;
        assert!(matches!(unknown, Err(Error::NotFound)));
        let unknown = directory.lookup_tenant(TenantId::generate()).await;
        assert!(matches!(unknown, Err(Error::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn organisation_can_be_set_up_in_one_transaction() {
    on_both(async |bench| {
        let id = TenantId::generate();
        let new =
            NewTenant { id, slug: "demo".to_owned(), name: "Demo".to_owned(), created_at: at(0) };
        let tx = bench.store.begin(&granted::<TenantWrite>(id)).await.expect("begin");
        tx.directory().create_tenant(new.clone()).await.expect("tenant");
        tx.rollback().await.expect("rollback");
        assert_eq!(bench.store.directory().find_tenant("demo").await.expect("find"), None);
        let tx = bench.store.begin(&granted::<TenantWrite>(id)).await.expect("begin");
        tx.directory().create_tenant(new).await.expect("tenant");
        tx.commit().await.expect("commit");
        assert!(bench.store.directory().find_tenant("demo").await.expect("find").is_some());
    })
    .await;
}
