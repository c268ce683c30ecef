//! Connects to an address that the egress policy has checked, and to no other.
//!
//! sqlx resolves names by itself, which would reopen the gap between check and connect. So it is given the checked address. With
//! `verify_full` the certificate must be checked against the name, which sqlx takes from the same field; there it is given the
//! name, and a socket in a private directory behind which the bytes go to the checked address (libpq's `hostaddr`).

use std::{net::SocketAddr, time::Duration};

use connector_sdk::{ConnectorError, Context};
use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener},
};
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

use super::{Config, SslMode, error};

/// Longest that connecting and signing in may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection, with what keeps it alive.
pub(super) struct Connection {
    inner: PgConnection,
    server_version: String,
    relay: Option<Relay>,
}

/// Carries the bytes between sqlx's socket and the checked address until it is dropped.
struct Relay {
    directory: TempDir,
    _stop: DropGuard,
}

// === impl Connection ===

impl Connection {
    /// Resolves, checks, connects and signs in.
    pub(super) async fn open(cx: &Context, config: &Config) -> Result<Self, ConnectorError> {
        cx.check_cancelled()?;
        let password = cx
            .secret("password")
            .ok_or_else(|| ConnectorError::auth("A password is needed to sign in."))?;
        let connecting = async {
            let addresses = resolve(cx, config).await?;
            let mut last = None;
            for address in addresses {
                match connect(config, password, address).await {
                    // Another address may answer; a refusal by the server is an answer.
                    Err(error @ ConnectorError::Transient { .. }) => last = Some(error),
                    outcome => return outcome,
                }
            }
            Err(last.unwrap_or_else(|| unknown_host(config)))
        };
        tokio::select! {
            () = cx.cancel.cancelled() => Err(ConnectorError::Cancelled),
            outcome = tokio::time::timeout(CONNECT_TIMEOUT, connecting) => outcome.unwrap_or_else(|elapsed| {
                let message = format!("{}:{} does not answer", config.host, config.port);
                Err(ConnectorError::transient(message, elapsed))
            }),
        }
    }

    pub(super) fn as_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    /// `PostgreSQL 15.4`.
    pub(super) fn server_version(&self) -> &str {
        &self.server_version
    }

    /// Says good-bye. Dropping does as well, but leaves the server to notice.
    pub(super) async fn close(self) {
        let Self { inner, relay, .. } = self;
        if let Err(error) = inner.close().await {
            tracing::debug!(%error, "A database connection did not close cleanly");
        }
        drop(relay);
    }
}

async fn resolve(cx: &Context, config: &Config) -> Result<Vec<SocketAddr>, ConnectorError> {
    cx.egress.resolve(&config.host, config.port).await.map_err(|error| match error {
        egress::Error::Forbidden { .. } => ConnectorError::config(
            "host",
            format!(
                "{} is in a private network, and this server may not connect there: ask the operator to set \
                 `egress.allow_private_networks`.",
                config.host
            ),
        ),
        error => ConnectorError::transient(format!("the name {} has no address", config.host), error),
    })
}

fn unknown_host(config: &Config) -> ConnectorError {
    ConnectorError::config("host", format!("{} has no address.", config.host))
}

async fn connect(
    config: &Config,
    password: &str,
    address: SocketAddr,
) -> Result<Connection, ConnectorError> {
    let options = PgConnectOptions::new_without_pgpass()
        .port(address.port())
        .database(&config.database)
        .username(&config.user)
        .password(password)
        .application_name("patchbay");
    let (options, relay) = match config.ssl_mode {
        SslMode::Disable => (direct(options, address).ssl_mode(PgSslMode::Disable), None),
        SslMode::Require => (direct(options, address).ssl_mode(PgSslMode::Require), None),
        SslMode::VerifyFull => {
            let relay = Relay::start(address).await?;
            let options = options
                .host(&config.host)
                .socket(relay.directory.path())
                .ssl_mode(PgSslMode::VerifyFull);
            let options = match &config.ca_certificate {
                Some(pem) => options.ssl_root_cert_from_pem(pem.clone().into_bytes()),
                None => options,
            };
            (options, Some(relay))
        }
    };
    let mut inner = PgConnection::connect_with(&options)
        .await
        .map_err(|error| error::connecting(error, config))?;
    let version: String = sqlx::query_scalar("SELECT current_setting('server_version')")
        .fetch_one(&mut inner)
        .await
        .map_err(error::reading)?;
    Ok(Connection { inner, server_version: format!("PostgreSQL {version}"), relay })
}

fn direct(options: PgConnectOptions, address: SocketAddr) -> PgConnectOptions {
    options.host(&address.ip().to_string())
}

// === impl Relay ===

impl Relay {
    async fn start(address: SocketAddr) -> Result<Self, ConnectorError> {
        let failed = |error: std::io::Error| {
            ConnectorError::transient(format!("no connection to port {}", address.port()), error)
        };
        // Created for the owner alone: nobody else on this machine can reach the socket in it.
        let directory = tempfile::Builder::new().prefix("pb-pg-").tempdir().map_err(failed)?;
        let path = directory.path().join(format!(".s.PGSQL.{}", address.port()));
        let listener = UnixListener::bind(path).map_err(failed)?;
        let mut upstream = TcpStream::connect(address).await.map_err(failed)?;
        upstream.set_nodelay(true).map_err(failed)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            let carry = async {
                let (mut local, _) = listener.accept().await?;
                copy_bidirectional(&mut local, &mut upstream).await
            };
            tokio::select! {
                () = stopped.cancelled() => {}
                outcome = carry => if let Err(error) = outcome {
                    tracing::debug!(%error, "A database connection ended");
                }
            }
        });
        Ok(Self { directory, _stop: stop.drop_guard() })
    }
}
