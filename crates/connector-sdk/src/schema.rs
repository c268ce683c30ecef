//! Validation by JSON Schema, with errors in the words of the person who filled in the form.

use std::{borrow::Cow, fmt, iter, ops::Deref, sync::OnceLock};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind, paths::LocationSegment};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A JSON Schema (2020-12) of a manifest. Compiled once, when it is first needed: every call of a tool is checked by one.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    json: Value,
    /// `None` when it cannot be compiled.
    #[serde(skip)]
    compiled: OnceLock<Option<Validator>>,
}

/// What is wrong with one field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, outermost first; empty for the form as a whole.
    pub field: Vec<String>,
    /// A sentence that calls the field by the title that the form shows. Never repeats a value.
    pub message: String,
}

// === impl Schema ===

impl Schema {
    /// Checks `instance`; all errors at once, one per field and reason, in the order of the schema.
    pub(crate) fn validate(&self, instance: &Value) -> Result<(), Vec<FieldError>> {
        let Some(validator) = self.validator() else { return Err(vec![broken_schema()]) };
        let mut errors: Vec<FieldError> = Vec::new();
        for error in validator.iter_errors(instance) {
            for found in field_errors(&self.json, &error) {
                if !errors.contains(&found) {
                    errors.push(found);
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn validator(&self) -> Option<&Validator> {
        // Offline: a schema never makes this process fetch something.
        let build = || {
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            options.build(&self.json).ok()
        };
        self.compiled.get_or_init(build).as_ref()
    }
}

impl From<Value> for Schema {
    fn from(json: Value) -> Self {
        Self { json, compiled: OnceLock::new() }
    }
}

impl Deref for Schema {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.json
    }
}

impl Clone for Schema {
    fn clone(&self) -> Self {
        self.json.clone().into()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl JsonSchema for Schema {
    fn schema_name() -> Cow<'static, str> {
        Value::schema_name()
    }

    fn inline_schema() -> bool {
        Value::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        Value::json_schema(generator)
    }
}

/// Whether a schema can be compiled at all; used by the compliance check.
pub(crate) fn compile_problem(schema: &Value) -> Option<String> {
    jsonschema::draft202012::options().build(schema).err().map(|error| error.to_string())
}

fn broken_schema() -> FieldError {
    FieldError {
        field: Vec::new(),
        message: "The connector's own schema is broken; please tell its publisher.".to_owned(),
    }
}

fn field_errors(schema: &Value, error: &ValidationError<'_>) -> Vec<FieldError> {
    let path = path_of(error);
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let field: Vec<String> = path.into_iter().chain(iter::once(name.to_owned())).collect();
            let message = format!("{} is required.", title(schema, &field));
            vec![FieldError { field, message }]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| FieldError {
                field: path.iter().cloned().chain(iter::once(name.clone())).collect(),
                message: format!("There is no field called `{name}`."),
            })
            .collect(),
        kind => {
            let message = match annotation(schema, &path, "x-message") {
                Some(own) => own.to_owned(),
                None => format!("{} {}.", title(schema, &path), complaint(kind)),
            };
            vec![FieldError { field: path, message }]
        }
    }
}

fn path_of(error: &ValidationError<'_>) -> Vec<String> {
    error
        .instance_path()
        .into_iter()
        .map(|segment| match segment {
            LocationSegment::Property(name) => name.to_string(),
            LocationSegment::Index(index) => index.to_string(),
        })
        .collect()
}

/// The part of the sentence after the field's title. Only limits of the schema are named, never the value given.
fn complaint(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => format!("must be {}", type_words(&type_name(kind))),
        ValidationErrorKind::Enum { options } => {
            let words: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
            format!("must be one of: {}", words.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("must be {}", plain(expected_value))
        }
        ValidationErrorKind::MinLength { limit: 1 }
        | ValidationErrorKind::MinItems { limit: 1 } => "must not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => {
            format!("must have at least {limit} characters")
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("must have at most {limit} characters")
        }
        ValidationErrorKind::MinItems { limit } => format!("needs at least {limit} entries"),
        ValidationErrorKind::MaxItems { limit } => format!("can have at most {limit} entries"),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::UniqueItems => "must not name the same entry twice".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("must fit the pattern {pattern}"),
        ValidationErrorKind::Format { format } => format!("must be a valid {format}"),
        _ => "is not valid".to_owned(),
    }
}

fn type_name(kind: &jsonschema::error::TypeKind) -> String {
    match kind {
        jsonschema::error::TypeKind::Single(name) => name.to_string(),
        jsonschema::error::TypeKind::Multiple(_) => "another kind of value".to_owned(),
    }
}

fn type_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "yes or no",
        "array" => "a list",
        "object" => "a group of fields",
        "null" => "empty",
        other => other,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What the form calls the field. An entry of a list is called by its list.
fn title(schema: &Value, path: &[String]) -> String {
    if let Some(title) = annotation(schema, path, "title") {
        return title.to_owned();
    }
    match path.split_last() {
        Some((last, rest)) if last.parse::<usize>().is_ok() => {
            format!("An entry of {}", title(schema, rest))
        }
        Some((last, _)) => format!("`{last}`"),
        None => "The form".to_owned(),
    }
}

/// A word that the schema of the field carries, if the path is one of plain properties and lists.
fn annotation<'a>(schema: &'a Value, path: &[String], word: &str) -> Option<&'a str> {
    if path.is_empty() {
        return None;
    }
    let mut at = schema;
    for step in path {
        at = match at.get("properties").and_then(|properties| properties.get(step)) {
            Some(property) => property,
            None => at.get("items")?,
        };
    }
    at.get(word)?.as_str()
}

// === impl FieldError ===

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field.join("."), self.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::from(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["host"],
            "properties": {
                "host": {"type": "string", "title": "Host", "minLength": 1},
                "port": {"type": "integer", "title": "Port", "minimum": 1, "maximum": 65535},
                "mode": {"enum": ["disable", "require"], "title": "TLS"},
                "name": {"type": "string", "title": "Name", "pattern": "^[a-z]+$", "x-message": "Name may only have small letters."},
                "tables": {"type": "array", "title": "Tables", "items": {"type": "string"}}
            }
        }))
    }

    fn messages(instance: &Value) -> Vec<(String, String)> {
        schema()
            .validate(instance)
            .expect_err("invalid")
            .into_iter()
            .map(|error| (error.field.join("."), error.message))
            .collect()
    }

    fn pair(field: &str, message: &str) -> (String, String) {
        (field.to_owned(), message.to_owned())
    }

    #[test]
    fn errors_name_the_field_by_path_and_by_its_title() {
        assert_eq!(messages(&json!({})), [pair("host", "Host is required.")]);
        assert_eq!(messages(&json!({"host": ""})), [pair("host", "Host must not be empty.")]);
        assert_eq!(
            messages(&json!({"host": "a", "port": 70000})),
            [pair("port", "Port must be at most 65535.")]
        );
        assert_eq!(
            messages(&json!({"host": "a", "port": "x"})),
            [pair("port", "Port must be a whole number.")]
        );
        assert_eq!(
            messages(&json!({"host": "a", "mode": "maybe"})),
            [pair("mode", "TLS must be one of: disable, require.")]
        );
        assert_eq!(
            messages(&json!({"host": "a", "name": "A"})),
            [pair("name", "Name may only have small letters.")]
        );
        assert_eq!(
            messages(&json!({"host": "a", "tables": [1]})),
            [pair("tables.0", "An entry of Tables must be text.")]
        );
        assert_eq!(
            messages(&json!({"host": "a", "hots": 1})),
            [pair("hots", "There is no field called `hots`.")]
        );
        assert_eq!(messages(&json!([])), [pair("", "The form must be a group of fields.")]);
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        assert_eq!(messages(&json!({"port": 0, "mode": 1})).len(), 3);
    }

    #[test]
    fn errors_never_repeat_the_value() {
        for instance in [json!({"host": 4711}), json!({"host": "x", "mode": "hunter2"})] {
            let text = format!("{:?}", messages(&instance));
            assert!(!text.contains("4711") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn valid_settings_pass() {
        assert_eq!(schema().validate(&json!({"host": "a", "port": 5432})), Ok(()));
    }
}
