//! Live tools, from the caller to the connector and back.

use control::{Config, Error, UpdateInstall, UpstreamKind};
use domain::{InstallStatus, Role};
use serde_json::json;

use crate::{
    fake::Trouble,
    plane::{Plane, fake_install},
};

#[tokio::test]
async fn member_calls_a_tool_with_the_stored_credential() {
    let plane = Plane::start().await;
    let command = fake_install(json!({}), Some(json!({ "bearer_token": "t0ken" })));
    let install = plane.install_with(command).await.install;
    plane.source.token.lock().expect("not poisoned").take();
    let caller = plane.caller(&plane.key(Role::Member, None).await).await;
    let arguments = json!({ "text": "hello" });
    let output = plane.control.call_tool(&caller, install.id, "echo", &arguments).await;
    assert_eq!(output.expect("an answer").text, "echo: \"hello\"");
    assert_eq!(plane.source.token.lock().expect("not poisoned").as_deref(), Some("t0ken"));
    let bearer = plane.control.remote_bearer(&caller, install.id).await.expect("an answer");
    assert!(bearer.is_some());
}

#[tokio::test]
async fn viewer_unknown_tool_and_odd_arguments_are_refused() {
    let plane = Plane::start().await;
    let install = plane.install().await.install.id;
    let control = &plane.control;
    let viewer = plane.member(Role::Viewer).await;
    let refused = control.call_tool(&viewer, install, "echo", &json!({})).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let refused = control.call_tool(&plane.owner, install, "nothing", &json!({})).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    let refused = control.call_tool(&plane.owner, install, "echo", &json!({ "text": 1 })).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn refused_credential_hides_the_install() {
    let plane = Plane::start().await;
    let install = plane.install().await.install.id;
    plane.source.trouble([Trouble::Auth]);
    let refused = plane.control.call_tool(&plane.owner, install, "echo", &json!({})).await;
    assert!(
        matches!(refused, Err(Error::Upstream { kind: UpstreamKind::Auth, .. })),
        "{refused:?}"
    );
    let hidden = plane.control.lookup_install(&plane.owner, install).await.expect("there");
    assert_eq!(hidden.status, InstallStatus::NeedsReauth);
    let after = plane.control.call_tool(&plane.owner, install, "echo", &json!({})).await;
    assert!(matches!(after, Err(Error::NotFound)), "{after:?}");
    let snapshot =
        plane.control.route_snapshot("acme").await.expect("routes").expect("a tenant").snapshot;
    assert!(snapshot.installs.is_empty());
}

#[tokio::test]
async fn change_of_an_install_is_seen_by_the_next_call() {
    let plane = Plane::start().await;
    let install = plane.install().await.install.id;
    let control = &plane.control;
    control.call_tool(&plane.owner, install, "echo", &json!({})).await.expect("an answer");
    let pause = UpdateInstall { status: Some(InstallStatus::Paused), ..UpdateInstall::default() };
    control.update_install(&plane.owner, install, pause).await.expect("paused");
    let after = control.call_tool(&plane.owner, install, "echo", &json!({})).await;
    assert!(matches!(after, Err(Error::NotFound)), "{after:?}");
}

#[tokio::test]
async fn every_failure_of_a_source_has_its_kind() {
    let plane = Plane::with(Config { tool_timeout_seconds: 0, ..Config::default() }).await;
    let install = plane.install().await.install.id;
    let cases = [
        (Trouble::Hang, UpstreamKind::Timeout),
        (Trouble::Transient, UpstreamKind::Transient),
        (Trouble::Permanent, UpstreamKind::Permanent),
        (Trouble::Panic, UpstreamKind::Crashed),
    ];
    for (trouble, expected) in cases {
        plane.source.trouble([trouble]);
        let call = plane.control.call_tool(&plane.owner, install, "echo", &json!({})).await;
        let Err(Error::Upstream { kind, connector, .. }) = call else { panic!("{call:?}") };
        assert_eq!((kind, connector.as_str()), (expected, "fake"));
    }
    plane.source.trouble([Trouble::RateLimited(std::time::Duration::from_secs(7))]);
    let call = plane.control.call_tool(&plane.owner, install, "echo", &json!({})).await;
    assert!(
        matches!(call, Err(Error::Limited { retry_after }) if retry_after.as_secs() == 7),
        "{call:?}"
    );
    plane.control.call_tool(&plane.owner, install, "echo", &json!({})).await.expect("an answer");
}

#[tokio::test]
async fn refused_bearer_that_the_gateway_reports_hides_the_install() {
    let plane = Plane::start().await;
    let install = plane.install().await.install.id;
    let caller = plane.caller(&plane.key(Role::Member, None).await).await;
    plane.control.report_refused_bearer(&caller, install).await.expect("noted");
    let hidden = plane.control.lookup_install(&plane.owner, install).await.expect("there");
    assert_eq!(hidden.status, InstallStatus::NeedsReauth);
    assert_eq!(plane.audit("install.needs_reauth").await.len(), 1);
}
