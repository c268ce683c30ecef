//! What an organisation wants of its audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a call that cannot be noted because the audit log does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overload {
    /// It is refused: what is not noted does not happen.
    Block,
    /// It happens; it is counted, and the chain says how many calls are not in it.
    Drop,
}

/// What an organisation wants of its audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSettings {
    /// Whether the arguments of tool calls are kept, without what looks like a secret.
    pub keep_arguments: bool,
    /// Days after which entries are removed; `None` keeps them.
    pub retention_days: Option<u32>,
    /// `None` is what the operator set.
    pub overload: Option<Overload>,
}

// === impl Overload ===

impl Overload {
    pub const fn as_str(self) -> &'static str {
        match self {
            Overload::Block => "block",
            Overload::Drop => "drop",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Block, Self::Drop].into_iter().find(|it| it.as_str() == text)
    }
}
