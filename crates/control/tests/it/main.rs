//! The control plane through its public door, on an embedded database and wires in memory.

mod api_keys;
mod audit;
mod audit_chain;
mod fake;
mod grants;
mod installs;
mod invitations;
mod jobs;
mod keys;
mod members;
mod plane;
mod policies;
mod postgres;
mod records;
mod roles;
mod routes;
mod secrets;
mod sign_in;
mod syncs;
mod tenancy;
mod tools;
mod webhooks;
