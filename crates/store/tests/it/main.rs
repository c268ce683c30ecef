//! The store on both backends, through its public door.

mod audit;
mod audit_chain;
mod bench;
mod directory;
mod installs;
mod isolation;
mod jobs;
mod keys;
mod records;
mod runs;
mod schema;
mod search;
mod sign_in;
mod transactions;
