//! Signing in: what is refused, by whom, and in which words.

use connector_sdk::{ConnectorError, Context, SyncStart};
use serde_json::json;

use crate::{
    database::{Database, READER_PASSWORD},
    support::{Allow, call, connector, context},
    tls_front::TlsFront,
};

async fn failure(cx: &Context) -> ConnectorError {
    let source = connector("postgres").sync().expect("it syncs");
    source.read_page(cx, &SyncStart::default()).await.expect_err("a failure")
}

async fn report(cx: &Context) -> String {
    let report = connector("postgres").check(cx).await.expect("a report");
    assert!(!report.is_ok(), "{report:?}");
    format!("{}: {}", report.items[0].name, report.items[0].message)
}

#[tokio::test]
async fn private_host_is_refused_while_the_operator_forbids_it() {
    let database = Database::create().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
    ] {
        let config = database.config(&json!({"host": host}));
        let credential = Some(json!({"password": READER_PASSWORD}));
        let cx = context(config, credential, Allow { private_networks: false, ..Allow::default() });
        let error = failure(&cx).await;
        let ConnectorError::Config { field, message } = error else { panic!("{host}: {error:?}") };
        assert_eq!(field, ["host"]);
        assert!(message.contains("egress.allow_private_networks"), "{host}: {message}");
        assert!(report(&cx).await.contains("egress.allow_private_networks"));
    }
    database.drop().await;
}

#[tokio::test]
async fn wrong_password_asks_for_a_new_credential() {
    let database = Database::create().await;
    let config = database.config(&json!({}));
    let cx = context(config.clone(), Some(json!({"password": "wrong-pass"})), Allow::default());
    let error = failure(&cx).await;
    assert!(matches!(error, ConnectorError::Auth { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong-pass"), "{error:?}");
    assert!(report(&cx).await.starts_with("Sign in: The database does not let user"));
    let cx = context(config, None, Allow::default());
    assert!(matches!(failure(&cx).await, ConnectorError::Auth { .. }));
    database.drop().await;
}

#[tokio::test]
async fn unknown_database_is_an_error_of_its_field() {
    let database = Database::create().await;
    let cx = database.context(&json!({"database": "no_such_database"}));
    let error = failure(&cx).await;
    let ConnectorError::Config { field, message } = error else { panic!("{error:?}") };
    assert_eq!((field.join("."), message.contains("no_such_database")), ("database".into(), true));
    database.drop().await;
}

#[tokio::test]
async fn server_that_does_not_answer_is_tried_again_later() {
    let database = Database::create().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let cx = database.context(&json!({"port": port}));
    let error = failure(&cx).await;
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    database.drop().await;
}

#[tokio::test]
async fn server_without_encryption_is_refused_unless_it_is_switched_off() {
    let database = Database::create().await;
    for mode in ["require", "verify_full"] {
        let cx = database.context(&json!({"ssl_mode": mode}));
        let error = failure(&cx).await;
        let ConnectorError::Config { field, message } = error else { panic!("{mode}: {error:?}") };
        assert_eq!(field, ["ssl_mode"]);
        assert!(message.contains("no encryption"), "{message}");
    }
    database.drop().await;
}

#[tokio::test]
async fn verify_full_checks_the_name_and_the_authority_at_the_checked_address() {
    let database = Database::create().await;
    let front = TlsFront::start("localhost", database.host(), database.port()).await;
    let settings = |more: serde_json::Value| {
        let mut all = json!({"host": "localhost", "port": front.port, "ssl_mode": "verify_full"});
        for (name, value) in more.as_object().expect("an object") {
            all[name] = value.clone();
        }
        database.context(&all)
    };
    let right = settings(json!({"ca_certificate": front.ca}));
    let sql = json!({"sql": "SELECT 40 + 2"});
    let answer =
        call(connector("postgres"), &right, "query", sql.clone()).await.expect("an answer");
    assert_eq!(answer.structured.expect("structured")["rows"], json!([[42]]));
    let other_authority = settings(json!({}));
    let other_name = settings(json!({"ca_certificate": front.ca, "host": "127.0.0.1"}));
    for cx in [other_authority, other_name] {
        let error = failure(&cx).await;
        let ConnectorError::Config { field, message } = error else { panic!("{error:?}") };
        assert_eq!(field, ["ssl_mode"]);
        assert!(message.contains("could not prove"), "{message}");
    }
    let unverified = settings(json!({"ssl_mode": "require"}));
    let answer = call(connector("postgres"), &unverified, "query", sql).await.expect("an answer");
    assert!(!answer.is_error, "{}", answer.text);
    database.drop().await;
}

#[test]
fn host_that_is_a_path_or_a_url_is_refused_by_the_form() {
    let manifest = connector("postgres").manifest();
    for host in ["/var/run/postgresql", "postgres://db", "db/x", "", "a b", "@x"] {
        let config = json!({"host": host, "database": "d", "user": "u"});
        let errors = manifest.validate_config(&config).expect_err(host);
        assert_eq!(errors[0].field, ["host"]);
        assert!(errors[0].message.starts_with("Host must be a host name"), "{}", errors[0].message);
    }
    let errors = manifest.validate_credential(&json!({})).expect_err("no password");
    assert_eq!(errors[0].message, "Password is required.");
}
