//! The connectors that come with Patchbay: one folder each, one line each in [`registry`].

pub mod docs;
pub mod registry;

mod files;
mod postgres;
mod remote_mcp;
