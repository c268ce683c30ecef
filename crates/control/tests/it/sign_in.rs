//! Links, sessions, CSRF tokens and the set-up.

use chrono::TimeDelta;
use control::{Error, SetUp};
use domain::{Principal, Role, UserId, secret::ExposeSecret};

use crate::{plane::Plane, syncs::polled};

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

/// Also run on PostgreSQL.
pub(crate) async fn of_many_who_press_a_link_at_once_one_signs_in(plane: &Plane) {
    let link = plane.control.create_sign_in_link(plane.tenant, owner(plane)).await.expect("a link");
    let before = plane.audit("session.create").await.len();
    let press = || Box::pin(plane.control.redeem_link(link.expose_secret(), "r"));
    let pressed = tokio::join!(press(), press(), press(), press());
    let pressed = [pressed.0, pressed.1, pressed.2, pressed.3];
    assert_eq!(pressed.iter().filter(|it| it.is_ok()).count(), 1, "{pressed:?}");
    let refused = pressed.iter().filter(|it| matches!(it, Err(Error::Unauthenticated))).count();
    assert_eq!(refused, 3, "{pressed:?}");
    assert_eq!(plane.audit("session.create").await.len(), before + 1);
}

#[tokio::test]
async fn link_that_many_press_at_once_works_once() {
    of_many_who_press_a_link_at_once_one_signs_in(&Plane::start().await).await;
}

/// Wherever a sign-in is cut off, there is a session or the link still works.
#[tokio::test]
async fn sign_in_that_is_cut_off_does_not_use_the_link_up() {
    let plane = Plane::start().await;
    let mut cut_off = 0;
    for polls in 1..40 {
        let link = plane.control.create_sign_in_link(plane.tenant, owner(&plane)).await;
        let link = link.expect("a link");
        let before = plane.audit("session.create").await.len();
        if polled(plane.control.redeem_link(link.expose_secret(), "r"), polls).await.is_some() {
            continue;
        }
        cut_off += 1;
        let again = plane.control.redeem_link(link.expose_secret(), "r").await;
        let signed_in = plane.audit("session.create").await.len() - before;
        assert_eq!(signed_in, 1, "after {polls} polls: {again:?}");
    }
    assert!(cut_off > 3, "only {cut_off} of the sign-ins were cut off");
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
