//! Links, sessions, CSRF tokens and the set-up.

use chrono::TimeDelta;
use control::{Error, SetUp};
use domain::{Principal, Role, UserId, secret::ExposeSecret};

use crate::plane::Plane;

fn owner(plane: &Plane) -> UserId {
    match plane.owner.principal() {
        Principal::User(user) => *user,
        other => panic!("the owner is a person, not {other}"),
    }
}

#[tokio::test]
async fn link_works_once() {
    let plane = Plane::start().await;
    let link =
        plane.control.create_sign_in_link(plane.tenant, owner(&plane)).await.expect("a link");
    let first = plane.control.redeem_link(link.expose_secret(), "r1").await.expect("signed in");
    let caller = plane.control.by_session(first.token.expose_secret(), "r2").await.expect("known");
    assert_eq!((caller.access().role, caller.session()), (Role::Owner, Some(first.session.id)));
    let again = plane.control.redeem_link(link.expose_secret(), "r3").await;
    assert!(matches!(again, Err(Error::Unauthenticated)), "{again:?}");
}

#[tokio::test]
async fn expired_link_is_refused() {
    let plane = Plane::start().await;
    let link =
        plane.control.create_sign_in_link(plane.tenant, owner(&plane)).await.expect("a link");
    plane.clock.advance(TimeDelta::minutes(15));
    let late = plane.control.redeem_link(link.expose_secret(), "r").await;
    assert!(matches!(late, Err(Error::Unauthenticated)), "{late:?}");
    let unknown = plane.control.redeem_link("no such token", "r").await;
    assert!(matches!(unknown, Err(Error::Unauthenticated)), "{unknown:?}");
}

#[tokio::test]
async fn link_is_made_only_for_members() {
    let plane = Plane::start().await;
    let refused = plane.control.create_sign_in_link(plane.tenant, UserId::generate()).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn session_ends_by_time_and_by_signing_out() {
    let plane = Plane::start().await;
    let link =
        plane.control.create_sign_in_link(plane.tenant, owner(&plane)).await.expect("a link");
    let signed_in = plane.control.redeem_link(link.expose_secret(), "r").await.expect("signed in");
    let token = signed_in.token.expose_secret();
    let caller = plane.control.by_session(token, "r").await.expect("known");
    plane.control.sign_out(&caller).await.expect("signed out");
    let after = plane.control.by_session(token, "r").await;
    assert!(matches!(after, Err(Error::Unauthenticated)), "{after:?}");

    let link =
        plane.control.create_sign_in_link(plane.tenant, owner(&plane)).await.expect("a link");
    let signed_in = plane.control.redeem_link(link.expose_secret(), "r").await.expect("signed in");
    plane.clock.advance(TimeDelta::hours(12));
    let late = plane.control.by_session(signed_in.token.expose_secret(), "r").await;
    assert!(matches!(late, Err(Error::Unauthenticated)), "{late:?}");
}

#[tokio::test]
async fn csrf_token_belongs_to_its_session() {
    let plane = Plane::start().await;
    let session = plane.owner.session().expect("a session");
    let token = plane.control.csrf_token(session);
    assert!(plane.control.check_csrf(session, &token));
    assert!(!plane.control.check_csrf(domain::SessionId::generate(), &token));
    assert!(!plane.control.check_csrf(session, &token[..62]));
    assert!(!plane.control.check_csrf(session, ""));
    assert!(!plane.control.check_csrf(session, "not hexadecimal"));
}

#[tokio::test]
async fn set_up_done_twice_changes_nothing() {
    let plane = Plane::start().await;
    let command = SetUp {
        tenant_slug: "acme".to_owned(),
        tenant_name: "Another name".to_owned(),
        owner_email: "OWNER@acme.test".to_owned(),
        owner_name: "Owner".to_owned(),
    };
    let again = plane.control.set_up(command.clone()).await.expect("an organisation");
    assert!(!again.created);
    assert_eq!((again.tenant.id, again.owner.id), (plane.tenant, owner(&plane)));
    let endpoints = plane.control.list_endpoints(&plane.owner).await.expect("endpoints");
    assert_eq!(endpoints.len(), 1);
    assert_eq!(plane.audit("tenant.set_up").await.len(), 1);
    let odd = SetUp { tenant_slug: "Not A Slug".to_owned(), ..command };
    let refused = plane.control.set_up(odd).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn viewer_tells_who_is_looking() {
    let plane = Plane::start().await;
    let viewer = plane.control.viewer(&plane.owner).await.expect("a viewer");
    assert_eq!(viewer.user.expect("a person").email, "owner@acme.test");
    assert_eq!((viewer.tenant.slug.as_str(), viewer.role), ("acme", Role::Owner));
    let key = plane.key(Role::Member, None).await;
    let viewer = plane.control.viewer(&plane.caller(&key).await).await.expect("a viewer");
    assert_eq!((viewer.user, viewer.role), (None, Role::Member));
}
