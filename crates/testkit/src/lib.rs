//! What tests need around the product: private servers, the product itself as child processes, clients that speak
//! to it, and fakes of what is not ours (an MCP server, a bad network).
//!
//! Everything listens on free loopback ports, lives in temporary directories and ends with the value that started it.

pub mod chaos;
mod error;
pub mod http;
pub mod layers;
pub mod mcp;
pub mod name_server;
pub mod openid;
pub mod plane;
pub mod ports;
pub mod process;
pub mod receiver;
pub mod rows;
pub mod services;
pub mod supervise;
pub mod upstream;

pub use crate::{
    error::Error,
    http::{Http, Reply},
    plane::{Role, TestPlane, UpFacts},
    receiver::Receiver,
    services::Services,
    upstream::Upstream,
};
