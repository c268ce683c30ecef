//! Global ids at the edge: text in, typed id out, with the mistake named.

use async_graphql::ID;
use domain::id::{Id, IdError, Kind};

/// Types a global id that a client gave for `field`.
///
/// # Errors
/// `Invalid` that names what the id is of when it is of another kind, and how ids look when it is no id.
pub(crate) fn typed<K: Kind>(id: &ID, field: &str) -> Result<Id<K>, control::Error> {
    id.as_str().parse().map_err(|error: IdError| control::Error::Invalid {
        field: vec![field.to_owned()],
        code: match error {
            IdError::WrongKind { .. } => "wrong_kind",
            IdError::Malformed { .. } => "malformed",
        },
        message: error.to_string(),
    })
}

/// Types every id of a list.
///
/// # Errors
/// As [`typed`], for the first id that is not right.
pub(crate) fn typed_all<K: Kind>(ids: &[ID], field: &str) -> Result<Vec<Id<K>>, control::Error> {
    ids.iter().map(|id| typed(id, field)).collect()
}
