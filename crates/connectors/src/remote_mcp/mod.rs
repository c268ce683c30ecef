//! `remote_mcp`: any MCP server that speaks Streamable HTTP. The gateway proxies it; here is only where it is and whether it answers.

mod handshake;
mod wire;

use std::{net::IpAddr, sync::LazyLock};

use async_trait::async_trait;
use connector_sdk::{
    CheckReport, Connector, ConnectorError, Context, Manifest, SyncSource, ToolSet,
};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

/// The connector.
pub(crate) struct RemoteMcp;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    serde_json::from_str(include_str!("manifest.json")).expect("the compiled-in manifest is valid")
});

/// Settings, by the manifest's config schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    url: String,
}

/// Endings of names that no public server has (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
const PRIVATE_ENDINGS: &[&str] = &[".localhost", ".local", ".internal", ".home.arpa"];

// === impl RemoteMcp ===

#[async_trait]
impl Connector for RemoteMcp {
    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    async fn check(&self, cx: &Context) -> Result<CheckReport, ConnectorError> {
        cx.check_cancelled()?;
        let url = endpoint(&cx.config)?;
        let mut report = CheckReport::new();
        let outcome = tokio::select! {
            () = cx.cancel.cancelled() => return Err(ConnectorError::Cancelled),
            outcome = handshake::greet(cx, &url) => outcome,
        };
        match outcome {
            Ok(server) => {
                report.pass(
                    "Server",
                    format!(
                        "{} {} answers in revision {}.",
                        server.name, server.version, server.revision
                    ),
                );
                let many = if server.has_more_tools { "more than " } else { "" };
                report.pass("Tools", format!("{many}{} tools.", server.tools));
            }
            Err(ConnectorError::Auth { message }) => report.fail("Sign in", message),
            Err(error) => report.fail("Server", error.to_string()),
        }
        Ok(report)
    }

    fn sync(&self) -> Option<&dyn SyncSource> {
        None
    }

    fn tools(&self) -> Option<&dyn ToolSet> {
        None
    }

    fn remote(&self, config: &Value) -> Option<Result<Url, ConnectorError>> {
        Some(endpoint(config))
    }
}

/// The address of the settings, if it may be one.
fn endpoint(config: &Value) -> Result<Url, ConnectorError> {
    let Config { url } = serde_json::from_value(config.clone())
        .map_err(|_| ConnectorError::config("url", "Address is required."))?;
    let url = Url::parse(url.trim()).map_err(|error| {
        ConnectorError::config("url", format!("Address is not a URL: {error}."))
    })?;
    let refuse = |message: &str| Err(ConnectorError::config("url", message));
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("Address must not hold a user name or password: use the bearer token.");
    }
    if url.fragment().is_some() {
        return refuse("Address must not hold a `#` part.");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_in_private_network(&url) => Ok(url),
        "http" => refuse(
            "Address must start with https://: tokens and data would be readable on the way.",
        ),
        _ => refuse("Address must start with https://."),
    }
}

/// Whether the host can only be in a private network, judged by its name alone. Whether it may be reached is up to the egress
/// policy, which looks at the address that it really has.
fn is_in_private_network(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_private(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => {
            !name.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        }
        None => false,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
