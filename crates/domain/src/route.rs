//! What the gateway needs to know of a tenant to answer without asking anybody: an immutable, versioned snapshot.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, value::RawValue};

use crate::{
    Access, ApiKeyId, Classification, ClientGrantId, InstallId, Tenant, TokenHash, UserId,
};

/// Everything that serving a tenant's MCP endpoint needs, as of one moment.
#[derive(Debug, Clone)]
pub struct RouteSnapshot {
    pub tenant: Tenant,
    /// Grows with every change of the tenant's routes: part of every cache key.
    pub version: u64,
    pub instructions: Option<String>,
    /// Keys that may call, by the hash of their text. Revoked ones are not here.
    pub keys: HashMap<TokenHash, RouteKey>,
    /// What people have granted to AI clients, as far as it still holds.
    pub grants: HashMap<ClientGrantId, RouteGrant>,
    /// Active installs, ordered by alias.
    pub installs: Vec<RouteInstall>,
}

/// An API key as the gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteKey {
    pub id: ApiKeyId,
    /// Of the key, and never more than its maker has.
    pub access: Access,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Access that a person gave to an AI client, as the gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteGrant {
    pub user: UserId,
    /// Of the person, less what has nothing to do with MCP.
    pub access: Access,
}

/// An install as the gateway sees it.
#[derive(Debug, Clone)]
pub struct RouteInstall {
    pub id: InstallId,
    pub alias: String,
    pub display_name: String,
    pub connector: String,
    /// How confidential everything of it is.
    pub classification: Classification,
    /// Counts every change of the install: part of cache keys.
    pub version: i64,
    pub config: Value,
    pub upstream: Upstream,
    /// What kinds of records it syncs, to be searched and read; none if it does not sync.
    pub streams: Vec<String>,
}

/// Where an install's live tools are.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// In this process, through `control`.
    Native(Vec<ToolDefinition>),
    /// At a remote MCP server; its list is fetched by the gateway.
    Remote(RemoteServer),
    /// Nowhere: the install only syncs.
    None,
}

/// A remote MCP server of an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteServer {
    /// Absolute `http:` or `https:` URL of its MCP endpoint.
    pub url: String,
    /// Whether a bearer token is stored; it is opened per call, never kept here.
    pub has_credential: bool,
}

/// A tool as it is listed, without the install's prefix.
#[derive(Debug, Clone)]
pub struct ToolDefinition {
    pub name: String,
    /// The MCP `Tool` object as JSON, `name` without prefix: spliced, never re-typed.
    pub json: Box<RawValue>,
    /// Whether a result may be cached, and for how long; `None` unless the connector's manifest says so.
    pub cache_ttl_seconds: Option<u32>,
}
