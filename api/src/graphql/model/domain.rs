//! Domains of an organisation.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

pub(crate) struct Domain(pub(crate) domain::Domain);

/// A domain that the organisation claims. Addresses in it lead to the organisation's sign-in once it is proven.
#[Object]
impl Domain {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Name of the TXT record that proves it.
    async fn record_name(&self) -> String {
        self.0.record_name()
    }

    /// What the record must say.
    async fn record_value(&self) -> String {
        self.0.record_value()
    }

    /// Since when it is proven; null while it is not.
    async fn verified_at(&self) -> Option<DateTime<Utc>> {
        self.0.verified_at
    }

    /// When the record was last looked for.
    async fn checked_at(&self) -> Option<DateTime<Utc>> {
        self.0.checked_at
    }

    /// Since when the record of a proven domain is gone: after three days the domain is released.
    async fn missing_since(&self) -> Option<DateTime<Utc>> {
        self.0.missing_since
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
