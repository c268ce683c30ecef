//! The marketplace: one line per connector. Adding one is a folder and a line here.

use connector_sdk::Connector;

use crate::{files::Files, postgres::Postgres, remote_mcp::RemoteMcp};

static CONNECTORS: &[&dyn Connector] = &[&Files, &Postgres, &RemoteMcp];

/// Every connector, in the order of the marketplace.
pub fn all() -> &'static [&'static dyn Connector] {
    CONNECTORS
}

/// A connector by the id of its manifest.
pub fn find(id: &str) -> Option<&'static dyn Connector> {
    all().iter().copied().find(|connector| connector.manifest().id == id)
}
