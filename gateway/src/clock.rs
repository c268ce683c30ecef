//! The time of the control plane, for what the gateway dates: session tokens.

use chrono::{DateTime, Utc};
use control::Control;

/// Tells the time of a [`Control`], so that one mock clock moves both.
#[derive(Clone)]
pub(crate) struct Now(Control);

// === impl Now ===

impl Now {
    pub(crate) const fn of(control: Control) -> Self {
        Self(control)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}
