//! What a connector is: a manifest (data) and, where data is not enough, code behind a few small traits.
//!
//! A connector is stateless. It receives a [`Context`] and a position, and returns a page and the next position; the core writes
//! page and position in one transaction. `docs/connector-spec.md` holds the rules, [`compliance`] checks them.

pub mod compliance;
mod connector;
mod context;
mod error;
mod manifest;
mod page;
mod schema;

pub use connector::{CheckItem, CheckReport, Connector, SyncSource, ToolOutput, ToolSet};
pub use context::{Context, OperatorPolicy, Secrets};
pub use error::{BoxError, ConnectorError};
pub use manifest::{HostsManifest, Manifest, StreamManifest, ToolManifest};
pub use page::{Document, DocumentKey, Next, SyncPage, SyncStart};
pub use schema::{FieldError, Schema};
