//! Roles of an organisation's own: what they give, to whom, and who may give them.

use control::{CreateApiKey, CreateRole, Error, InviteMember, RoleInUse, UpdateRole};
use domain::{
    CustomRole, OpCtx, PageArgs, Role, RoleHolder,
    authz::{PermissionName, PermissionName as P, PermissionSet},
    secret::ExposeSecret,
};

use crate::{
    members::{membership, person},
    plane::{Plane, sign_in},
};

async fn made(plane: &Plane, name: &str, permissions: &[PermissionName]) -> CustomRole {
    let command = CreateRole {
        name: name.to_owned(),
        description: String::new(),
        permissions: permissions.to_vec(),
    };
    plane.control.create_role(&plane.owner, command).await.expect("a role")
}

async fn give(plane: &Plane, role: &CustomRole, holder: RoleHolder) {
    let given = plane.control.change_role_holder(&plane.owner, role.id, holder, true).await;
    given.expect("given");
}

async fn again(plane: &Plane, ctx: &OpCtx) -> OpCtx {
    sign_in(&plane.control, plane.tenant, person(ctx)).await
}

/// Also run on PostgreSQL.
pub(crate) async fn role_adds_to_what_its_holders_may(plane: &Plane) {
    let control = &plane.control;
    let member = plane.member(Role::Viewer).await;
    let id = membership(plane, person(&member)).await;
    let viewer = Role::Viewer.permissions();
    assert_eq!(member.access().permissions, viewer);

    let syncs = made(plane, "Syncs", &[P::SyncRun]).await;
    give(plane, &syncs, RoleHolder::Member(id)).await;
    give(plane, &syncs, RoleHolder::Member(id)).await;
    let group = control.create_group(&plane.owner, "Auditors").await.expect("a group").id;
    let audits = made(plane, "Audits", &[P::AuditRead]).await;
    give(plane, &audits, RoleHolder::Group(group)).await;
    let held = again(plane, &member).await.access().permissions;
    assert_eq!(held, viewer.union(PermissionSet::of(&[P::SyncRun])), "not in the group yet");
    control.change_group_members(&plane.owner, group, &[id], true).await.expect("added");
    let member = again(plane, &member).await;
    let both = PermissionSet::of(&[P::SyncRun, P::AuditRead]);
    assert_eq!(
        (member.access().role, member.access().permissions),
        (Role::Viewer, viewer.union(both))
    );
    let log = control.list_audit(&member, control::AuditFilter::default(), PageArgs::all()).await;
    assert!(!log.expect("may read the log").items.is_empty());

    let change = UpdateRole { permissions: Some(vec![P::KeyRotate]), ..UpdateRole::default() };
    let changed = control.update_role(&plane.owner, syncs.id, change).await.expect("changed");
    assert_eq!((changed.version, changed.name.as_str()), (2, "Syncs"));
    let held = again(plane, &member).await.access().permissions;
    let today = PermissionSet::of(&[P::KeyRotate, P::AuditRead]);
    assert_eq!(held, viewer.union(today), "for everybody who has it");

    let taken = control.change_role_holder(&plane.owner, syncs.id, RoleHolder::Member(id), false);
    taken.await.expect("taken");
    control.remove_group(&plane.owner, group).await.expect("removed");
    assert_eq!(again(plane, &member).await.access().permissions, viewer);
    assert_eq!(plane.audit("role.assign").await.len(), 3);
    assert_eq!(plane.audit("role.unassign").await.len(), 1);
}

#[tokio::test]
async fn role_adds_to_what_its_holders_may_on_sqlite() {
    role_adds_to_what_its_holders_may(&Plane::start().await).await;
}

#[tokio::test]
async fn nobody_puts_into_a_role_what_they_do_not_hold() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let command = |permissions: &[PermissionName]| CreateRole {
        name: "Mine".to_owned(),
        description: String::new(),
        permissions: permissions.to_vec(),
    };
    let refused = plane.control.create_role(&admin, command(&[P::TenantWrite])).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("role.create", &admin).await;
    // Nobody at all: an owner's alone, and what Patchbay itself does.
    for name in [P::TenantDelete, P::CredentialOpen, P::RecordWrite, P::AuditWrite] {
        let refused = plane.control.create_role(&plane.owner, command(&[name])).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{name}: {refused:?}");
    }
    let refused = plane.control.create_role(&admin, command(&[])).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let role = plane.control.create_role(&admin, command(&[P::SyncRun])).await.expect("a role");
    let more = UpdateRole { permissions: Some(vec![P::TenantWrite]), ..UpdateRole::default() };
    let refused = plane.control.update_role(&admin, role.id, more).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let grantable = plane.control.list_permissions(&admin).await.expect("a list");
    let of = |name| grantable.iter().find(|(it, _)| *it == name).map(|(_, may)| *may);
    let shown = (of(P::SyncRun), of(P::TenantWrite), of(P::TenantDelete), of(P::AuditWrite));
    assert_eq!(shown, (Some(true), Some(false), None, None));
}

#[tokio::test]
async fn nobody_gives_takes_or_changes_a_role_above_themselves() {
    let plane = Plane::start().await;
    let control = &plane.control;
    let admin = plane.member(Role::Admin).await;
    let own = RoleHolder::Member(membership(&plane, person(&admin)).await);
    let above = made(&plane, "Settings", &[P::TenantWrite]).await;
    let group = control.create_group(&plane.owner, "Settings").await.expect("a group").id;
    give(&plane, &above, RoleHolder::Group(group)).await;
    let id = membership(&plane, person(&admin)).await;
    let rename = UpdateRole { name: Some("Other".to_owned()), ..UpdateRole::default() };
    let invite = InviteMember {
        email: "a@b.test".to_owned(),
        role: Role::Viewer,
        clearance: None,
        groups: vec![group],
        expires_in_days: None,
    };
    let answers = [
        control.change_role_holder(&admin, above.id, own, true).await.map(drop),
        control
            .change_role_holder(&admin, above.id, RoleHolder::Group(group), false)
            .await
            .map(drop),
        control.update_role(&admin, above.id, rename).await.map(drop),
        control.delete_role(&admin, above.id, RoleInUse::Unassign).await,
        control.change_group_members(&admin, group, &[id], true).await.map(drop),
        control.remove_group(&admin, group).await,
        control.invite_member(&admin, invite).await.map(drop),
    ];
    for refused in answers {
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }
    // Whoever has the role holds more than the admin, who therefore does not touch them.
    let viewer = membership(&plane, plane.person(Role::Viewer).await).await;
    give(&plane, &above, RoleHolder::Member(viewer)).await;
    let refused = control.remove_member(&admin, viewer).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
}

#[tokio::test]
async fn role_in_use_is_deleted_only_with_a_word_on_its_holders() {
    let plane = Plane::start().await;
    let control = &plane.control;
    let member = plane.member(Role::Viewer).await;
    let holder = RoleHolder::Member(membership(&plane, person(&member)).await);
    let role = made(&plane, "Syncs", &[P::SyncRun]).await;
    give(&plane, &role, holder).await;
    let refused = control.delete_role(&plane.owner, role.id, RoleInUse::Refuse).await;
    let Err(Error::Conflict { message, .. }) = &refused else { panic!("{refused:?}") };
    assert!(message.contains("viewer has this role"), "{message}");
    let other = made(&plane, "Audits", &[P::AuditRead]).await;
    control
        .delete_role(&plane.owner, role.id, RoleInUse::Replace(other.id))
        .await
        .expect("deleted");
    let member = again(&plane, &member).await;
    assert!(member.access().permissions.contains(P::AuditRead));
    assert!(!member.access().permissions.contains(P::SyncRun));
    control.delete_role(&plane.owner, other.id, RoleInUse::Unassign).await.expect("deleted");
    assert_eq!(again(&plane, &member).await.access().permissions, Role::Viewer.permissions());
    let unused = made(&plane, "Unused", &[P::AuditRead]).await;
    control.delete_role(&plane.owner, unused.id, RoleInUse::Refuse).await.expect("deleted");
    let gone = control.lookup_role(&plane.owner, unused.id).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn key_holds_no_more_than_its_role_and_its_maker() {
    let plane = Plane::start().await;
    let keys =
        made(&plane, "Keys", &[P::ApiKeyWrite, P::RecordRead, P::ApiKeyRead, P::McpUse]).await;
    let viewer = plane.member(Role::Viewer).await;
    let holder = RoleHolder::Member(membership(&plane, person(&viewer)).await);
    give(&plane, &keys, holder).await;
    let viewer = again(&plane, &viewer).await;
    let command = CreateApiKey {
        name: "Key".to_owned(),
        role: Role::Member,
        installs: None,
        expires_in_days: None,
    };
    let key = plane.control.create_api_key(&viewer, command).await.expect("a key");
    let text = key.secret.expose_secret();
    let caller = plane.control.by_api_key(text, "r").await.expect("known");
    assert_eq!(caller.access().permissions, Role::Member.permissions());
    let taken = plane.control.change_role_holder(&plane.owner, keys.id, holder, false).await;
    taken.expect("taken");
    let caller = plane.control.by_api_key(text, "r").await.expect("known");
    assert_eq!(caller.access().permissions, Role::Viewer.permissions());
}

#[tokio::test]
async fn roles_of_another_organisation_are_not_there() {
    let plane = Plane::start().await;
    let stranger = plane.stranger().await;
    let role = made(&plane, "Syncs", &[P::SyncRun]).await;
    let holder = RoleHolder::Member(membership(&plane, person(&plane.owner)).await);
    let control = &plane.control;
    let answers = [
        control.lookup_role(&stranger, role.id).await.map(drop),
        control.list_role_assignments(&stranger, role.id, PageArgs::all()).await.map(drop),
        control.update_role(&stranger, role.id, UpdateRole::default()).await.map(drop),
        control.delete_role(&stranger, role.id, RoleInUse::Unassign).await,
        control.change_role_holder(&stranger, role.id, holder, true).await.map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    }
    let own = control.create_role(
        &stranger,
        CreateRole {
            name: "Syncs".to_owned(),
            description: String::new(),
            permissions: vec![P::SyncRun],
        },
    );
    let own = own.await.expect("names are taken within an organisation only");
    let foreign = control.change_role_holder(&stranger, own.id, holder, true).await;
    assert!(matches!(foreign, Err(Error::Invalid { .. })), "{foreign:?}");
}
