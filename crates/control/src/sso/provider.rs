//! An identity provider as its discovery document describes it, and the requests to it. All of them go through `egress`.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{SecretString, secret::ExposeSecret};
use egress::{Egress, Limits};
use http::{
    Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl,
    JsonWebKeySet, JsonWebKeySetUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use crate::{Control, Error, UpstreamKind};

/// How long a discovery document and its keys are used without asking again.
const FRESH_MINUTES: i64 = 15;
/// A token of an unknown key makes the keys be fetched again, but no more often than this.
const REFETCH_SECONDS: i64 = 60;
/// Bounds of every request to a provider: their documents are small.
const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), max_response_bytes: 256 * 1024 };

/// What is read of a discovery document beyond OpenID Connect Discovery 1.0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Extra {
    /// `RP-Initiated` Logout 1.0.
    pub(super) end_session_endpoint: Option<Url>,
    /// RFC 9207: every answer of the authorization endpoint says whose it is.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extra {}

type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Keys by which a provider signs.
pub(super) type Keys = JsonWebKeySet<CoreJsonWebKey>;

/// A provider, as it described itself a short while ago.
pub(crate) struct Provider {
    pub(super) metadata: Metadata,
    fetched_at: DateTime<Utc>,
    keys: Mutex<FetchedKeys>,
}

struct FetchedKeys {
    keys: Keys,
    at: DateTime<Utc>,
}

/// The providers that were asked lately, by issuer.
pub(crate) type Providers = moka::sync::Cache<String, Arc<Provider>>;

/// How we are known to a provider.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<SecretString>,
    /// For messages: what the admin or operator calls the provider.
    pub(super) name: String,
    pub(super) issuer: String,
}

/// The answer of a token endpoint.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: Option<String>,
    pub(super) access_token: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error(transparent)]
    Egress(#[from] egress::Error),
    #[error("the answer is no HTTP message")]
    Http(#[from] http::Error),
}

/// Room for the providers of many organisations.
pub(crate) fn providers() -> Providers {
    moka::sync::Cache::builder().max_capacity(10_000).build()
}

/// What a provider's failure means to whoever wants to sign in.
pub(super) fn unavailable(client: &Client, why: impl std::fmt::Display) -> Error {
    upstream(client, UpstreamKind::Transient, why)
}

/// A provider that answered, but not as it should.
pub(super) fn misbehaves(client: &Client, why: impl std::fmt::Display) -> Error {
    upstream(client, UpstreamKind::Permanent, why)
}

fn upstream(client: &Client, kind: UpstreamKind, why: impl std::fmt::Display) -> Error {
    let message = format!("{} could not be used to sign in: {why}", client.name);
    Error::Upstream { connector: client.name.clone(), kind, message }
}

// === impl Control ===

impl Control {
    /// The provider of an issuer, asked at most every quarter of an hour.
    pub(super) async fn provider(&self, client: &Client) -> Result<Arc<Provider>, Error> {
        let known = self.0.providers.get(&client.issuer);
        let now = self.now();
        if let Some(known) = &known
            && now - known.fetched_at < TimeDelta::minutes(FRESH_MINUTES)
        {
            return Ok(Arc::clone(known));
        }
        let issuer = IssuerUrl::new(client.issuer.clone())
            .map_err(|_| misbehaves(client, "its issuer is not a URL"))?;
        let egress = &self.0.parts.egress;
        let http = |request| send(egress.clone(), request);
        let metadata =
            Metadata::discover_async(issuer, &http).await.map_err(|error| match error {
                DiscoveryError::Request(error) => unavailable(client, error),
                DiscoveryError::Validation(_) => {
                    misbehaves(client, "its discovery document names another issuer")
                }
                DiscoveryError::Response(status, ..) if status.is_server_error() => {
                    unavailable(client, format!("it answered {status} for its discovery document"))
                }
                DiscoveryError::Response(status, ..) => {
                    misbehaves(client, format!("it answered {status} for its discovery document"))
                }
                _ => misbehaves(client, "its discovery document cannot be read"),
            })?;
        let keys = FetchedKeys { keys: metadata.jwks().clone(), at: now };
        let provider = Arc::new(Provider { metadata, fetched_at: now, keys: Mutex::new(keys) });
        self.0.providers.insert(client.issuer.clone(), Arc::clone(&provider));
        Ok(provider)
    }

    /// The keys of a provider; with `unknown_key` they are fetched again, if that was not done within the last minute.
    pub(super) async fn provider_keys(
        &self,
        client: &Client,
        provider: &Provider,
        unknown_key: bool,
    ) -> Result<Keys, Error> {
        let mut fetched = provider.keys.lock().await;
        let now = self.now();
        if unknown_key && now - fetched.at >= TimeDelta::seconds(REFETCH_SECONDS) {
            // Noted before the answer: a provider that fails is not asked in a loop either.
            fetched.at = now;
            let url: &JsonWebKeySetUrl = provider.metadata.jwks_uri();
            let egress = &self.0.parts.egress;
            let http = |request| send(egress.clone(), request);
            fetched.keys = Keys::fetch_async(url, &http)
                .await
                .map_err(|_| unavailable(client, "its keys could not be fetched"))?;
        }
        Ok(fetched.keys.clone())
    }

    /// Redeems an authorization code (RFC 6749, section 4.1.3, with RFC 7636).
    pub(super) async fn redeem_code(
        &self,
        client: &Client,
        provider: &Provider,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<Tokens, Error> {
        let endpoint = provider.metadata.token_endpoint();
        let endpoint = endpoint.ok_or_else(|| misbehaves(client, "it has no token endpoint"))?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", verifier);
        let mut request = Request::post(endpoint.url().as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        match &client.secret {
            Some(secret) if by_header(&provider.metadata) => {
                request = request.header(AUTHORIZATION, basic(&client.id, secret));
            }
            Some(secret) => {
                form.append_pair("client_id", &client.id);
                form.append_pair("client_secret", secret.expose_secret());
            }
            None => {
                form.append_pair("client_id", &client.id);
            }
        }
        let request = request.body(Bytes::from(form.finish())).map_err(Error::internal)?;
        let answer = self.ask(client, request).await?;
        if answer.status() != StatusCode::OK {
            let told: Option<Value> = serde_json::from_slice(answer.body()).ok();
            let word = told.as_ref().and_then(|told| told["error"].as_str());
            // The words of RFC 6749, section 5.2; anything else is not repeated.
            let word = word.filter(|word| word.len() < 40 && word.is_ascii()).unwrap_or("an error");
            let status = answer.status();
            return Err(if status.is_server_error() {
                unavailable(client, format!("its token endpoint answered {status}"))
            } else {
                misbehaves(client, format!("its token endpoint answered {status} ({word})"))
            });
        }
        serde_json::from_slice(answer.body())
            .map_err(|_| misbehaves(client, "the answer of its token endpoint cannot be read"))
    }

    /// The user info of an access token (OpenID Connect Core, section 5.3); `None` when the provider has none in plain JSON.
    pub(super) async fn user_info(
        &self,
        client: &Client,
        provider: &Provider,
        access_token: &str,
    ) -> Result<Option<Value>, Error> {
        let Some(endpoint) = provider.metadata.userinfo_endpoint() else { return Ok(None) };
        let request = Request::get(endpoint.url().as_str())
            .header(AUTHORIZATION, format!("Bearer {access_token}"))
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(Error::internal)?;
        let answer = self.ask(client, request).await?;
        if answer.status() != StatusCode::OK {
            let status = answer.status();
            return Err(unavailable(client, format!("its user info answered {status}")));
        }
        Ok(serde_json::from_slice(answer.body()).ok())
    }

    async fn ask(
        &self,
        client: &Client,
        request: Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Error> {
        let answer = self.0.parts.egress.send(request, &LIMITS).await;
        answer.map_err(|error| unavailable(client, error))
    }
}

/// `client_secret_basic` is what every provider has to accept that says nothing (OpenID Connect Discovery, section 3).
fn by_header(metadata: &Metadata) -> bool {
    let methods = metadata.token_endpoint_auth_methods_supported();
    methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic))
}

/// RFC 6749, section 2.3.1: both parts are form-encoded first.
fn basic(id: &str, secret: &SecretString) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose_secret()));
    format!("Basic {}", STANDARD.encode(pair))
}

async fn send(egress: Egress, request: HttpRequest) -> Result<HttpResponse, RequestError> {
    let answer = egress.send(request.map(Bytes::from), &LIMITS).await?;
    Ok(answer.map(|body| body.to_vec()))
}
