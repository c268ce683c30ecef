//! Arguments of tool calls as an organisation may keep them: without what is named like a secret or looks like one.

use serde_json::Value;
use telemetry::redact;

/// A member is replaced when its name, in lower case and without `_` and `-`, contains one of these.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
    "authorization",
    "cookie",
    "sessionid",
];
const REPLACED: &str = "[redacted]";
/// Arguments that are larger are not kept at all.
const LARGEST: usize = 16 * 1024;

/// The arguments without secrets; `None` when they are too large to be kept, or no JSON.
pub(crate) fn kept(arguments: &[u8]) -> Option<Value> {
    if arguments.len() > LARGEST {
        return None;
    }
    let mut value = serde_json::from_slice(arguments).ok()?;
    clean(&mut value);
    Some(value)
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            let cleaned = redact(text);
            if cleaned != *text {
                *text = cleaned.into_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) { *value = REPLACED.into() } else { clean(value) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect();
    NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_by_name_and_by_form_are_replaced_and_the_rest_stays() {
        let arguments = json!({
            "path": "README.md",
            "dbPassword": "hunter2",
            "nested": [{ "api-key": ["a", "b"], "note": "send Bearer abcdef123456 along" }],
            "limit": 3,
        });
        let expected = json!({
            "path": "README.md",
            "dbPassword": "[redacted]",
            "nested": [{ "api-key": "[redacted]", "note": "send Bearer [redacted] along" }],
            "limit": 3,
        });
        assert_eq!(kept(arguments.to_string().as_bytes()), Some(expected));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let large = json!({ "text": "x".repeat(LARGEST) }).to_string();
        assert_eq!(kept(large.as_bytes()), None);
    }
}
