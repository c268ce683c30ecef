//! The control-plane door: GraphQL, REST, sign-in and the console, over `control`.
//!
//! A request passes [`http::server`]'s frame (request id, host, origin, headers, span), is given an `OpCtx` by
//! `http::ctx`, and reaches one use-case of `control`. What can go wrong is mapped in `error` alone.

mod config;
mod error;
mod graphql;
mod http;
mod oauth;
mod rest;
mod scim;

pub use config::Config;
pub use http::server::Api;

/// The GraphQL schema as text, as committed in `api/schema.graphql`.
pub fn sdl() -> String {
    graphql::schema::sdl()
}

/// The OpenAPI 3.1 document as pretty JSON, as committed in `api/openapi.json`.
pub fn openapi() -> String {
    rest::openapi::text()
}
