//! The REST side of the door: what machines ask that speak no GraphQL.

pub(crate) mod audit;
pub(crate) mod health;
pub(crate) mod openapi;
pub(crate) mod version;
