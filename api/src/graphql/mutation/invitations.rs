//! `inviteMember`, `resendInvitation`, `revokeInvitation` and `acceptInvitation`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{InviteMember, SentInvitation};
use domain::secret::ExposeSecret;

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        invitation::Invitation, member::Role, policy::Classification, tenant::Tenant,
        user_error::UserError,
    },
    scalar::{typed, typed_all},
};

#[derive(Default)]
pub(crate) struct InvitationsMutation;

#[derive(InputObject)]
pub(crate) struct InviteMemberInput {
    email: String,
    /// At most what the caller holds.
    #[graphql(default_with = "Role::Member")]
    role: Role,
    /// Null gives the role's usual one.
    clearance: Option<Classification>,
    /// Groups that the person joins; none that a directory keeps.
    #[graphql(default)]
    group_ids: Vec<ID>,
    /// At most 30.
    #[graphql(default = 7)]
    expires_in_days: i32,
}

#[derive(InputObject)]
pub(crate) struct ResendInvitationInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct RevokeInvitationInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct AcceptInvitationInput {
    /// Last part of the invitation's link.
    token: String,
}

/// Writes a payload with an invitation and its link.
macro_rules! sent {
    ($name:ident) => {
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            invitation: Option<Invitation>,
            /// To be handed to the person: shown this once. No mail is sent.
            url: Option<String>,
            user_errors: Vec<UserError>,
        }

        impl $name {
            fn of(caller: &Caller, sent: Result<SentInvitation, control::Error>) -> Result<Self> {
                Ok(match expected(sent)? {
                    Ok(sent) => Self {
                        url: Some(format!(
                            "{}/invitations/{}",
                            caller.public_url,
                            sent.token.expose_secret()
                        )),
                        invitation: Some(Invitation::of(caller, sent.invitation)),
                        user_errors: Vec::new(),
                    },
                    Err(user_errors) => Self { invitation: None, url: None, user_errors },
                })
            }
        }
    };
}

sent!(InviteMemberPayload);
sent!(ResendInvitationPayload);

payloads!(invitation: Invitation, [RevokeInvitationPayload]);

#[derive(SimpleObject)]
pub(crate) struct AcceptInvitationPayload {
    /// The organisation that the caller now belongs to: `switchOrganisation` goes there.
    tenant: Option<Tenant>,
    user_errors: Vec<UserError>,
}

#[Object]
impl InvitationsMutation {
    /// Invites the person with an e-mail address, and gives the link to hand over.
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        input: InviteMemberInput,
    ) -> Result<InviteMemberPayload> {
        let caller = Caller::of(ctx);
        let invited = async {
            let command = InviteMember {
                email: input.email,
                role: input.role.into(),
                clearance: input.clearance.map(Into::into),
                groups: typed_all(&input.group_ids, "groupIds")?,
                expires_in_days: Some(u32::try_from(input.expires_in_days).unwrap_or(0)),
            };
            caller.control.invite_member(&caller.ctx, command).await
        };
        InviteMemberPayload::of(caller, invited.await)
    }

    /// Makes a new link, which ends the earlier one.
    async fn resend_invitation(
        &self,
        ctx: &Context<'_>,
        input: ResendInvitationInput,
    ) -> Result<ResendInvitationPayload> {
        let caller = Caller::of(ctx);
        let sent = async {
            let id = typed(&input.id, "id")?;
            caller.control.resend_invitation(&caller.ctx, id).await
        };
        ResendInvitationPayload::of(caller, sent.await)
    }

    /// Takes an invitation back.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        let caller = Caller::of(ctx);
        let revoked = async {
            let id = typed(&input.id, "id")?;
            caller.control.revoke_invitation(&caller.ctx, id).await
        };
        Ok(expected(revoked.await)?.map(|it| Invitation::of(caller, it)).into())
    }

    /// Takes an invitation as the person who is signed in: their e-mail address must be the one that was invited.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        let caller = Caller::of(ctx);
        let accepted = caller.control.accept_invitation(&caller.ctx, &input.token).await;
        Ok(match expected(accepted)? {
            Ok(tenant) => {
                AcceptInvitationPayload { tenant: Some(Tenant(tenant)), user_errors: Vec::new() }
            }
            Err(user_errors) => AcceptInvitationPayload { tenant: None, user_errors },
        })
    }
}
