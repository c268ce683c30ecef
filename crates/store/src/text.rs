//! Text as it can be kept: PostgreSQL refuses U+0000 in text and in JSON, and documents of the world contain it.

use serde_json::Value;

/// Whether a text could be stored as it is. One that could not is nowhere to be found.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Takes out U+0000.
pub(crate) fn storable(text: String) -> String {
    if is_storable(&text) { text } else { text.replace('\0', "") }
}

/// Takes U+0000 out of every string and key.
pub(crate) fn storable_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(storable_json).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, value)| (storable(key), storable_json(value))).collect(),
        ),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_taken_out_everywhere() {
        assert_eq!(storable("a\0b".to_owned()), "ab");
        let cleaned = storable_json(json!({ "k\0": ["x\0", 1, { "y": "\0" }] }));
        assert_eq!(cleaned, json!({ "k": ["x", 1, { "y": "" }] }));
    }
}
