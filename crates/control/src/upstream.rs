//! The one way into a connector: with a context that holds what it may use, a time limit, and a net under its panics.

use std::{panic::AssertUnwindSafe, time::Duration};

use connector_sdk::{ConnectorError, Context, Secrets};
use futures_util::FutureExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{Control, Error, UpstreamKind};

/// How a connector failed, or how waiting for it ended.
#[derive(Debug)]
pub(crate) enum Failure {
    Connector(ConnectorError),
    Timeout(Duration),
    Panicked,
}

// === impl Failure ===

impl Failure {
    /// What it means to whoever asked.
    pub(crate) fn into_error(self, connector: &str) -> Error {
        let (kind, message) = match self {
            Self::Connector(error) => return Error::from_connector(connector, error),
            Self::Timeout(limit) => (
                UpstreamKind::Timeout,
                format!("the service did not answer within {} seconds", limit.as_secs()),
            ),
            Self::Panicked => (
                UpstreamKind::Crashed,
                "the connector broke; this is a fault of the connector, not of your settings"
                    .to_owned(),
            ),
        };
        Error::Upstream { connector: connector.to_owned(), kind, message }
    }
}

// === impl Control ===

impl Control {
    pub(crate) fn context(
        &self,
        config: Value,
        credential: Option<Secrets>,
        cancel: CancellationToken,
    ) -> Context {
        let parts = &self.0.parts;
        Context {
            config,
            credential,
            egress: parts.egress.clone(),
            operator: parts.operator.clone(),
            now: parts.clock.now(),
            cancel,
        }
    }
}

/// Runs a connector's future. A panic ends this call alone: the connector holds nothing that could be left half-changed.
pub(crate) async fn guarded<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, ConnectorError>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome.map_err(Failure::Connector),
        Ok(Err(_panic)) => Err(Failure::Panicked),
        Err(_elapsed) => Err(Failure::Timeout(limit)),
    }
}
