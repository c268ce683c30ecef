//! What an organisation can ask to be told of: the actions of the audit log that change something, alone, by noun or all.

use std::collections::BTreeSet;

use crate::{Action, Error, audit_actions};

/// Asks for everything.
const ALL: &str = "*";
/// More than there are nouns and single types that anybody wants.
const MAX_TYPES: usize = 100;

/// Every type, in the order of the alphabet.
pub fn event_types() -> Vec<&'static str> {
    let events = audit_actions::ALL.iter().filter(|action| action.is_event());
    let sorted: BTreeSet<_> = events.map(|action: &Action| action.as_str()).collect();
    sorted.into_iter().collect()
}

/// The types that a webhook's words stand for.
pub(super) fn chosen(words: &[String]) -> Vec<&'static str> {
    let wanted = |name: &&str| words.iter().any(|word| covers(word, name));
    event_types().into_iter().filter(wanted).collect()
}

/// Each word is a type, all of a noun (`install.*`) or all (`*`).
pub(super) fn check(words: &[String]) -> Result<(), Error> {
    if words.is_empty() || words.len() > MAX_TYPES {
        let message = "name 1 to 100 event types; `*` is all of them";
        return Err(Error::invalid("eventTypes", "length", message));
    }
    let known = event_types();
    for word in words {
        if !known.iter().any(|name| covers(word, name)) {
            let message = format!(
                "there is no event type `{word}`: `webhookEventTypes` lists them; `install.*` is all of a noun"
            );
            return Err(Error::invalid("eventTypes", "unknown", message));
        }
    }
    Ok(())
}

fn covers(word: &str, name: &str) -> bool {
    let of_noun = || {
        let noun = word.strip_suffix(".*")?;
        name.split_once('.').map(|(its, _)| its == noun)
    };
    word == ALL || word == name || of_noun().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_stands_for_a_type_a_noun_or_all() {
        let words = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&words(&["*"])), event_types());
        assert_eq!(chosen(&words(&["install.create"])), ["install.create"]);
        let installs = chosen(&words(&["install.*"]));
        assert!(installs.len() > 2 && installs.iter().all(|it| it.starts_with("install.")));
        for wrong in ["", "install", "install.", "install.read", "mcp.*", "*.create", "nothing.*"] {
            assert!(check(&words(&[wrong])).is_err(), "{wrong}");
        }
    }
}
