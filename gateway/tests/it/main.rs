//! The gateway through its door: a real HTTP server over a real control plane on SQLite, with real connectors.
//!
//! Names are sentences; each rule of the design has the test that fails when it is broken.

mod authorization;
mod bench;
mod cache;
mod eras;
mod oauth;
mod operations;
mod policies;
mod records;
mod remote;
mod scripted;
mod tools;
mod trace;
mod transport;
