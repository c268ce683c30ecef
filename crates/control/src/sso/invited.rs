//! Coming in by an invitation: a provider shows that the invited address is the person's.

use domain::{
    SsoConnection, SsoConnectionId, Tenant,
    authz::permission::MemberWrite,
    event::Event,
    identity::{AttemptPurpose, ConnectionState, Voucher},
};
use serde::{Deserialize, Serialize};

use super::{
    attempt::{Ask, Begun, Browser, Detail},
    finish::{BeginSession, Finished, Proven, proof, refused},
    granted, people,
};
use crate::{
    Control, Error,
    invitations::{Addressed, addressed, not_valid},
};

/// What whoever holds an invitation's link can do with it.
#[derive(Debug)]
pub struct InvitationOffer {
    pub tenant: Tenant,
    /// The address that was invited.
    pub email: String,
    /// Connections of the organisation that can show the address to be theirs.
    pub connections: Vec<SsoConnection>,
    /// Whether the operator's providers can, too.
    pub providers: bool,
}

/// By whom an invited person shows their address.
#[derive(Debug, Clone, Copy)]
pub enum InvitationWay<'a> {
    Connection(SsoConnectionId),
    /// Key of one of the operator's providers.
    Provider(&'a str),
}

/// An invitation within a begun sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invited {
    tenant: domain::TenantId,
    /// Of the token, in hex: the row holds nothing worth stealing.
    hash: String,
}

// === impl Control ===

impl Control {
    /// What an invitation's link leads to.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a link that leads nowhere.
    pub async fn invitation_offer(&self, token: &str) -> Result<InvitationOffer, Error> {
        let (invitation, tenant) = self.find_invitation(token).await?;
        let connections = self.usable_connections(tenant.id, "sign-in").await?;
        let enforced = connections.iter().any(|it| it.settings.state == ConnectionState::Enforced);
        let providers = !enforced && !self.sign_up_providers().is_empty();
        Ok(InvitationOffer { tenant, email: invitation.email, connections, providers })
    }

    /// Begins the sign-in by which an invitation is accepted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a link that leads nowhere; otherwise as [`Control::begin_sign_in`].
    pub async fn begin_invitation(
        &self,
        token: &str,
        way: InvitationWay<'_>,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        let Addressed { tenant, hash } = addressed(token).ok_or_else(not_valid)?;
        let invitation = self.open_invitation(Addressed { tenant, hash }, "sign-in").await?;
        let detail = Detail {
            email: Some(invitation.email),
            invited: Some(Invited { tenant, hash: hash.to_hex() }),
            ..Detail::default()
        };
        let (client, scopes, voucher) = match way {
            InvitationWay::Connection(id) => {
                let (connection, client) = self.connection_client(tenant, id, "sign-in").await?;
                if connection.settings.state == ConnectionState::Draft {
                    return Err(Error::NotFound);
                }
                (client, connection.settings.rules.scopes, Voucher::Connection(tenant, id))
            }
            InvitationWay::Provider(key) => {
                let (client, scopes) = self.provider_client(key)?;
                (client, scopes, Voucher::Provider(key.to_owned()))
            }
        };
        let purpose = AttemptPurpose::SignIn;
        let ask = Ask { client, scopes: &scopes, voucher, purpose, session: None, detail };
        self.begin(ask, browser.public_url).await
    }

    /// Makes a member of whoever the organisation's own connection vouches for. The address must lie in a domain that the organisation
    /// has proven, as at every first sign-in.
    pub(super) async fn join_by_connection(
        &self,
        connection: &SsoConnection,
        proven: &Proven,
        invited: &Invited,
        request_id: &str,
    ) -> Result<Finished, Error> {
        let tenant = connection.tenant;
        if invited.tenant != tenant {
            return Err(not_valid());
        }
        let addressed = invited.addressed()?;
        let members = granted::<MemberWrite>(tenant, request_id);
        let tx = self.store().begin(&members).await?;
        let (user, email) = self.invited_person(&tx, connection, proven, request_id).await?;
        self.join(&tx, addressed, user, &email, request_id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant }).await;
        let voucher = Voucher::Connection(tenant, connection.id);
        let policy = Some(connection.settings.rules.session);
        let begin = BeginSession { tenant, user, policy, proof: Some(proof(voucher, proven)) };
        let signed_in = Box::new(self.begin_session(begin, request_id).await?);
        Ok(Finished::SignedIn { signed_in, return_to: None })
    }

    /// Makes a member of whoever one of the operator's providers vouches for, unless the organisation wants its own.
    pub(super) async fn join_by_provider(
        &self,
        provider: &str,
        proven: &Proven,
        invited: &Invited,
        request_id: &str,
    ) -> Result<Finished, Error> {
        let tenant = invited.tenant;
        let addressed = invited.addressed()?;
        let invitation = self.open_invitation(addressed, request_id).await?;
        if self.must_use_connection(tenant, invitation.role, request_id).await? {
            let message = "the organisation signs in by its own provider: open the invitation again and choose that one";
            return Err(refused("enforced", message));
        }
        let email = people::vouched_address(proven)?;
        if invitation.email != email {
            return Err(not_valid());
        }
        let members = granted::<MemberWrite>(tenant, request_id);
        let tx = self.store().begin(&members).await?;
        let user = self.founder(&tx, proven).await?;
        self.join(&tx, addressed, user, &email, request_id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant }).await;
        self.session_by_provider(provider, proven, (tenant, user), request_id, None).await
    }
}

// === impl Invited ===

impl Invited {
    fn addressed(&self) -> Result<Addressed, Error> {
        let hash = domain::TokenHash::from_hex(&self.hash).ok_or_else(not_valid)?;
        Ok(Addressed { tenant: self.tenant, hash })
    }
}
