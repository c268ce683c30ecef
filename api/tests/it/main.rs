//! The door from outside: a real server over a real `Control` on SQLite, spoken to by HTTP and WebSocket.

mod attacks;
mod audit;
mod audit_coverage;
mod authorization;
mod console;
mod documents;
mod errors;
mod oauth;
mod plane;
mod relay;
mod rest;
mod scim;
mod sign_in;
mod sso;
mod subscriptions;
mod sweep;
mod sweep_rest;
mod sweep_schema;
mod sweep_world;
mod tenancy;
mod traces;
