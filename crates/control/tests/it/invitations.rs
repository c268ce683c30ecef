//! Invitations: who may invite whom, and who may come.

use control::{Control, Error, InviteMember, SentInvitation, SetUp, UpdateMember};
use domain::{
    Classification, InvitationId, InvitationState, OpCtx, PageArgs, Role, secret::ExposeSecret,
};

use crate::{
    members::{membership, person},
    plane::{Plane, organisation, sign_in},
};

fn invite(email: &str, role: Role) -> InviteMember {
    InviteMember {
        email: email.to_owned(),
        role,
        clearance: None,
        groups: Vec::new(),
        expires_in_days: None,
    }
}

async fn sent(plane: &Plane, ctx: &OpCtx, command: InviteMember) -> SentInvitation {
    plane.control.invite_member(ctx, command).await.expect("an invitation")
}

fn not_valid<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Invalid { code: "invitation", .. }))
}

/// Also run on PostgreSQL.
pub(crate) async fn invitation_is_taken_once_by_whom_it_is_for(plane: &Plane) {
    let control = &plane.control;
    let guest = plane.stranger().await;
    let group = control.create_group(&plane.owner, "Guests").await.expect("a group");
    let command = InviteMember {
        groups: vec![group.id],
        clearance: Some(Classification::Confidential),
        ..invite("Owner@Globex.test", Role::ConnectorManager)
    };
    let invitation = sent(plane, &plane.owner, command).await;
    let token = invitation.token.expose_secret();
    let (_, other) = organisation(control, "initech").await;
    let refused = control.accept_invitation(&other, token).await;
    assert!(not_valid(&refused), "somebody else's address: {refused:?}");
    let take = || Box::pin(control.accept_invitation(&guest, token));
    let answers = tokio::join!(take(), take(), take());
    let answers = [answers.0, answers.1, answers.2];
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|it| not_valid(it)).count(), 2, "{answers:?}");
    let user = person(&guest);
    let member = sign_in(control, plane.tenant, user).await;
    let access = member.access();
    assert_eq!(
        (access.role, access.clearance),
        (Role::ConnectorManager, Classification::Confidential)
    );
    assert_eq!(access.groups, [group.id]);
    let after = control.lookup_invitation(&plane.owner, invitation.invitation.id).await;
    assert_eq!(after.expect("there").state(plane.clock.now()), InvitationState::Accepted);
    let entry = plane.audit("invitation.accept").await.remove(0);
    assert_eq!(entry.actor, user.to_string());
    let log = format!("{:?}", plane.audit("invitation.create").await);
    assert!(log.contains("owner@globex.test") && !log.contains(token), "{log}");
}

#[tokio::test]
async fn invitation_is_taken_once_by_whom_it_is_for_on_sqlite() {
    invitation_is_taken_once_by_whom_it_is_for(&Plane::start().await).await;
}

#[tokio::test]
async fn nobody_invites_above_themselves() {
    let plane = Plane::start().await;
    let admin = plane.member(Role::Admin).await;
    let refused = plane.control.invite_member(&admin, invite("a@b.test", Role::Owner)).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("invitation.create", &admin).await;
    let member = plane.member(Role::Member).await;
    let refused = plane.control.invite_member(&member, invite("a@b.test", Role::Viewer)).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    for address in ["", "nobody", "@b.test", "a@", "a b@c.test"] {
        let refused = plane.control.invite_member(&admin, invite(address, Role::Viewer)).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{address}: {refused:?}");
    }
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let plane = Plane::start().await;
    plane.stranger().await;
    let known = sent(&plane, &plane.owner, invite("owner@globex.test", Role::Viewer)).await;
    let unknown = sent(&plane, &plane.owner, invite("nobody@globex.test", Role::Viewer)).await;
    let (mut one, mut other) = (known.invitation, unknown.invitation);
    for it in [&mut one, &mut other] {
        it.email.clear();
        it.id = InvitationId::from_uuid(plane.tenant.uuid());
    }
    assert_eq!(one, other);
    let again =
        plane.control.invite_member(&plane.owner, invite("nobody@globex.test", Role::Viewer));
    let again = again.await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let own =
        plane.control.invite_member(&plane.owner, invite("owner@acme.test", Role::Viewer)).await;
    assert!(matches!(own, Err(Error::Conflict { .. })), "one's own members are no secret: {own:?}");
}

#[tokio::test]
async fn link_ends_by_resending_revoking_and_time() {
    let plane = Plane::start().await;
    let control = &plane.control;
    let guest = plane.stranger().await;
    let first = sent(&plane, &plane.owner, invite("owner@globex.test", Role::Member)).await;
    let id = first.invitation.id;
    let second = control.resend_invitation(&plane.owner, id).await.expect("sent again");
    let old = control.accept_invitation(&guest, first.token.expose_secret()).await;
    assert!(not_valid(&old), "{old:?}");
    let revoked = control.revoke_invitation(&plane.owner, id).await.expect("revoked");
    assert_eq!(revoked.state(plane.clock.now()), InvitationState::Revoked);
    let old = control.accept_invitation(&guest, second.token.expose_secret()).await;
    assert!(not_valid(&old), "{old:?}");
    let again = control.resend_invitation(&plane.owner, id).await.map(drop);
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");

    let third = sent(&plane, &plane.owner, invite("owner@globex.test", Role::Member)).await;
    plane.advance(7 * 24 * 3600);
    // Signed in a moment ago: only the invitation is old.
    let guest = sign_in(control, guest.tenant(), person(&guest)).await;
    let late = control.accept_invitation(&guest, third.token.expose_secret()).await;
    assert!(not_valid(&late), "{late:?}");
    for unknown in ["", "pbinvite_", "pbinvite_x_y", "nonsense"] {
        let answer = control.accept_invitation(&guest, unknown).await;
        assert!(not_valid(&answer), "{unknown}: {answer:?}");
    }
    let fourth = control.resend_invitation(&plane.owner, third.invitation.id).await.expect("again");
    let tenant = control.accept_invitation(&guest, fourth.token.expose_secret()).await;
    assert_eq!(tenant.expect("accepted").id, plane.tenant);
    let page = control.list_invitations(&plane.owner, PageArgs::all()).await.expect("a list");
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn invitation_of_somebody_demoted_since_is_worth_nothing() {
    let plane = Plane::start().await;
    let guest = plane.stranger().await;
    let admin = plane.member(Role::Admin).await;
    let invitation = sent(&plane, &admin, invite("owner@globex.test", Role::Admin)).await;
    let demote = UpdateMember { role: Some(Role::Member), clearance: None };
    let id = membership(&plane, person(&admin)).await;
    plane.control.update_member(&plane.owner, id, demote).await.expect("demoted");
    let token = invitation.token.expose_secret();
    let refused = plane.control.accept_invitation(&guest, token).await;
    assert!(not_valid(&refused), "{refused:?}");
    let promote = UpdateMember { role: Some(Role::Admin), clearance: None };
    plane.control.update_member(&plane.owner, id, promote).await.expect("promoted");
    plane.control.accept_invitation(&guest, token).await.expect("not used up by the refusal");
}

#[tokio::test]
async fn suspended_member_does_not_come_back_by_an_invitation() {
    let plane = Plane::start().await;
    let control: &Control = &plane.control;
    let set_up = SetUp {
        tenant_slug: "globex".to_owned(),
        tenant_name: "Globex".to_owned(),
        owner_email: "owner@acme.test".to_owned(),
        owner_name: "Owner".to_owned(),
    };
    // The owner of acme has a second organisation, and is taken out of the first.
    let globex = control.set_up(set_up).await.expect("an organisation").tenant.id;
    let second = plane.member(Role::Owner).await;
    let elsewhere = sign_in(control, globex, person(&plane.owner)).await;
    let id = membership(&plane, person(&plane.owner)).await;
    control.suspend_member(&second, id).await.expect("suspended");
    let refused = control.invite_member(&second, invite("owner@acme.test", Role::Viewer)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    control.remove_member(&second, id).await.expect("removed");
    let invitation = sent(&plane, &second, invite("owner@acme.test", Role::Viewer)).await;
    let back = control.accept_invitation(&elsewhere, invitation.token.expose_secret()).await;
    assert_eq!(back.expect("by a new invitation").id, plane.tenant);
}

#[tokio::test]
async fn invitations_of_another_organisation_are_not_there() {
    let plane = Plane::start().await;
    let stranger = plane.stranger().await;
    let id = sent(&plane, &plane.owner, invite("a@b.test", Role::Viewer)).await.invitation.id;
    let control = &plane.control;
    let answers = [
        control.lookup_invitation(&stranger, id).await.map(drop),
        control.resend_invitation(&stranger, id).await.map(drop),
        control.revoke_invitation(&stranger, id).await.map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    }
    let page = control.list_invitations(&stranger, PageArgs::all()).await.expect("a list");
    assert!(page.items.is_empty());
}
