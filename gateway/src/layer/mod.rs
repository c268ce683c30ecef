//! The layers, one file each. `stack.rs` is the list that puts them in order.

mod approval;
pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod credential;
pub(crate) mod identify;
pub(crate) mod permit;
pub(crate) mod quota;
pub(crate) mod route;
pub(crate) mod trace;
