//! The organisation's keys, as far as anybody may know of them.

use async_graphql::{Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};

/// Where a version of a data key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::DataKeyState")]
pub(crate) enum DataKeyState {
    /// Seals what is written.
    Current,
    /// Opens what it has sealed, until a rotation has sealed that anew.
    Retiring,
    /// Destroyed: nothing is sealed under it any more.
    Retired,
}

/// A version of the data key, without the key.
#[derive(SimpleObject)]
pub(crate) struct DataKeyVersion {
    /// From 1.
    version: i64,
    state: DataKeyState,
    /// Which key wraps it: `local:<id>`, `aws_kms:<key>` or `transit:<mount>/<key>`.
    wrapped_by: String,
    created_at: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
}

/// The keys under which the organisation's secrets are sealed, without the keys.
#[derive(SimpleObject)]
pub(crate) struct KeyRing {
    /// Oldest first.
    data_keys: Vec<DataKeyVersion>,
    /// The key that wraps what is made or wrapped again now.
    wrapping_key: String,
}

pub(crate) struct KeyRotation(pub(crate) domain::KeyRotation);

/// Sealing everything anew under a new version of the data key.
#[Object]
impl KeyRotation {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn to_version(&self) -> i64 {
        self.0.to_version.into()
    }

    /// Secrets that were sealed under an earlier version when it began.
    async fn total(&self) -> i64 {
        self.0.total
    }

    /// Of these, how many are sealed under the new one.
    async fn done(&self) -> i64 {
        self.0.done
    }

    /// From 0 to 100; 100 only when it is finished.
    async fn percent(&self) -> i64 {
        self.0.percent()
    }

    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// Null while it is under way.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }
}

impl From<control::KeyRing> for KeyRing {
    fn from(ring: control::KeyRing) -> Self {
        let version = |key: domain::DataKeyVersion| DataKeyVersion {
            version: key.version.into(),
            state: key.state.into(),
            wrapped_by: key.wrapped_by,
            created_at: key.created_at,
            retired_at: key.retired_at,
        };
        Self {
            data_keys: ring.versions.into_iter().map(version).collect(),
            wrapping_key: ring.wrapping_key,
        }
    }
}
