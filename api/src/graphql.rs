//! The GraphQL door: types that wrap domain structs, root fields that call one use-case each, and the limits of a document.

pub(crate) mod caller;
pub(crate) mod cost;
pub(crate) mod limits;
pub(crate) mod loaders;
pub(crate) mod model;
pub(crate) mod mutation;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod scalar;
pub(crate) mod schema;
pub(crate) mod subscription;
