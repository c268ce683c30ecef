//! A secret that is given once is nowhere to be found in plain.

use domain::{Role, secret::ExposeSecret};
use serde_json::json;

use crate::plane::{Plane, fake_install};

const CANARY: &str = "canary-5f1c7e0b-password";

/// The database as it lies on the disk, with what is not yet merged into it.
fn raw_database(plane: &Plane) -> Vec<u8> {
    let mut raw = std::fs::read(plane.database()).expect("a file");
    for suffix in ["-wal", "-shm"] {
        let mut path = plane.database().into_os_string();
        path.push(suffix);
        raw.extend(std::fs::read(path).unwrap_or_default());
    }
    raw
}

fn contains(raw: &[u8], text: &str) -> bool {
    raw.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn credential_is_nowhere_in_the_database() {
    let plane = Plane::start().await;
    let command =
        fake_install(json!({ "host": "marker.test" }), Some(json!({ "bearer_token": CANARY })));
    assert!(!format!("{command:?}").contains(CANARY));
    let installed = plane.install_with(command).await;
    plane.work().await;
    let seen = plane.source.token.lock().expect("not poisoned").clone();
    assert_eq!(seen.as_deref(), Some(CANARY), "it reaches the connector");
    let raw = raw_database(&plane);
    assert!(contains(&raw, "marker.test"), "what is stored in plain can be found this way");
    assert!(!contains(&raw, CANARY));
    assert!(!contains(&raw, &hex::encode(CANARY)));
    assert!(!format!("{installed:?}").contains(CANARY));
    let refused = fake_install(json!({}), Some(json!({ "tokem": CANARY })));
    let error = plane.control.install_connector(&plane.owner, refused).await.expect_err("refused");
    assert!(!format!("{error:?} {error}").contains(CANARY));
}

#[tokio::test]
async fn tokens_and_keys_are_stored_as_hashes() {
    let plane = Plane::start().await;
    let domain::Principal::User(owner) = plane.owner.principal() else { panic!("a person") };
    let link = plane.control.create_sign_in_link(plane.tenant, *owner).await.expect("a link");
    let unused = plane.control.create_sign_in_link(plane.tenant, *owner).await.expect("a link");
    let signed_in = plane.control.redeem_link(link.expose_secret(), "r").await.expect("signed in");
    let key = plane.key(Role::Member, None).await;
    let raw = raw_database(&plane);
    for secret in [&link, &unused, &signed_in.token, &key.secret] {
        assert!(!contains(&raw, secret.expose_secret()));
    }
    assert!(!format!("{signed_in:?} {key:?}").contains(key.secret.expose_secret()));
    assert!(!format!("{signed_in:?}").contains(signed_in.token.expose_secret()));
}

#[tokio::test]
async fn organisation_gets_its_data_key_with_its_first_credential() {
    let plane = Plane::start().await;
    let first = fake_install(json!({}), Some(json!({ "bearer_token": "one" })));
    let second = fake_install(json!({}), Some(json!({ "bearer_token": "two" })));
    let (first, second) = (plane.install_with(first).await, plane.install_with(second).await);
    let caller = plane.caller(&plane.key(Role::Member, None).await).await;
    for (installed, expected) in [(first, "one"), (second, "two")] {
        let bearer = plane.control.remote_bearer(&caller, installed.install.id).await;
        assert_eq!(bearer.expect("an answer").expect("a token").expose_secret(), expected);
    }
}
