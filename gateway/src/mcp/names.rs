//! The name under which a tool is offered: `{alias}__{tool}`, a function of the install and the tool alone, so that nothing
//! else that is installed ever renames it.

use sha2::{Digest, Sha256};

/// Longest name that all clients accept.
const MAX_LENGTH: usize = 64;
const SEPARATOR: &str = "__";
/// Hex digits of the suffix.
const SUFFIX: usize = 8;

/// What every offered name of an install starts with: a hint where to look, never the way a name is resolved.
pub(crate) fn prefix(alias: &str) -> String {
    format!("{alias}{SEPARATOR}")
}

/// The offered name. It gets a hash suffix when the plain one would be too long, hold a character that some client refuses,
/// or could be read as the tool of an install with another alias.
pub(crate) fn offered(alias: &str, tool: &str) -> String {
    let plain = format!("{alias}{SEPARATOR}{tool}");
    let ambiguous = alias.contains(SEPARATOR) || alias.ends_with('_');
    if plain.len() <= MAX_LENGTH && plain.bytes().all(is_safe) && !ambiguous && !tool.is_empty() {
        return plain;
    }
    let mut name: String = plain
        .chars()
        .map(|letter| if u8::try_from(letter).is_ok_and(is_safe) { letter } else { '_' })
        .take(MAX_LENGTH - SUFFIX - 1)
        .collect();
    let hash = Sha256::digest(format!("{alias}\0{tool}"));
    name.push('_');
    name.push_str(hex::encode(hash).get(..SUFFIX).unwrap_or_default());
    name
}

const fn is_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_stable() {
        assert_eq!(offered("docs", "read_file"), "docs__read_file");
        assert_eq!(offered("docs", "a.b"), "docs__a_b_e04bd6ad");
        assert_eq!(offered("docs", &"x".repeat(80)).len(), MAX_LENGTH);
    }

    #[test]
    fn two_installs_never_share_a_name() {
        assert_ne!(offered("a", "b__c"), offered("a__b", "c"));
        assert_ne!(offered("a", "_b"), offered("a_", "b"));
        assert_ne!(offered("a", &"x".repeat(80)), offered("a", &"x".repeat(81)));
    }

    proptest! {
        #[test]
        fn every_name_fits_every_client(alias in "[a-z0-9_]{1,24}", tool in ".{0,90}") {
            let name = offered(&alias, &tool);
            prop_assert!(name.len() <= MAX_LENGTH && name.bytes().all(is_safe));
            prop_assert!(name.starts_with(&prefix(&alias)));
        }
    }
}
