//! `createSsoConnection`, `updateSsoConnection`, `removeSsoConnection`, `addDomain`, `verifyDomain` and `removeDomain`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{CreateSsoConnection, Error, UpdateSsoConnection};
use domain::identity::{ConnectionRules, SessionPolicy};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        domain::Domain,
        member::Role,
        sso_connection::{SsoConnection, SsoConnectionState},
        user_error::UserError,
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct IdentityMutation;

#[derive(InputObject)]
pub(crate) struct GroupRoleInput {
    group: String,
    role: Role,
}

#[derive(InputObject)]
pub(crate) struct RequiredClaimInput {
    claim: String,
    any_of: Vec<String>,
}

/// Who is let in by a connection, as what, and for how long.
#[derive(InputObject)]
pub(crate) struct SsoRulesInput {
    /// Asked for beside `openid`.
    #[graphql(default_with = "vec![\"email\".to_owned(), \"profile\".to_owned()]")]
    scopes: Vec<String>,
    #[graphql(default)]
    required_claims: Vec<RequiredClaimInput>,
    group_claim: Option<String>,
    #[graphql(default)]
    group_roles: Vec<GroupRoleInput>,
    default_role: Option<Role>,
    /// Whether a first sign-in makes a member.
    #[graphql(default)]
    provisions: bool,
    /// Null does not look at how long a session is idle.
    idle_minutes: Option<u32>,
    #[graphql(default = 12)]
    session_hours: u32,
}

#[derive(InputObject)]
pub(crate) struct CreateSsoConnectionInput {
    name: String,
    issuer: String,
    client_id: String,
    /// Null for a public client.
    client_secret: Option<String>,
    rules: SsoRulesInput,
}

#[derive(InputObject)]
pub(crate) struct UpdateSsoConnectionInput {
    id: ID,
    /// Refuses the change when somebody else made one in the meantime.
    expected_version: Option<i64>,
    name: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    /// Takes the place of all rules.
    rules: Option<SsoRulesInput>,
    state: Option<SsoConnectionState>,
}

#[derive(InputObject)]
pub(crate) struct RemoveSsoConnectionInput {
    id: ID,
}

payloads!(sso_connection: SsoConnection, [CreateSsoConnectionPayload, UpdateSsoConnectionPayload]);

#[derive(SimpleObject)]
pub(crate) struct RemoveSsoConnectionPayload {
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct AddDomainInput {
    /// For instance `acme.com`.
    name: String,
}

#[derive(InputObject)]
pub(crate) struct VerifyDomainInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct RemoveDomainInput {
    id: ID,
}

payloads!(domain: Domain, [AddDomainPayload, VerifyDomainPayload]);

#[derive(SimpleObject)]
pub(crate) struct RemoveDomainPayload {
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[Object]
impl IdentityMutation {
    /// Adds a connection to a provider, as a draft: test it, then take it into use.
    async fn create_sso_connection(
        &self,
        ctx: &Context<'_>,
        input: CreateSsoConnectionInput,
    ) -> Result<CreateSsoConnectionPayload> {
        let caller = Caller::of(ctx);
        let command = CreateSsoConnection {
            name: input.name,
            issuer: input.issuer,
            client_id: input.client_id,
            client_secret: input.client_secret.map(Into::into),
            rules: input.rules.into(),
        };
        connection(caller.control.create_sso_connection(&caller.ctx, command).await)
    }

    /// Changes a connection, takes it into use or enforces it.
    async fn update_sso_connection(
        &self,
        ctx: &Context<'_>,
        input: UpdateSsoConnectionInput,
    ) -> Result<UpdateSsoConnectionPayload> {
        connection(update(Caller::of(ctx), input).await)
    }

    /// Removes a connection: nobody signs in by it any more.
    async fn remove_sso_connection(
        &self,
        ctx: &Context<'_>,
        input: RemoveSsoConnectionInput,
    ) -> Result<RemoveSsoConnectionPayload> {
        let caller = Caller::of(ctx);
        let removed = async {
            let id = typed(&input.id, "id")?;
            caller.control.remove_sso_connection(&caller.ctx, id).await
        };
        let (removed_id, user_errors) = match expected(removed.await)? {
            Ok(()) => (Some(input.id), Vec::new()),
            Err(user_errors) => (None, user_errors),
        };
        Ok(RemoveSsoConnectionPayload { removed_id, user_errors })
    }

    /// Claims a domain. Its record shows that it is the organisation's.
    async fn add_domain(
        &self,
        ctx: &Context<'_>,
        input: AddDomainInput,
    ) -> Result<AddDomainPayload> {
        let caller = Caller::of(ctx);
        domain(caller.control.add_domain(&caller.ctx, &input.name).await)
    }

    /// Looks for the record that proves a domain.
    async fn verify_domain(
        &self,
        ctx: &Context<'_>,
        input: VerifyDomainInput,
    ) -> Result<VerifyDomainPayload> {
        let caller = Caller::of(ctx);
        let verified = async {
            let id = typed(&input.id, "id")?;
            caller.control.verify_domain(&caller.ctx, id).await
        };
        domain(verified.await)
    }

    /// Gives a domain up.
    async fn remove_domain(
        &self,
        ctx: &Context<'_>,
        input: RemoveDomainInput,
    ) -> Result<RemoveDomainPayload> {
        let caller = Caller::of(ctx);
        let removed = async {
            let id = typed(&input.id, "id")?;
            caller.control.remove_domain(&caller.ctx, id).await
        };
        let (removed_id, user_errors) = match expected(removed.await)? {
            Ok(()) => (Some(input.id), Vec::new()),
            Err(user_errors) => (None, user_errors),
        };
        Ok(RemoveDomainPayload { removed_id, user_errors })
    }
}

async fn update(
    caller: &Caller,
    input: UpdateSsoConnectionInput,
) -> Result<domain::SsoConnection, Error> {
    let command = UpdateSsoConnection {
        id: typed(&input.id, "id")?,
        expected_version: input.expected_version,
        name: input.name,
        issuer: input.issuer,
        client_id: input.client_id,
        client_secret: input.client_secret.map(Into::into),
        rules: input.rules.map(Into::into),
        state: input.state.map(Into::into),
    };
    caller.control.update_sso_connection(&caller.ctx, command).await
}

fn connection<P: From<Result<SsoConnection, Vec<UserError>>>>(
    outcome: Result<domain::SsoConnection, Error>,
) -> Result<P> {
    Ok(expected(outcome)?.map(SsoConnection).into())
}

fn domain<P: From<Result<Domain, Vec<UserError>>>>(
    outcome: Result<domain::Domain, Error>,
) -> Result<P> {
    Ok(expected(outcome)?.map(Domain).into())
}

impl From<SsoRulesInput> for ConnectionRules {
    fn from(input: SsoRulesInput) -> Self {
        let required = input.required_claims.into_iter();
        let groups = input.group_roles.into_iter();
        Self {
            scopes: input.scopes,
            required_claims: required
                .map(|it| domain::identity::RequiredClaim { claim: it.claim, any_of: it.any_of })
                .collect(),
            group_claim: input.group_claim,
            group_roles: groups
                .map(|it| domain::identity::GroupRole { group: it.group, role: it.role.into() })
                .collect(),
            default_role: input.default_role.map(Into::into),
            provisions: input.provisions,
            session: SessionPolicy {
                idle_minutes: input.idle_minutes,
                absolute_hours: input.session_hours,
            },
        }
    }
}
