//! Our own keyset cursors: they name the last item given, so they survive reordering, restarts and other replicas.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Longest cursor that is looked at.
const MAX_LENGTH: usize = 2048;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "l", deny_unknown_fields)]
pub(crate) enum Cursor {
    /// In the list of tools, after this name.
    #[serde(rename = "t")]
    Tools { after: String },
    /// In the list of records, after this position.
    #[serde(rename = "r")]
    Records { after: String },
}

/// The text is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid cursor")]
pub(crate) struct BadCursor;

// === impl Cursor ===

impl Cursor {
    pub(crate) fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("strings always serialize");
        URL_SAFE_NO_PAD.encode(json)
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        if text.len() > MAX_LENGTH {
            return Err(BadCursor);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        serde_json::from_slice(&json).map_err(|_| BadCursor)
    }

    /// The tool name after which the list goes on.
    pub(crate) fn of_tools(text: &str) -> Result<String, BadCursor> {
        match Self::decode(text)? {
            Self::Tools { after } => Ok(after),
            Self::Records { .. } => Err(BadCursor),
        }
    }

    /// The position after which the records go on.
    pub(crate) fn of_records(text: &str) -> Result<String, BadCursor> {
        match Self::decode(text)? {
            Self::Records { after } => Ok(after),
            Self::Tools { .. } => Err(BadCursor),
        }
    }

    /// Checks the cursor of a list that has one page.
    pub(crate) fn of_single_page(text: Option<&str>) -> Result<(), BadCursor> {
        text.map_or(Ok(()), |_| Err(BadCursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_cursor_is_refused() {
        for text in ["", "x", "eyJ9", "bm90IGpzb24", &"A".repeat(5000)] {
            assert_eq!(Cursor::of_tools(text), Err(BadCursor), "{text}");
        }
        let records = Cursor::Records { after: "x".to_owned() }.encode();
        assert_eq!(Cursor::of_tools(&records), Err(BadCursor));
        assert_eq!(Cursor::of_records(&records), Ok("x".to_owned()));
    }
}
