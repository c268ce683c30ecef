//! The example configuration: every key with its documentation and its default, from the same source as the settings themselves.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEAD: &str = "# Every setting of Patchbay with its default. Generated: change the documentation of the settings instead.\n\
                    # Order: defaults, then this file, then the environment.\n";

/// Renders the JSON Schema of the settings as a commented TOML file.
pub(crate) fn render(schema: &Value) -> String {
    let mut text = HEAD.to_owned();
    let empty = Map::new();
    let sections = schema["properties"].as_object().unwrap_or(&empty);
    for (name, section) in sections {
        let resolved = resolve(schema, section);
        let documentation = section["description"].as_str().or(resolved["description"].as_str());
        text.push('\n');
        comment(&mut text, documentation.unwrap_or_default());
        let _ = writeln!(text, "[{name}]");
        for (key, field) in resolved["properties"].as_object().unwrap_or(&empty) {
            comment(&mut text, field["description"].as_str().unwrap_or_default());
            let default = &section["default"][key];
            let default = if default.is_null() { &field["default"] } else { default };
            match toml_value(default) {
                Some(value) => drop(writeln!(text, "# {key} = {value}")),
                None => drop(writeln!(text, "# {key} =")),
            }
        }
    }
    text
}

/// Follows a `$ref` to the section's own definition.
fn resolve<'a>(schema: &'a Value, section: &'a Value) -> &'a Value {
    let target = section["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(section)
}

fn comment(text: &mut String, documentation: &str) {
    for line in documentation.lines() {
        let _ = writeln!(text, "# {line}");
    }
}

/// A JSON default as TOML; `None` for a setting without one.
fn toml_value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(_) => toml::Value::try_from(value).ok().map(|value| value.to_string()),
        other => Some(other.to_string()),
    }
}
