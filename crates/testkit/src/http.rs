//! A small HTTP/1.1 client for tests: plain requests, whole answers, no redirects, no cookies of its own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use crate::Error;

/// No answer in a test takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The client. Clones share connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

// === impl Http ===

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Http {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Reply, Error> {
        let (method, url) = (request.method().to_string(), request.uri().to_string());
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Request {
            method,
            url,
            source,
        };
        let exchange = async {
            let response = self.client.request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Reply { status: parts.status, headers: parts.headers, body })
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(outcome) => outcome.map_err(failed),
            Err(elapsed) => Err(failed(elapsed.into())),
        }
    }

    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Reply, Error> {
        self.send(build(Method::GET, url, headers, Bytes::new())?).await
    }

    /// Sends JSON. The content type is set unless the headers say otherwise.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Reply, Error> {
        let mut request = build(Method::POST, url, headers, Bytes::from(body.to_string()))?;
        request
            .headers_mut()
            .entry(http::header::CONTENT_TYPE)
            .or_insert(http::HeaderValue::from_static("application/json"));
        self.send(request).await
    }

    /// A GraphQL request with an API key: the whole answer, errors included.
    pub async fn graphql_reply(
        &self,
        url: &str,
        api_key: &str,
        query: &str,
        variables: Value,
    ) -> Result<Reply, Error> {
        let authorization = format!("Bearer {api_key}");
        let body = json!({ "query": query, "variables": variables });
        self.post(url, &[("authorization", &authorization)], &body).await
    }

    /// A GraphQL request with an API key that must succeed: its `data`.
    pub async fn graphql(
        &self,
        url: &str,
        api_key: &str,
        query: &str,
        variables: Value,
    ) -> Result<Value, Error> {
        let reply = self.graphql_reply(url, api_key, query, variables).await?;
        let mut answer = reply.json()?;
        if answer.get("errors").is_some() || reply.status != StatusCode::OK {
            return Err(Error::Refused { message: format!("{} {answer}", reply.status) });
        }
        Ok(answer["data"].take())
    }
}

// === impl Reply ===

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|source| Error::Json {
            text: format!("{} {}", self.status, self.text()),
            source,
        })
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Puts a request together.
pub fn build(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Request<Bytes>, Error> {
    let name = method.to_string();
    let mut request = Request::builder().method(method).uri(url);
    for (header, value) in headers {
        request = request.header(*header, *value);
    }
    request.body(body).map_err(|source| Error::Request {
        method: name,
        url: url.to_owned(),
        source: source.into(),
    })
}
