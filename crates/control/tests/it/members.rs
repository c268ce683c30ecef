//! Members: roles, suspension, removal, leaving, and the owner who stays.

use control::{Error, TransferOwnership, UpdateMember};
use domain::{
    AuditOutcome, Classification, MembershipId, OpCtx, PageArgs, Principal, Role, UserId,
    secret::ExposeSecret,
};

use crate::plane::{Plane, sign_in};

pub(crate) fn person(ctx: &OpCtx) -> UserId {
    match ctx.principal() {
        Principal::User(user) => *user,
        other => panic!("a person, not {other}"),
    }
}

/// The membership of somebody in the plane's organisation.
pub(crate) async fn membership(plane: &Plane, user: UserId) -> MembershipId {
    let members = plane.control.list_members(&plane.owner, PageArgs::all()).await;
    let mut members = members.expect("members").into_items();
    members.find(|(_, it)| it.id == user).expect("a member").0.id
}

fn role(role: Role) -> UpdateMember {
    UpdateMember { role: Some(role), clearance: None }
}

async fn active_owners(plane: &Plane, ctx: &OpCtx) -> usize {
    let members = plane.control.list_members(ctx, PageArgs::all()).await.expect("members");
    members.into_items().filter(|(it, _)| it.role == Role::Owner && it.is_active()).count()
}

#[tokio::test]
async fn admin_gives_roles_up_to_their_own_and_no_further() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let user = plane.person(Role::Viewer).await;
    let id = membership(&plane, user).await;
    let raised = plane.control.update_member(&admin, id, role(Role::ConnectorManager)).await;
    assert_eq!(raised.expect("raised").0.role, Role::ConnectorManager);
    let refused = plane.control.update_member(&admin, id, role(Role::Owner)).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("member.update", &admin).await;
    let entry = plane.audit("member.update").await.remove(1);
    assert_eq!(entry.outcome, AuditOutcome::Succeeded);
    assert_eq!(entry.detail["role"]["to"], "connector_manager");
    let clearance = UpdateMember { role: None, clearance: Some(Classification::Restricted) };
    let cleared = plane.control.update_member(&admin, id, clearance).await.expect("cleared");
    assert_eq!(cleared.0.clearance, Classification::Restricted);
    let viewer = sign_in(&plane.control, plane.tenant, user).await;
    assert_eq!(viewer.access().clearance, Classification::Restricted);
}

#[tokio::test]
async fn clearance_is_given_and_taken_only_by_who_has_it() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let own = membership(&plane, person(&admin)).await;
    let level = |level| UpdateMember { role: None, clearance: Some(level) };
    let lowered = plane.control.update_member(&plane.owner, own, level(Classification::Internal));
    lowered.await.expect("lowered");
    let admin = sign_in(&plane.control, plane.tenant, person(&admin)).await;
    let other = membership(&plane, plane.person(Role::Viewer).await).await;
    let refused =
        plane.control.update_member(&admin, other, level(Classification::Confidential)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let raised =
        plane.control.update_member(&plane.owner, other, level(Classification::Restricted));
    raised.await.expect("raised");
    let refused = plane.control.update_member(&admin, other, level(Classification::Public)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn admin_does_not_touch_an_owner() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let owner = membership(&plane, person(&plane.owner)).await;
    let second = membership(&plane, plane.person(Role::Owner).await).await;
    for id in [owner, second] {
        let control = &plane.control;
        let demoted = control.update_member(&admin, id, role(Role::Viewer)).await.map(drop);
        let suspended = control.suspend_member(&admin, id).await.map(drop);
        let removed = control.remove_member(&admin, id).await;
        for refused in [demoted, suspended, removed] {
            assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        }
    }
    plane.assert_refusal_audited("member.remove", &admin).await;
    assert_eq!(active_owners(&plane, &plane.owner).await, 2);
}

#[tokio::test]
async fn member_below_admin_changes_nobody() {
    let plane = Plane::start().await;
    let member = plane.member(Role::Member).await;
    let id = membership(&plane, plane.person(Role::Viewer).await).await;
    let refused = plane.control.update_member(&member, id, role(Role::Viewer)).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let refused = plane.control.remove_member(&member, id).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
}

/// Also run on PostgreSQL.
pub(crate) async fn suspended_and_removed_members_lose_every_way_in(plane: &Plane) {
    let admin = plane.member(Role::Admin).await;
    let id = membership(plane, person(&admin)).await;
    let command = control::CreateApiKey {
        name: "Their key".to_owned(),
        role: Role::Admin,
        installs: None,
        expires_in_days: None,
    };
    let key = plane.control.create_api_key(&admin, command).await.expect("a key");
    let text = key.secret.expose_secret();
    let theirs = plane.control.by_api_key(text, "r").await.expect("a caller");
    let command = control::CreateApiKey {
        name: "Made by their key".to_owned(),
        role: Role::Viewer,
        installs: None,
        expires_in_days: None,
    };
    let by_key = plane.control.create_api_key(&theirs, command).await.expect("a key of a key");
    assert_eq!(by_key.key.created_by, Some(person(&admin)));
    let of_key = by_key.secret.expose_secret();
    let link = plane.control.create_sign_in_link(plane.tenant, person(&admin)).await;
    let link = link.expect("a link");
    let browser = plane.control.redeem_link(link.expose_secret(), "r").await.expect("signed in");
    let session = browser.token.expose_secret();
    assert!(plane.control.by_session(session, "r").await.is_ok());
    assert!(plane.control.by_api_key(text, "r").await.is_ok());

    let suspended = plane.control.suspend_member(&plane.owner, id).await.expect("suspended");
    assert!(!suspended.0.is_active());
    let by_session = plane.control.by_session(session, "r").await;
    assert!(matches!(by_session, Err(Error::Unauthenticated)), "{by_session:?}");
    let by_key = plane.control.by_api_key(text, "r").await;
    assert!(matches!(by_key, Err(Error::Unauthenticated)), "{by_key:?}");
    let link = plane.control.create_sign_in_link(plane.tenant, person(&admin)).await;
    assert!(matches!(link, Err(Error::NotFound)), "{link:?}");
    let by_key = plane.control.by_api_key(of_key, "r").await;
    assert!(matches!(by_key, Err(Error::Unauthenticated)), "made by their key: {by_key:?}");
    assert_eq!(plane.audit("member.suspend").await[0].detail["api_keys"], 2);

    let back = plane.control.reactivate_member(&plane.owner, id).await.expect("reactivated");
    assert_eq!((back.0.is_active(), back.0.role), (true, Role::Admin));
    let again = sign_in(&plane.control, plane.tenant, person(&admin)).await;
    let by_key = plane.control.by_api_key(text, "r").await;
    assert!(matches!(by_key, Err(Error::Unauthenticated)), "ended for good: {by_key:?}");

    plane.control.remove_member(&plane.owner, id).await.expect("removed");
    let gone = plane.control.lookup_member(&plane.owner, id).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    let directory = plane.store.directory();
    let session = directory.lookup_session(again.session().expect("a session")).await;
    assert!(session.expect("kept").revoked_at.is_some());
    let organisations = directory.list_organisations(person(&admin)).await;
    assert!(organisations.expect("a list").is_empty());
}

#[tokio::test]
async fn suspension_and_removal_end_sessions_and_keys() {
    suspended_and_removed_members_lose_every_way_in(&Plane::start().await).await;
}

#[tokio::test]
async fn nobody_suspends_themselves() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let refused =
        plane.control.suspend_member(&admin, membership(&plane, person(&admin)).await).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

#[tokio::test]
async fn last_owner_stays() {
    let plane = Plane::start().await;
    let id = membership(&plane, person(&plane.owner)).await;
    let control = &plane.control;
    let refusals = [
        control.update_member(&plane.owner, id, role(Role::Admin)).await.map(drop),
        control.remove_member(&plane.owner, id).await,
        control.leave_organisation(&plane.owner, plane.tenant).await,
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    // Another owner who cannot come in does not count.
    let second = membership(&plane, plane.person(Role::Owner).await).await;
    control.suspend_member(&plane.owner, second).await.expect("suspended");
    let refused = control.leave_organisation(&plane.owner, plane.tenant).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    control.reactivate_member(&plane.owner, second).await.expect("reactivated");
    control.leave_organisation(&plane.owner, plane.tenant).await.expect("left");
    let after = control.lookup_member(&plane.owner, id).await;
    assert!(matches!(after, Err(Error::NotFound)), "{after:?}");
}

/// Two owners of an organisation of their own.
async fn two_owners(plane: &Plane, slug: &str) -> [(OpCtx, MembershipId); 2] {
    let mut owners = Vec::new();
    for name in ["one", "other"] {
        let set_up = control::SetUp {
            tenant_slug: slug.to_owned(),
            tenant_name: slug.to_owned(),
            owner_email: format!("{name}@{slug}.test"),
            owner_name: name.to_owned(),
        };
        let done = plane.control.set_up(set_up).await.expect("an owner");
        let ctx = sign_in(&plane.control, done.tenant.id, done.owner.id).await;
        let members = plane.control.list_members(&ctx, PageArgs::all()).await.expect("members");
        let id = members.into_items().find(|(_, it)| it.id == done.owner.id).expect("there").0.id;
        owners.push((ctx, id));
    }
    owners.try_into().expect("two")
}

/// Also run on PostgreSQL.
pub(crate) async fn of_two_owners_who_go_at_once_one_stays(plane: &Plane) {
    let control = &plane.control;
    for round in 0..8 {
        let [(one, one_id), (other, other_id)] = two_owners(plane, &format!("race{round}")).await;
        let (first, second) = match round % 4 {
            0 => tokio::join!(
                control.remove_member(&one, other_id),
                control.remove_member(&other, one_id),
            ),
            1 => tokio::join!(
                control.leave_organisation(&one, one.tenant()),
                control.leave_organisation(&other, other.tenant())
            ),
            2 => {
                let demote = control.update_member(&one, other_id, role(Role::Viewer));
                let leave = control.leave_organisation(&one, one.tenant());
                let (demoted, left) = tokio::join!(demote, leave);
                (demoted.map(drop), left)
            }
            _ => {
                let suspend = control.suspend_member(&one, other_id);
                let demote = control.update_member(&one, one_id, role(Role::Admin));
                let (suspended, demoted) = tokio::join!(suspend, demote);
                (suspended.map(drop), demoted.map(drop))
            }
        };
        let done = [&first, &second].into_iter().filter(|it| it.is_ok()).count();
        assert_eq!(done, 1, "round {round}: {first:?} {second:?}");
        let left = if first.is_ok() && round % 4 != 1 { &one } else { &other };
        assert_eq!(active_owners(plane, left).await, 1, "round {round}");
    }
}

#[tokio::test]
async fn of_two_owners_who_go_at_once_one_stays_on_sqlite() {
    of_two_owners_who_go_at_once_one_stays(&Plane::start().await).await;
}

#[tokio::test]
async fn ownership_is_handed_over_by_an_owner_who_has_just_signed_in() {
    let plane = Plane::start().await;
    let heir = plane.person(Role::Member).await;
    let to = membership(&plane, heir).await;
    let command = TransferOwnership { to, own_role: Role::Viewer };
    let admin = plane.member(Role::Admin).await;
    let refused = plane.control.transfer_ownership(&admin, command).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let key = plane.key(Role::Owner, None).await;
    let by_key = plane.control.transfer_ownership(&plane.caller(&key).await, command).await;
    assert!(matches!(by_key, Err(Error::NotFound)), "{by_key:?}");
    let again = TransferOwnership { own_role: Role::Owner, ..command };
    let refused = plane.control.transfer_ownership(&plane.owner, again).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let done = plane.control.transfer_ownership(&plane.owner, command).await.expect("handed over");
    assert_eq!((done.0.role, done.0.clearance), (Role::Owner, Classification::Restricted));
    let heir = sign_in(&plane.control, plane.tenant, heir).await;
    let before = plane.control.lookup_member(&heir, membership(&plane, person(&plane.owner)).await);
    assert_eq!(before.await.expect("there").0.role, Role::Viewer);
    // The caller was an owner when they came in, and is none any more.
    let twice = plane.control.transfer_ownership(&plane.owner, command).await;
    assert!(matches!(twice, Err(Error::Denied(_))), "{twice:?}");
    plane.advance(3 * 3600);
    let late = plane.control.transfer_ownership(&heir, command).await;
    assert!(matches!(late, Err(Error::Reauthenticate)), "{late:?}");
}

#[tokio::test]
async fn members_of_another_organisation_are_not_there() {
    let plane = Plane::start().await;
    let stranger = plane.stranger().await;
    let id = membership(&plane, plane.person(Role::Viewer).await).await;
    let control = &plane.control;
    let answers = [
        control.lookup_member(&stranger, id).await.map(drop),
        control.update_member(&stranger, id, role(Role::Admin)).await.map(drop),
        control.suspend_member(&stranger, id).await.map(drop),
        control.reactivate_member(&stranger, id).await.map(drop),
        control.remove_member(&stranger, id).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    }
    let command = TransferOwnership { to: id, own_role: Role::Admin };
    let answer = control.transfer_ownership(&stranger, command).await;
    assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
}
