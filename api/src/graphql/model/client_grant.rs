//! Access that people gave to AI clients.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

pub(crate) struct ClientGrant(pub(crate) domain::ClientGrant);

/// Access that a person gave to an AI client by OAuth. The client acts for that person until the grant ends.
#[Object]
impl ClientGrant {
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// The person who gave it.
    async fn user_id(&self) -> ID {
        ID(self.0.user.to_string())
    }

    /// Name of the client's registration, or the address of the document about it.
    async fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// As the client calls itself: nobody vouches for it.
    async fn client_name(&self) -> &str {
        &self.0.client_name
    }

    /// Host, or scheme of a program, to which access went.
    async fn redirect(&self) -> &str {
        &self.0.redirect
    }

    /// `mcp` is everything that the person may do, `mcp:read` only what changes nothing.
    async fn scopes(&self) -> Vec<&str> {
        self.0.scope.split(' ').collect()
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the client last got an access token, which is good for ten minutes.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When it ends if the client does not come back before.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}
