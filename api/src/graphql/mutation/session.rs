//! `signOut`, `revokeSession`, `signOutEverywhere` and `switchOrganisation`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::Switched;

use super::expected;
use crate::graphql::{caller::Caller, model::user_error::UserError, scalar::typed};

#[derive(Default)]
pub(crate) struct SessionMutation;

#[derive(SimpleObject)]
pub(crate) struct SignOutPayload {
    /// True: the session can no longer be used.
    ok: bool,
    /// Where the browser can end the provider's session too; null when there is no such place.
    end_session_url: Option<String>,
}

#[derive(InputObject)]
pub(crate) struct RevokeSessionInput {
    id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct RevokeSessionPayload {
    revoked_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
pub(crate) struct SignOutEverywherePayload {
    /// How many sessions were ended, this one included.
    ended: Option<i64>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct SwitchOrganisationInput {
    tenant_id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct SwitchOrganisationPayload {
    /// True: the answer sets the cookie of a session there. Load the console anew.
    switched: bool,
    /// Where the browser has to go first, because the organisation wants its own provider to say who the person is.
    sign_in_url: Option<String>,
    user_errors: Vec<UserError>,
}

#[Object]
impl SessionMutation {
    /// Ends the browser session that asks. An API key is ended by `revokeApiKey`.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let caller = Caller::of(ctx);
        let url = caller.control.end_session_url(&caller.ctx, &caller.public_url).await?;
        caller.control.sign_out(&caller.ctx).await?;
        caller.sign_out_done();
        Ok(SignOutPayload { ok: true, end_session_url: url.map(Into::into) })
    }

    /// Ends another signed-in browser of the caller.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        input: RevokeSessionInput,
    ) -> Result<RevokeSessionPayload> {
        let caller = Caller::of(ctx);
        let revoked = async {
            let id = typed(&input.id, "id")?;
            caller.control.revoke_own_session(&caller.ctx, id).await
        };
        let (revoked_id, user_errors) = match expected(revoked.await)? {
            Ok(()) => (Some(input.id), Vec::new()),
            Err(user_errors) => (None, user_errors),
        };
        Ok(RevokeSessionPayload { revoked_id, user_errors })
    }

    /// Ends every signed-in browser of the caller, in all of their organisations.
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> Result<SignOutEverywherePayload> {
        let caller = Caller::of(ctx);
        let ended = caller.control.sign_out_everywhere(&caller.ctx).await;
        let (ended, user_errors) = match expected(ended)? {
            Ok(ended) => {
                caller.sign_out_done();
                (i64::try_from(ended).ok(), Vec::new())
            }
            Err(user_errors) => (None, user_errors),
        };
        Ok(SignOutEverywherePayload { ended, user_errors })
    }

    /// Goes on in another of the caller's organisations.
    async fn switch_organisation(
        &self,
        ctx: &Context<'_>,
        input: SwitchOrganisationInput,
    ) -> Result<SwitchOrganisationPayload> {
        let caller = Caller::of(ctx);
        let switched = async {
            let tenant = typed(&input.tenant_id, "tenantId")?;
            caller.control.switch_organisation(&caller.ctx, tenant).await
        };
        Ok(match expected(switched.await)? {
            Ok(Switched::Here(fresh)) => {
                caller.switch_done(*fresh);
                let user_errors = Vec::new();
                SwitchOrganisationPayload { switched: true, sign_in_url: None, user_errors }
            }
            Ok(Switched::SignInBy { tenant, connection }) => {
                let path = format!("/sso/start/{}/{}", tenant.uuid(), connection.uuid());
                SwitchOrganisationPayload {
                    switched: false,
                    sign_in_url: Some(format!("{}{path}", caller.public_url)),
                    user_errors: Vec::new(),
                }
            }
            Err(user_errors) => {
                SwitchOrganisationPayload { switched: false, sign_in_url: None, user_errors }
            }
        })
    }
}
