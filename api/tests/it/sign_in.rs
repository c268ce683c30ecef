//! One-time links, sessions and their end.

use domain::secret::ExposeSecret;
use serde_json::json;

use crate::plane::{Caller, Plane};

async fn link(plane: &Plane) -> String {
    let acme = plane.organisation("acme").await;
    let viewer = plane.control.viewer(&acme.owner).await.expect("the owner");
    let user = viewer.user.expect("a person");
    let token = plane.control.create_sign_in_link(viewer.tenant.id, user.id).await.expect("a link");
    format!("/sign-in/{}", token.expose_secret())
}

#[tokio::test]
async fn opening_a_link_does_not_use_it_up() {
    let plane = Plane::start().await;
    let link = link(&plane).await;
    for _ in 0..3 {
        let page = plane.get(&link, &[]).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("<form method=\"post\">"));
        assert_eq!(page.header("set-cookie"), "", "nothing is redeemed by looking");
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert_eq!(plane.post(&link, &[], "").await.status, 303);
}

#[tokio::test]
async fn pressing_the_button_signs_in() {
    let plane = Plane::start().await;
    let link = link(&plane).await;
    let reply = plane.post(&link, &[("origin", plane.base.as_str())], "").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"));
    let cookie = reply.header("set-cookie").to_owned();
    for attribute in ["patchbay_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn cookie_behind_tls_is_bound_to_the_host() {
    let plane = Plane::start_with(|config, _| {
        config.public_url = "https://patchbay.example.com".to_owned();
    })
    .await;
    let set_up = control::SetUp {
        tenant_slug: "acme".to_owned(),
        tenant_name: "Acme".to_owned(),
        owner_email: "owner@acme.example".to_owned(),
        owner_name: "Owner".to_owned(),
    };
    let done = plane.control.set_up(set_up).await.expect("an organisation");
    let token =
        plane.control.create_sign_in_link(done.tenant.id, done.owner.id).await.expect("a link");
    let path = format!("/sign-in/{}", token.expose_secret());
    let reply = plane.post(&path, &[("host", "patchbay.example.com")], "").await;
    let cookie = reply.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-patchbay_session="), "{cookie}");
    assert!(cookie.contains("Secure") && cookie.contains("Path=/"), "{cookie}");
    assert!(reply.header("strict-transport-security").contains("max-age"));
}

#[tokio::test]
async fn used_and_unknown_links_say_how_to_get_a_new_one() {
    let plane = Plane::start().await;
    let link = link(&plane).await;
    assert_eq!(plane.post(&link, &[], "").await.status, 303);
    for path in [link.as_str(), "/sign-in/never-was"] {
        let reply = plane.post(path, &[], "").await;
        assert_eq!(reply.status, 410, "{path}");
        assert_eq!(reply.header("set-cookie"), "");
        let page = reply.text();
        assert!(page.contains("<code>patchbay sign-in-link --data-dir data</code>"), "{page}");
        assert!(page.contains("patchbay sign-in-link --config"), "{page}");
    }
}

#[tokio::test]
async fn link_pressed_by_another_origin_is_refused_and_not_used_up() {
    let plane = Plane::start().await;
    let link = link(&plane).await;
    let reply = plane.post(&link, &[("origin", "https://evil.example")], "").await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(plane.post(&link, &[], "").await.status, 303);
}

#[tokio::test]
async fn sign_out_ends_the_session_and_takes_the_cookie_back() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let reply = plane.graphql_reply(&acme.session, "mutation { signOut { ok } }", json!({})).await;
    assert_eq!(reply.json().expect("an answer"), json!({ "data": { "signOut": { "ok": true } } }));
    assert!(reply.header("set-cookie").contains("Max-Age=0"), "{}", reply.header("set-cookie"));
    let after = plane.graphql_reply(&acme.session, "{ viewer { role } }", json!({})).await;
    assert_eq!(after.status, 401);
}

#[tokio::test]
async fn sign_out_by_post_needs_the_token() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let Caller::Session { cookie, csrf } = &acme.session else { unreachable!("by session") };
    assert_eq!(plane.post("/sign-out", &[], "").await.status, 401);
    let bare = plane.post("/sign-out", &[("cookie", cookie)], "").await;
    assert_eq!(bare.status, 403, "{}", bare.text());
    let done = plane.post("/sign-out", &[("cookie", cookie), ("x-patchbay-csrf", csrf)], "").await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert!(done.header("set-cookie").contains("Max-Age=0"));
    let after = plane.graphql_reply(&acme.session, "{ viewer { role } }", json!({})).await;
    assert_eq!(after.status, 401);
}
