//! What a mutation answers when it did not happen for a reason that was to be expected.

use async_graphql::{Enum, SimpleObject};

/// Why a mutation did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum UserErrorCode {
    /// The input is not right; `field` says where.
    Invalid,
    /// There is nothing by that id, or it is not yours.
    NotFound,
    /// It contradicts what is there: a name that is taken, a version that is old.
    Conflict,
    /// Your role does not allow it.
    Denied,
    /// Too often; wait and try again.
    Limited,
    /// The connected system refused or could not be reached.
    Upstream,
    /// Sign in again first, at `/sso/reauthenticate` or by a new one-time link.
    Reauthenticate,
}

/// A reason that was to be expected.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct UserError {
    pub(crate) code: UserErrorCode,
    /// Path into the input; null when it is about the whole.
    pub(crate) field: Option<Vec<String>>,
    pub(crate) message: String,
}
