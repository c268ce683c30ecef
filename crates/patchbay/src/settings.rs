//! All settings of the product: each section belongs to the crate that uses it; here they are gathered and read.
//!
//! Order: defaults, then the file, then the environment (`PATCHBAY__SECTION__FIELD`). An unknown key is an error.

pub(crate) mod example;

use std::{net::SocketAddr, path::Path, path::PathBuf};

use config::{ConfigBuilder, Environment, File, FileFormat, builder::DefaultState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Prefix of environment variables, followed by two underscores.
const ENV_PREFIX: &str = "PATCHBAY";

/// Settings of every role.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where this process listens and under which address others reach it.
    pub server: ServerSettings,
    /// Where the truth is kept.
    pub database: store::Config,
    /// Rings workers when a job is due.
    pub queue: backplane::QueueConfig,
    /// Shared accelerator of the gateways and carrier of signals.
    pub cache: backplane::CacheConfig,
    /// The key under which credentials are sealed.
    pub vault: vault::Config,
    /// Logs, traces and metrics.
    pub telemetry: telemetry::Config,
    /// What the operator lets connectors reach.
    pub connectors: ConnectorSettings,
    /// Rules for every outgoing request.
    pub egress: egress::Config,
    /// Rules of the control plane itself.
    pub control: control::Config,
    /// Who may found an organisation here.
    pub sign_up: control::SignUpConfig,
    /// The GraphQL and REST door.
    pub api: api::Config,
    /// The queue door.
    pub worker: worker::Config,
    /// The MCP door.
    pub gateway: gateway::Config,
}

/// Where this process listens and under which address others reach it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSettings {
    /// Address and port of the HTTP door of this role. Env: `PATCHBAY__SERVER__LISTEN`
    pub listen: SocketAddr,
    /// Base of every address that is printed or returned, as users see it (the proxy's address). Defaults to `http://<listen>`. Env: `PATCHBAY__SERVER__PUBLIC_URL`
    pub public_url: Option<Url>,
    /// Address for `/metrics` and `/health`, not meant for the public. Port 0 picks a free one. Env: `PATCHBAY__SERVER__METRICS_LISTEN`
    pub metrics_listen: SocketAddr,
    /// Threads that answer HTTP requests; 0 means one for each core. Env: `PATCHBAY__SERVER__HTTP_THREADS`
    pub http_threads: usize,
    /// How long a stopping process lets running work finish, in seconds. Env: `PATCHBAY__SERVER__SHUTDOWN_SECONDS`
    pub shutdown_seconds: u64,
}

/// What the operator lets connectors reach.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConnectorSettings {
    /// Directories of this machine that the file-system connector may read; none by default. Env: `PATCHBAY__CONNECTORS__FILE_ROOTS`
    pub file_roots: Vec<PathBuf>,
    /// Largest single document that a sync takes, in bytes. Env: `PATCHBAY__CONNECTORS__MAX_DOCUMENT_BYTES`
    pub max_document_bytes: u64,
}

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("the configuration is not right; `deploy/config.example.toml` lists every setting")]
    Invalid(#[source] config::ConfigError),
    #[error("the configuration file {path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

// === impl Settings ===

impl Settings {
    /// Reads the file, if one is given, and the environment over it.
    ///
    /// # Errors
    /// An unreadable file, an unknown key or a value of the wrong kind.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        Self::read(file, config::Config::builder())
    }

    /// As [`Settings::load`], with logs that suit a terminal where nothing else is asked for.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub(crate) fn load_for_terminal(file: Option<&Path>) -> Result<Self, SettingsError> {
        let sources = config::Config::builder()
            .set_default("telemetry.log_format", "pretty")
            .and_then(|sources| sources.set_default("telemetry.log_filter", "warn"))
            .map_err(SettingsError::Invalid)?;
        Self::read(file, sources)
    }

    fn read(
        file: Option<&Path>,
        mut sources: ConfigBuilder<DefaultState>,
    ) -> Result<Self, SettingsError> {
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
            sources = sources.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let environment = Environment::with_prefix(ENV_PREFIX)
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("connectors.file_roots")
            .with_list_parse_key("vault.previous_key_files")
            .with_list_parse_key("gateway.allowed_origins")
            .with_list_parse_key("api.allowed_origins")
            .with_list_parse_key("egress.name_servers");
        sources
            .add_source(environment)
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(SettingsError::Invalid)
    }

    /// Takes the passwords out of the addresses, for printing. Other secrets hide themselves.
    pub(crate) fn hide_passwords(&mut self) {
        for url in [&mut self.database.url, &mut self.queue.url, &mut self.cache.url] {
            if let Ok(mut parsed) = Url::parse(url)
                && parsed.password().is_some()
                && parsed.set_password(Some("hidden")).is_ok()
            {
                *url = parsed.into();
            }
        }
    }

    /// The address under which users reach the product, without a slash at its end.
    pub(crate) fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.server.listen),
        }
    }
}

// === impl ServerSettings ===

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4480)),
            public_url: None,
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http_threads: 0,
            shutdown_seconds: 20,
        }
    }
}

// === impl ConnectorSettings ===

impl Default for ConnectorSettings {
    fn default() -> Self {
        Self { file_roots: Vec::new(), max_document_bytes: 10 * 1024 * 1024 }
    }
}
