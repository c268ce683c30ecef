//! Settings made into running parts: the one place where the crates are put together.

use std::sync::Arc;

use backplane::{Cache, Queue, Signal};
use connector_sdk::OperatorPolicy;
use control::{Clock, Control, Parts};
use egress::Egress;
use store::Store;
use telemetry::{Metrics, Telemetry};
use vault::Vault;

use crate::{cmd::CommandError, settings::Settings};

/// Labels of the keys derived from the key-encryption key.
const MCP_SESSION_KEY: &str = "mcp-session";
const CACHE_SEAL_KEY: &str = "cache-seal";

/// The parts that every role shares.
pub(crate) struct Plane {
    pub(crate) control: Control,
    pub(crate) queue: Queue,
    pub(crate) cache: Cache,
    pub(crate) egress: Egress,
    pub(crate) session_key: [u8; 32],
    pub(crate) telemetry: Telemetry,
}

// === impl Plane ===

impl Plane {
    /// Connects to everything that the settings name. The database must already be at this version.
    pub(crate) async fn build(
        settings: &Settings,
        service: &'static str,
    ) -> Result<Self, CommandError> {
        let telemetry = telemetry::init(&settings.telemetry, service)?;
        let store = Store::connect(&settings.database).await?;
        store.check_isolation().await?;
        Self::assemble(settings, store, telemetry).await
    }

    /// As [`Plane::build`], on a database that is migrated first: the embedded form owns its file.
    pub(crate) async fn build_migrated(
        settings: &Settings,
        service: &'static str,
    ) -> Result<Self, CommandError> {
        let telemetry = telemetry::init(&settings.telemetry, service)?;
        let store = Store::connect(&settings.database).await?;
        store.migrate().await?;
        Self::assemble(settings, store, telemetry).await
    }

    async fn assemble(
        settings: &Settings,
        store: Store,
        telemetry: Telemetry,
    ) -> Result<Self, CommandError> {
        let vault = Vault::build(&settings.vault)?;
        let session_key = *vault.derive(MCP_SESSION_KEY);
        let seal_key = *vault.derive(CACHE_SEAL_KEY);
        let queue = Queue::connect(&settings.queue).await?;
        let cache = Cache::connect(&settings.cache, seal_key).await?;
        let signal = Signal::connect(&settings.cache).await?;
        let egress = Egress::new(settings.egress.clone());
        let control = Control::new(Parts {
            store,
            vault,
            queue: queue.clone(),
            cache: cache.clone(),
            signal,
            egress: egress.clone(),
            registry: connectors::registry::all(),
            operator: Arc::new(operator_policy(settings)),
            clock: Clock::system(),
            metrics: telemetry.metrics(),
            config: control::Config {
                public_url: settings.public_url().trim_end_matches('/').to_owned(),
                sign_up: settings.sign_up.clone(),
                ..settings.control.clone()
            },
        });
        Ok(Self { control, queue, cache, egress, session_key, telemetry })
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.telemetry.metrics()
    }
}

fn operator_policy(settings: &Settings) -> OperatorPolicy {
    OperatorPolicy {
        file_roots: settings.connectors.file_roots.clone(),
        max_document_bytes: settings.connectors.max_document_bytes,
    }
}
