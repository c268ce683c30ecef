//! Who a client is: by its registration, or by the document that its id is the address of.

use std::{sync::Arc, time::Duration};

use authserver::{Client, ClientKind, Registration, document_client, document_url};
use bytes::Bytes;
use chrono::TimeDelta;
use domain::{OauthClientId, TenantId};
use egress::{Egress, Limits};
use http::{Request, StatusCode, header::ACCEPT};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{NewOauthClient, OauthClient};

use super::{Refusal, granted};
use crate::Control;

/// Documents are small: one that is not describes no client.
const LIMITS: Limits = Limits { timeout: Duration::from_secs(5), max_response_bytes: 10 * 1024 };
/// How long a document is believed without asking again.
const DOCUMENT_FOR: Duration = Duration::from_mins(5);
const MAX_DOCUMENTS: u64 = 10_000;
/// Registrations that nobody used are forgotten after this.
const UNUSED_HOURS: i64 = 24;
/// Registrations that an organisation's server takes in a minute: a client registers once, some once for each connection.
const REGISTRATIONS_PER_MINUTE: u32 = 30;

/// Documents that were fetched lately. One request at a time for each.
pub(crate) type Documents = moka::future::Cache<String, Arc<Client>>;
/// Registrations of the last minute, by organisation.
pub(crate) type Registrations = moka::sync::Cache<String, Arc<std::sync::atomic::AtomicU32>>;

pub(crate) fn documents() -> Documents {
    moka::future::Cache::builder().max_capacity(MAX_DOCUMENTS).time_to_live(DOCUMENT_FOR).build()
}

pub(crate) fn registrations() -> Registrations {
    moka::sync::Cache::builder()
        .max_capacity(MAX_DOCUMENTS)
        .time_to_live(Duration::from_mins(1))
        .build()
}

// === impl Control ===

impl Control {
    /// Registers a client (RFC 7591). The same client has one registration, however often it asks.
    ///
    /// # Errors
    /// [`Refusal::Client`] for metadata that cannot be taken; [`crate::Error::Limited`] when too many new ones come.
    pub async fn register_client(
        &self,
        slug: &str,
        metadata: &Value,
        request_id: &str,
    ) -> Result<Value, Refusal> {
        let registration = Registration::parse(metadata)?;
        let digest = registration.digest();
        let id = id_of(slug, &digest);
        self.check_registrations(slug)?;
        let answer = registration.answer(&id.to_string());
        // Whoever asks at an organisation that is not there must not learn that it is not.
        let Some(tenant) = self.store().directory().find_tenant(slug).await? else {
            return Ok(answer);
        };
        let granted = granted(tenant.id, request_id);
        let tx = self.store().begin(&granted).await?;
        if tx.oauth_clients().find(&granted, &digest).await?.is_none() {
            let long_ago = self.now() - TimeDelta::hours(UNUSED_HOURS);
            tx.oauth_clients().purge(&granted, long_ago).await?;
            let uris = registration.redirect_uris.iter().map(|uri| uri.as_str().to_owned());
            let client = OauthClient {
                id,
                name: registration.name.clone(),
                redirect_uris: uris.collect(),
                created_at: self.now(),
            };
            tx.oauth_clients().create(&granted, NewOauthClient { client, digest }).await?;
        }
        tx.commit().await?;
        Ok(answer)
    }

    /// The client of a request.
    ///
    /// # Errors
    /// `invalid_client` when there is none by that id, or its document cannot be had.
    pub(super) async fn oauth_client(
        &self,
        tenant: TenantId,
        client_id: &str,
        request_id: &str,
    ) -> Result<Arc<Client>, Refusal> {
        if authserver::is_document_url(client_id) {
            return self.client_by_document(client_id).await;
        }
        let unknown = || authserver::Error::client("this client is not known here");
        let id: OauthClientId = client_id.parse().map_err(|_| unknown())?;
        let granted = granted(tenant, request_id);
        let tx = self.store().read(&granted).await?;
        let found = match tx.oauth_clients().lookup(&granted, id).await {
            Err(store::Error::NotFound) => return Err(unknown().into()),
            found => found?,
        };
        let uris = found.redirect_uris.iter().map(|uri| authserver::RedirectUri::parse(uri));
        Ok(Arc::new(Client {
            id: client_id.to_owned(),
            name: found.name,
            redirect_uris: uris.collect::<Result<_, _>>()?,
            kind: ClientKind::Registered,
        }))
    }

    async fn client_by_document(&self, client_id: &str) -> Result<Arc<Client>, Refusal> {
        let url = document_url(client_id)?;
        let fetched = fetch(self.0.parts.egress.clone(), client_id.to_owned(), url);
        let found = self.0.client_documents.try_get_with(client_id.to_owned(), fetched).await;
        found.map_err(|error: Arc<authserver::Error>| Refusal::Client((*error).clone()))
    }

    fn check_registrations(&self, slug: &str) -> Result<(), crate::Error> {
        use std::sync::atomic::Ordering;
        let count = self.0.registrations.get_with_by_ref(slug, Arc::default);
        if count.fetch_add(1, Ordering::Relaxed) < REGISTRATIONS_PER_MINUTE {
            return Ok(());
        }
        Err(crate::Error::Limited { retry_after: Duration::from_mins(1) })
    }
}

/// The same client has the same id, however often it registers, and whether the organisation is there or not.
fn id_of(slug: &str, digest: &str) -> OauthClientId {
    let hash = Sha256::digest(format!("{slug}\n{digest}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    OauthClientId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Fetches a client's document. What its host answers is not repeated to anybody.
async fn fetch(
    egress: Egress,
    client_id: String,
    url: url::Url,
) -> Result<Arc<Client>, authserver::Error> {
    let unavailable = || authserver::Error::client("the document at this client id cannot be read");
    let request = Request::get(url.as_str())
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| unavailable())?;
    let answer = egress.send(request, &LIMITS).await.map_err(|error| {
        tracing::info!(
            client.id = client_id,
            error = &error as &dyn std::error::Error,
            "A client's document cannot be fetched"
        );
        unavailable()
    })?;
    if answer.status() != StatusCode::OK {
        return Err(unavailable());
    }
    let document: Value = serde_json::from_slice(answer.body()).map_err(|_| unavailable())?;
    document_client(&client_id, &document).map(Arc::new)
}
