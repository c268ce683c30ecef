//! What the gateway is given, and what it may decide by it.

use control::{TenantRoutes, ToolEffect, UpdateInstall, tool_effect};
use domain::{
    Role,
    event::Event,
    route::{RouteSnapshot, Upstream},
    secret::ExposeSecret,
};
use futures_util::StreamExt;

use crate::plane::Plane;

async fn routes(plane: &Plane) -> TenantRoutes {
    plane.control.route_snapshot("acme").await.expect("routes").expect("a tenant")
}

async fn snapshot(plane: &Plane) -> RouteSnapshot {
    routes(plane).await.snapshot
}

#[tokio::test]
async fn snapshot_holds_active_installs_and_live_keys() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let (kept, revoked) =
        (plane.key(Role::Member, None).await, plane.key(Role::Member, None).await);
    plane.control.revoke_api_key(&plane.owner, revoked.key.id).await.expect("revoked");
    let snapshot = snapshot(&plane).await;
    assert_eq!(snapshot.tenant.id, plane.tenant);
    assert_eq!(snapshot.keys.values().map(|key| key.id).collect::<Vec<_>>(), [kept.key.id]);
    let [route] = snapshot.installs.as_slice() else { panic!("one install") };
    assert_eq!((route.id, route.alias.as_str(), route.streams.len()), (install.id, "fake", 1));
    let Upstream::Native(tools) = &route.upstream else { panic!("{:?}", route.upstream) };
    let effects: Vec<_> =
        tools.iter().map(|tool| (tool.name.as_str(), tool_effect(tool))).collect();
    assert_eq!(effects, [("echo", ToolEffect::ReadOnly), ("wipe", ToolEffect::Destructive)]);
    assert!(plane.control.route_snapshot("nobody").await.expect("an answer").is_none());
}

#[tokio::test]
async fn version_changes_with_the_routes_and_only_with_them() {
    let plane = Plane::start().await;
    let first = snapshot(&plane).await.version;
    plane.advance(60);
    assert_eq!(snapshot(&plane).await.version, first);
    let install = plane.synced().await;
    let second = snapshot(&plane).await.version;
    assert!(second > first);
    plane.control.start_sync(&plane.owner, install.id).await.expect("a run");
    plane.work().await;
    assert_eq!(snapshot(&plane).await.version, second, "a sync changes data, not routes");
    let rename =
        UpdateInstall { display_name: Some("Other".to_owned()), ..UpdateInstall::default() };
    plane.control.update_install(&plane.owner, install.id, rename).await.expect("renamed");
    let third = snapshot(&plane).await.version;
    assert!(third > second);
    plane.control.remove_install(&plane.owner, install.id).await.expect("removed");
    assert!(snapshot(&plane).await.version > third);
}

#[tokio::test]
async fn key_is_known_by_the_snapshot_alone() {
    let plane = Plane::start().await;
    let (one, other) = (plane.install().await.install, plane.install().await.install);
    let key = plane.key(Role::Member, Some(vec![one.id])).await;
    let TenantRoutes { snapshot, policies } = routes(&plane).await;
    let caller =
        plane.control.by_route_key(&snapshot, key.secret.expose_secret(), "r").expect("a caller");
    let permits = plane.control.permits(&caller, &policies);
    for route in &snapshot.installs {
        let reached = route.id == one.id;
        assert_eq!(
            permits.tool(route, "wipe", ToolEffect::Destructive),
            reached,
            "{}",
            route.alias
        );
        assert_eq!(permits.some_record(route), reached, "{}", route.alias);
    }
    assert!(snapshot.installs.iter().any(|route| route.id == other.id));
    assert!(plane.control.by_route_key(&snapshot, "pb_live_made_up", "r").is_none());
}

#[tokio::test]
async fn expired_key_is_refused_by_an_old_snapshot_too() {
    let plane = Plane::start().await;
    let command = control::CreateApiKey {
        name: "Short".to_owned(),
        role: Role::Member,
        installs: None,
        expires_in_days: Some(1),
    };
    let key = plane.control.create_api_key(&plane.owner, command).await.expect("a key");
    let snapshot = snapshot(&plane).await;
    let text = key.secret.expose_secret();
    assert!(plane.control.by_route_key(&snapshot, text, "r").is_some());
    plane.advance(86_400);
    assert!(plane.control.by_route_key(&snapshot, text, "r").is_none());
}

#[tokio::test]
async fn viewer_key_may_use_nothing() {
    let plane = Plane::start().await;
    plane.install().await;
    let key = plane.key(Role::Viewer, None).await;
    let TenantRoutes { snapshot, policies } = routes(&plane).await;
    let caller = plane.control.by_route_key(&snapshot, key.secret.expose_secret(), "r");
    let caller = caller.expect("a caller");
    let permits = plane.control.permits(&caller, &policies);
    assert!(!permits.tool(&snapshot.installs[0], "echo", ToolEffect::ReadOnly));
    assert!(
        !permits.some_tool(&snapshot.installs[0]) && !permits.some_record(&snapshot.installs[0])
    );
}

#[tokio::test]
async fn changes_are_told_at_once() {
    let plane = Plane::start().await;
    let mut events = plane.control.events();
    let key = plane.key(Role::Member, None).await;
    let tenant = plane.tenant;
    assert_eq!(events.next().await, Some(Event::RouteChanged { tenant }));
    plane.control.revoke_api_key(&plane.owner, key.key.id).await.expect("revoked");
    assert_eq!(events.next().await, Some(Event::RouteChanged { tenant }));
    let install = plane.install().await.install.id;
    assert_eq!(events.next().await, Some(Event::RouteChanged { tenant }));
    plane.work().await;
    let told: Vec<_> = events.by_ref().take(4).collect().await;
    assert!(told.contains(&Event::DataChanged { tenant, install }), "{told:?}");
}
