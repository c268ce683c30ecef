//! The connectors through the registry, against real folders, a real PostgreSQL and real HTTP.

mod compliance;
mod database;
mod files;
mod mcp_server;
mod postgres_attacks;
mod postgres_connect;
mod postgres_sync;
mod postgres_tools;
mod remote_mcp;
mod specification;
mod support;
mod tls_front;
