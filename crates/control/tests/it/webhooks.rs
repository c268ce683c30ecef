//! Webhooks through the public door: what is told, to whom, signed how, and what happens when nobody listens.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use control::{Control, CreateWebhook, CreatedWebhook, Error, UpdateWebhook};
use domain::{
    DeliveryState, Granted, OpCtx, PageArgs, SystemReason, WebhookDelivery, WebhookId,
    authz::permission::WebhookWrite, secret::ExposeSecret,
};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use sha2::Sha256;
use store::WebhookChange;
use testkit::{
    Receiver,
    receiver::{Manner, Received},
};

use crate::plane::{Plane, organisation};

async fn webhook(control: &Control, who: &OpCtx, url: String, types: &[&str]) -> CreatedWebhook {
    let event_types = types.iter().map(|it| (*it).to_owned()).collect();
    let command = CreateWebhook { url, description: "A test".to_owned(), event_types };
    control.create_webhook(who, command).await.expect("a webhook")
}

async fn deliveries(plane: &Plane, id: WebhookId) -> Vec<WebhookDelivery> {
    let page = PageArgs::all();
    let list = plane.control.list_webhook_deliveries(&plane.owner, id, None, page).await;
    list.expect("deliveries").into_items().collect()
}

/// As a receiver checks it, by the specification and not by our code.
fn is_signed_by(requests: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    let (id, at) = (requests.header("webhook-id"), requests.header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&requests.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    requests.header("webhook-signature").split(' ').any(|it| it == expected)
}

pub(crate) async fn change_is_told_once_signed_and_in_order(plane: &Plane) {
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["install.*"]).await;
    let installed = plane.install().await;
    plane.work().await;
    plane.control.remove_install(&plane.owner, installed.install.id).await.expect("removed");
    plane.work().await;
    let requests = receiver.received();
    let types: Vec<_> = requests.iter().map(|it| it.json()["type"].clone()).collect();
    assert_eq!(types, ["install.create", "install.remove"]);
    let told = requests[0].json();
    assert_eq!(told["data"]["target"], installed.install.id.to_string());
    assert_eq!(told["data"]["organisation"], plane.tenant.to_string());
    for one in &requests {
        assert!(is_signed_by(one, made.secret.expose_secret()), "{one:?}");
        assert!(!is_signed_by(one, "whsec_AAAA"));
        assert_eq!(one.header("webhook-timestamp"), plane.clock.now().timestamp().to_string());
    }
    assert_ne!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    let all = deliveries(plane, made.webhook.id).await;
    assert_eq!(all.len(), 2);
    for delivery in all {
        assert_eq!(delivery.state, DeliveryState::Succeeded);
        assert_eq!(delivery.attempts.len(), 1);
        assert_eq!(delivery.attempts[0].status, Some(204));
    }
}

#[tokio::test]
async fn change_is_told_once_and_signed() {
    change_is_told_once_signed_and_in_order(&Plane::reaching_loopback().await).await;
}

#[tokio::test]
async fn what_was_refused_or_taken_back_is_not_told() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    webhook(&plane.control, &plane.owner, receiver.url(), &["install.*", "api_key.*"]).await;
    let member = plane.member(domain::Role::Member).await;
    let refused = plane.control.revoke_api_key(&member, domain::ApiKeyId::generate()).await;
    assert!(matches!(refused, Err(Error::Denied(_))));
    // Its entry is noted in the transaction, and goes with it when the install turns out not to be there.
    let gone = plane.control.remove_install(&plane.owner, domain::InstallId::generate()).await;
    assert!(matches!(gone, Err(Error::NotFound)));
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    let types: Vec<_> = receiver.received().iter().map(|it| it.json()["type"].clone()).collect();
    assert_eq!(types, ["api_key.create"]);
}

#[tokio::test]
async fn what_does_not_arrive_is_tried_again_by_the_schedule_and_then_given_up() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["api_key.create"]).await;
    receiver.answer(Manner {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        body: format!("{} password=hunter2", "x".repeat(900)),
        ..Manner::default()
    });
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    assert_eq!(receiver.received().len(), 1);
    plane.advance(3);
    plane.work().await;
    assert_eq!(receiver.received().len(), 1, "before the first wait is over");
    for (tries, seconds) in (2..).zip([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]) {
        plane.advance(seconds * 6 / 5 + 1);
        plane.work().await;
        assert_eq!(receiver.received().len(), tries, "after {seconds} s");
    }
    let delivery = deliveries(&plane, made.webhook.id).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.attempts.len(), 8);
    let last = delivery.attempts.last().expect("an attempt");
    assert_eq!(last.status, Some(500));
    let response = last.response.as_deref().expect("an answer");
    assert!(response.len() <= 1_024 && !response.contains("hunter2"), "{response}");
    let ids: std::collections::BTreeSet<_> =
        receiver.received().iter().map(|it| it.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "every try is of the same event");
    plane.advance(100_000);
    plane.work().await;
    assert_eq!(receiver.received().len(), 8);
    receiver.answer_status(StatusCode::OK);
    plane.control.replay_delivery(&plane.owner, delivery.id).await.expect("a replay");
    plane.work().await;
    let requests = receiver.received();
    assert_eq!(requests.len(), 9);
    assert_eq!(requests[8].header("webhook-id"), requests[0].header("webhook-id"));
    assert_eq!(requests[8].body, requests[0].body);
    let webhook = plane.control.lookup_webhook(&plane.owner, made.webhook.id).await;
    assert_eq!(webhook.expect("a webhook").failing_since, None);
}

#[tokio::test]
async fn address_that_fails_for_five_days_is_disabled_and_tells_what_it_missed_when_asked() {
    let plane = Plane::reaching_loopback().await;
    let (deaf, other) =
        (Receiver::start().await.expect("one"), Receiver::start().await.expect("two"));
    let made = webhook(&plane.control, &plane.owner, deaf.url(), &["group.create"]).await;
    webhook(&plane.control, &plane.owner, other.url(), &["webhook.disable"]).await;
    deaf.answer_status(StatusCode::BAD_GATEWAY);
    let began = plane.clock.now();
    for day in 0..6 {
        let name = format!("Group {day}");
        plane.control.create_group(&plane.owner, &name).await.expect("a group");
        plane.work().await;
        plane.advance(24 * 3_600 + 60);
    }
    plane.work().await;
    let webhook = plane.control.lookup_webhook(&plane.owner, made.webhook.id).await.expect("it");
    assert!(!webhook.enabled);
    assert!(webhook.disabled_reason.as_deref().is_some_and(|it| it.contains("5 days")));
    assert_eq!(plane.audit("webhook.disable").await.len(), 1);
    assert_eq!(other.received().len(), 1, "another webhook is told of it");
    let before = deaf.received().len();
    plane.control.create_group(&plane.owner, "Missed").await.expect("a group");
    plane.advance(48 * 3_600);
    plane.work().await;
    assert_eq!(deaf.received().len(), before, "a disabled one is not called");
    let pending = deliveries(&plane, made.webhook.id).await;
    assert!(pending.iter().all(|it| it.state != DeliveryState::Pending), "{pending:?}");

    deaf.answer_status(StatusCode::OK);
    let early = plane.control.replay_events(&plane.owner, made.webhook.id, began).await;
    assert!(matches!(early, Err(Error::Conflict { .. })), "{early:?}");
    let enable = UpdateWebhook {
        id: made.webhook.id,
        url: None,
        description: None,
        event_types: None,
        enabled: Some(true),
        expected_version: None,
    };
    plane.control.update_webhook(&plane.owner, enable).await.expect("enabled");
    plane.work().await;
    assert_eq!(deaf.received().len(), before, "enabling alone tells nothing of before");
    plane.control.replay_events(&plane.owner, made.webhook.id, began).await.expect("a replay");
    plane.work().await;
    let replayed = deaf.received().split_off(before);
    assert_eq!(replayed.len(), 7);
    assert!(replayed.iter().all(|it| it.json()["type"] == "group.create"));
    let seqs: std::collections::BTreeSet<_> =
        replayed.iter().map(|it| it.json()["data"]["seq"].as_i64()).collect();
    assert_eq!(seqs.len(), 7);
}

#[tokio::test]
async fn key_that_is_rotated_out_signs_beside_the_new_one_until_its_time_is_over() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["api_key.create"]).await;
    let (control, id) = (&plane.control, made.webhook.id);
    let rotated = control.rotate_webhook_secret(&plane.owner, id, 2).await.expect("a new key");
    let (old, new) = (made.secret.expose_secret(), rotated.secret.expose_secret());
    assert_ne!(old, new);
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    let both = receiver.received().remove(0);
    assert!(is_signed_by(&both, old) && is_signed_by(&both, new));
    plane.advance(2 * 3_600 + 1);
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    let later = receiver.received().remove(1);
    assert!(!is_signed_by(&later, old) && is_signed_by(&later, new));
    assert_eq!(control.list_webhook_secrets(&plane.owner, id).await.expect("keys").len(), 1);
    // Keys are sealed like every secret, and survive the organisation's data key.
    control.rotate_data_key(&plane.owner).await.expect("a rotation");
    plane.work().await;
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    assert!(is_signed_by(&receiver.received().remove(2), new));
    let file = std::fs::read(plane.database()).expect("the database");
    let wal = std::fs::read(plane.database().with_extension("db-wal")).unwrap_or_default();
    for secret in [old, new] {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|it| it == secret.as_bytes());
        assert!(!holds(&file) && !holds(&wal), "the key is nowhere in plain text");
    }
}

#[tokio::test]
async fn test_event_arrives_also_at_a_disabled_webhook() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["key.rotate"]).await;
    let disable = UpdateWebhook {
        id: made.webhook.id,
        url: None,
        description: None,
        event_types: None,
        enabled: Some(false),
        expected_version: Some(made.webhook.version),
    };
    plane.control.update_webhook(&plane.owner, disable).await.expect("disabled");
    plane.control.send_test_event(&plane.owner, made.webhook.id).await.expect("sent");
    plane.work().await;
    let requests = receiver.received();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].json()["type"], "webhook.test");
    assert!(is_signed_by(&requests[0], made.secret.expose_secret()));
}

#[tokio::test]
async fn address_inside_is_refused_when_it_is_given() {
    let plane = Plane::start().await;
    for url in [
        "http://example.com/hooks",
        "https://127.0.0.1/hooks",
        "https://127.1/hooks",
        "https://0x7f000001/hooks",
        "https://0177.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://[::ffff:127.0.0.1]/hooks",
        "https://[64:ff9b::7f00:1]/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/hooks",
        "https://[fe80::1]/hooks",
        "https://[fc00::1]/hooks",
        "https://localhost/hooks",
        "https://user:secret@example.com/hooks",
        "https://example.com/hooks#part",
        "ftp://example.com/hooks",
        "hooks",
    ] {
        let command = CreateWebhook {
            url: url.to_owned(),
            description: String::new(),
            event_types: vec!["*".to_owned()],
        };
        let refused = plane.control.create_webhook(&plane.owner, command).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{url}: {refused:?}");
    }
}

/// A name that led outside when it was given and leads inside when it is called, and an address that sends the caller there.
#[tokio::test]
async fn address_that_leads_inside_later_is_not_called() {
    let plane = Plane::start().await;
    let inside = Receiver::start().await.expect("a receiver");
    // Nothing answers at a documentation address; it only has to be given.
    let made = {
        let command = CreateWebhook {
            url: "https://hooks.invalid/x".to_owned(),
            description: String::new(),
            event_types: vec!["api_key.create".to_owned()],
        };
        plane.control.create_webhook(&plane.owner, command).await.expect("a webhook")
    };
    for host in ["localhost", "127.0.0.1"] {
        let granted: Granted<WebhookWrite> =
            Granted::system(SystemReason::SetUp, plane.tenant, "test");
        let before = plane.control.lookup_webhook(&plane.owner, made.webhook.id).await.expect("it");
        let tx = plane.store.begin(&granted).await.expect("a transaction");
        let change = WebhookChange {
            url: inside.url_by(host),
            description: before.description,
            event_types: before.event_types,
            enabled: true,
            disabled_reason: None,
            seq: None,
            expected_version: before.version,
            updated_at: plane.clock.now(),
        };
        tx.webhooks().update(&granted, made.webhook.id, change).await.expect("changed");
        tx.commit().await.expect("a commit");
        plane.key(domain::Role::Viewer, None).await;
        plane.work().await;
        let delivery = deliveries(&plane, made.webhook.id).await.remove(0);
        let attempt = delivery.attempts.last().expect("an attempt");
        assert_eq!(attempt.status, None);
        let error = attempt.error.as_deref().expect("a reason");
        assert!(error.contains("private or reserved network"), "{error}");
    }
    assert!(inside.received().is_empty());
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let plane = Plane::reaching_loopback().await;
    let (door, inside) = (Receiver::start().await.expect("a"), Receiver::start().await.expect("b"));
    let made = webhook(&plane.control, &plane.owner, door.url(), &["api_key.create"]).await;
    door.answer(Manner {
        status: StatusCode::TEMPORARY_REDIRECT,
        location: Some(inside.url()),
        ..Manner::default()
    });
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    assert!(inside.received().is_empty());
    let delivery = deliveries(&plane, made.webhook.id).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Pending);
    assert_eq!(delivery.attempts[0].status, Some(307));
    assert!(delivery.attempts[0].error.as_deref().is_some_and(|it| it.contains("redirect")));
}

#[tokio::test]
async fn address_that_is_gone_is_disabled_at_once() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["api_key.create"]).await;
    receiver.answer_status(StatusCode::GONE);
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    let webhook = plane.control.lookup_webhook(&plane.owner, made.webhook.id).await.expect("it");
    assert!(!webhook.enabled);
    assert_eq!(deliveries(&plane, made.webhook.id).await[0].state, DeliveryState::Failed);
}

/// Deliveries of one organisation take only some of the room: however many wait, another one's are claimed beside them.
pub(crate) async fn many_deliveries_of_one_leave_room_for_another(plane: &Plane) {
    let control = &plane.control;
    let receiver = Receiver::start().await.expect("a receiver");
    let crowd = webhook(control, &plane.owner, receiver.url(), &["key.rotate"]).await;
    let (other, stranger) = organisation(control, "globex").await;
    let quiet = webhook(control, &stranger, receiver.url(), &["key.rotate"]).await;
    plane.work().await;
    for _ in 0..30 {
        control.send_test_event(&plane.owner, crowd.webhook.id).await.expect("sent");
    }
    control.send_test_event(&stranger, quiet.webhook.id).await.expect("sent");
    let due = plane.store.jobs().due(plane.clock.now(), 500).await.expect("due jobs");
    let mut claimed = Vec::new();
    for (index, (id, lane)) in due.iter().enumerate() {
        if *lane == domain::job::Lane::Delivery {
            claimed
                .extend(control.claim_job(*id, &format!("worker-{index}")).await.expect("claim"));
        }
    }
    let of = |tenant| claimed.iter().filter(|job| job.tenant == tenant).count();
    assert_eq!((of(plane.tenant), of(other)), (10, 1));
    let more = plane.store.jobs().due(plane.clock.now(), 500).await.expect("due jobs");
    assert!(more.iter().all(|(_, lane)| *lane != domain::job::Lane::Delivery), "{more:?}");
    // A ring that arrives all the same finds no room.
    let due_later = plane.clock.now() + TimeDelta::hours(1);
    let waiting = plane.store.jobs().due(due_later, 500).await.expect("due jobs");
    assert!(!waiting.is_empty());
}

#[tokio::test]
async fn slow_address_of_one_organisation_leaves_room_for_another() {
    many_deliveries_of_one_leave_room_for_another(&Plane::reaching_loopback().await).await;
}

#[tokio::test]
async fn webhooks_of_another_organisation_are_not_there() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["*"]).await;
    let sent = plane.control.send_test_event(&plane.owner, made.webhook.id).await.expect("sent");
    let stranger = plane.stranger().await;
    let (control, id) = (&plane.control, made.webhook.id);
    assert!(matches!(control.lookup_webhook(&stranger, id).await, Err(Error::NotFound)));
    assert!(matches!(control.remove_webhook(&stranger, id).await, Err(Error::NotFound)));
    assert!(matches!(control.send_test_event(&stranger, id).await, Err(Error::NotFound)));
    assert!(matches!(control.replay_delivery(&stranger, sent.id).await, Err(Error::NotFound)));
    let rotated = control.rotate_webhook_secret(&stranger, id, 0).await;
    assert!(matches!(rotated, Err(Error::NotFound)));
    let page = PageArgs::all();
    let seen = control.list_webhook_deliveries(&stranger, id, None, page).await.expect("a page");
    assert!(seen.items.is_empty());
}

/// The library of Standard Webhooks for Python believes what we send and nothing that was touched.
#[tokio::test]
async fn library_of_standard_webhooks_verifies_what_is_sent() {
    let plane = Plane::reaching_loopback().await;
    let receiver = Receiver::start().await.expect("a receiver");
    let made = webhook(&plane.control, &plane.owner, receiver.url(), &["api_key.create"]).await;
    let rotated =
        plane.control.rotate_webhook_secret(&plane.owner, made.webhook.id, 1).await.expect("a key");
    plane.key(domain::Role::Viewer, None).await;
    plane.work().await;
    let requests = receiver.received().remove(0);
    let now = requests.header("webhook-timestamp").parse::<i64>().expect("a time");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for (secret, body, verifies) in [
        (made.secret.expose_secret(), requests.body.clone(), true),
        (rotated.secret.expose_secret(), requests.body.clone(), true),
        (rotated.secret.expose_secret(), bytes::Bytes::from_static(b"{}"), false),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", requests.body.clone(), false),
    ] {
        let given = serde_json::json!({
            "secret": secret,
            "body": String::from_utf8_lossy(&body),
            "now": now,
            "headers": {
                "webhook-id": requests.header("webhook-id"),
                "webhook-timestamp": requests.header("webhook-timestamp"),
                "webhook-signature": requests.header("webhook-signature"),
            },
        });
        let running = tokio::process::Command::new(format!("{root}/.venv/bin/python"))
            .arg(format!("{root}/crates/testkit/clients/verify_webhook.py"))
            .arg(given.to_string())
            .output();
        let output = tokio::time::timeout(Duration::from_mins(1), running).await;
        let output = output.expect("in time").expect("Python: run the tests by `make test`");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let expected = if verifies { "verified" } else { "refused" };
        assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}
