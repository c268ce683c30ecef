//! The HTTP side of the door: what is true of every request, who asks, sign-in, and the console's files.

pub(crate) mod console;
pub(crate) mod csrf;
pub(crate) mod ctx;
pub(crate) mod error;
pub(crate) mod graphql;
pub(crate) mod headers;
mod invitations;
pub(crate) mod page;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod socket;
pub(crate) mod sso;
pub(crate) mod sso_pages;
