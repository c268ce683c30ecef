//! The `database` section of the settings.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// Where the truth is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `sqlite:<path>` for a file of this process alone, or `postgres://user:password@host:port/database`. Env: `PATCHBAY__DATABASE__URL`
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// Most connections that this process keeps open. Env: `PATCHBAY__DATABASE__MAX_CONNECTIONS`
    pub max_connections: u32,
    /// PostgreSQL role under which the product runs, if that is not the owner of the tables: `patchbay migrate` grants it what it needs. Env: `PATCHBAY__DATABASE__RUNTIME_ROLE`
    pub runtime_role: Option<String>,
}

/// What a URL leads to.
pub(crate) enum Place {
    /// A file.
    Sqlite(String),
    /// The URL itself.
    Postgres(String),
}

// === impl Config ===

impl Config {
    /// Settings for a URL, everything else as by default.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// Where the database is, without user and password: for messages.
    pub fn place_shown(&self) -> String {
        match self.url.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                format!("{scheme}://{host}/{path}")
            }
            None => self.url.clone(),
        }
    }

    pub(crate) fn place(&self) -> Result<Place, Error> {
        let url = &self.url;
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Place::Postgres(url.clone()));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(Error::Url("must start with `sqlite:` or `postgres://`"));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') {
            return Err(Error::Url("must name a file after `sqlite:`"));
        }
        if path.contains('?') {
            return Err(Error::Url("takes no parameters after `sqlite:<path>`"));
        }
        Ok(Place::Sqlite(path.to_owned()))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { url: "sqlite:data/patchbay.db".to_owned(), max_connections: 10, runtime_role: None }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.place_shown())
            .field("max_connections", &self.max_connections)
            .field("runtime_role", &self.runtime_role)
            .finish()
    }
}

/// Settings are printed by `patchbay config print`.
fn without_password<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&Config::at(url).place_shown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_neither_printed_nor_serialized() {
        let config =
            Config::at("postgres://patchbay:hunter2@db.example:5432/patchbay?sslmode=require");
        let printed = format!("{config:?} {}", serde_json::to_string(&config).expect("plain data"));
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("postgres://db.example:5432/patchbay"), "{printed}");
    }

    #[test]
    fn url_that_leads_nowhere_says_what_to_write() {
        let refused = |url: &str| Config::at(url).place().err().map(|error| error.to_string());
        assert_eq!(
            refused("mysql://localhost/x").as_deref(),
            Some("`database.url` must start with `sqlite:` or `postgres://`")
        );
        assert_eq!(
            refused("sqlite::memory:").as_deref(),
            Some("`database.url` must name a file after `sqlite:`")
        );
        assert!(refused("sqlite:a.db?mode=ro").is_some());
        assert_eq!(refused("sqlite:data/patchbay.db"), None);
    }
}
