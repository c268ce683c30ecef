//! Settings of the GraphQL and REST door.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the GraphQL and REST door.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the console's built files are. Env: `PATCHBAY__API__CONSOLE_DIR`
    pub console_dir: PathBuf,
    /// Further origins whose pages may call this door with a session, like `https://console.example.com`; the public address always may. Env: `PATCHBAY__API__ALLOWED_ORIGINS`
    pub allowed_origins: Vec<String>,
    /// Largest request body, in bytes. Env: `PATCHBAY__API__MAX_BODY_BYTES`
    pub max_body_bytes: usize,
    /// How many subscriptions one WebSocket may have at a time. Env: `PATCHBAY__API__MAX_SUBSCRIPTIONS`
    pub max_subscriptions: usize,
    /// Base of every address that is returned, without a slash at its end. Not a setting of its own: whoever builds the door copies `server.public_url` here.
    #[serde(skip)]
    #[schemars(skip)]
    pub public_url: String,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            console_dir: PathBuf::from("web/dist"),
            allowed_origins: Vec::new(),
            max_body_bytes: 256 * 1024,
            max_subscriptions: 20,
            public_url: "http://127.0.0.1:4480".to_owned(),
        }
    }
}
