//! `postgres`: rows as searchable documents, and read-only tools on the live database.

mod catalog;
mod connect;
mod error;
mod guard;
mod render;
mod rows;
mod sync;
mod tools;

use std::sync::LazyLock;

use async_trait::async_trait;
use connector_sdk::{
    CheckReport, Connector, ConnectorError, Context, Manifest, SyncSource, ToolSet,
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use self::{catalog::Catalog, connect::Connection};

/// The connector.
pub(crate) struct Postgres;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    serde_json::from_str(include_str!("manifest.json")).expect("the compiled-in manifest is valid")
});

/// The only stream.
const STREAM: &str = "rows";

/// Settings, by the manifest's config schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    host: String,
    #[serde(default = "default_port")]
    port: u16,
    database: String,
    user: String,
    #[serde(default)]
    ssl_mode: SslMode,
    ca_certificate: Option<String>,
    #[serde(default = "default_schemas")]
    schemas: Vec<String>,
    tables: Option<Vec<String>>,
    cursor_column: Option<String>,
    #[serde(default = "default_rows")]
    row_limit: u32,
    #[serde(default = "default_rows")]
    page_size: u32,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SslMode {
    Disable,
    Require,
    #[default]
    VerifyFull,
}

const fn default_port() -> u16 {
    5432
}

const fn default_rows() -> u32 {
    200
}

fn default_schemas() -> Vec<String> {
    vec!["public".to_owned()]
}

// === impl Postgres ===

#[async_trait]
impl Connector for Postgres {
    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    async fn check(&self, cx: &Context) -> Result<CheckReport, ConnectorError> {
        let config: Config = cx.config()?;
        let mut report = CheckReport::new();
        let mut connection = match Connection::open(cx, &config).await {
            Ok(connection) => connection,
            Err(ConnectorError::Cancelled) => return Err(ConnectorError::Cancelled),
            Err(error) => {
                report.fail("Sign in", error.to_string());
                return Ok(report);
            }
        };
        report.pass("Sign in", format!("Connected to {}.", connection.server_version()));
        match Catalog::read(connection.as_mut(), &config).await {
            Ok(catalog) => catalog.report(&mut report),
            Err(ConnectorError::Config { message, .. }) => report.fail("Tables", message),
            Err(error) => report.fail("Tables", error.to_string()),
        }
        connection.close().await;
        Ok(report)
    }

    fn sync(&self) -> Option<&dyn SyncSource> {
        Some(self)
    }

    fn tools(&self) -> Option<&dyn ToolSet> {
        Some(self)
    }

    fn remote(&self, _config: &Value) -> Option<Result<Url, ConnectorError>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_of_the_form_are_the_defaults_of_the_code() {
        let required = json!({"host": "h", "database": "d", "user": "u"});
        let mut filled = required.clone();
        for (name, property) in
            MANIFEST.config_schema["properties"].as_object().expect("properties")
        {
            if let Some(default) = property.get("default") {
                filled[name] = default.clone();
            }
        }
        let read = |config: &Value| {
            format!("{:?}", serde_json::from_value::<Config>(config.clone()).expect("settings"))
        };
        assert_eq!(read(&required), read(&filled));
    }
}
