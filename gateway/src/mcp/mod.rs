//! The protocol: what a request says, which revision it is in, and how an answer is written. No I/O.

pub(crate) mod cursor;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod names;
pub(crate) mod redact;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod revision;
pub(crate) mod session;
