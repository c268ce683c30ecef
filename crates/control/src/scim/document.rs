//! A resource as a client writes it, brought into the form of the schema: names as the schema spells them, values of its types.

use serde_json::{Map, Value};

use super::{
    ScimError, ScimType,
    schema::{Attribute, Kind, Schema},
};

/// A resource without id, meta and schemas.
pub(crate) type Document = Map<String, Value>;

/// Takes from a request body what the schema knows. What only the service says (`id`, `meta`, read-only attributes) is passed over
/// (RFC 7644 section 3.3).
///
/// # Errors
/// `invalidSyntax` for what is no object, `invalidValue` for a value of another type.
pub(crate) fn read(schema: &'static Schema, body: &Value) -> Result<Document, ScimError> {
    let Value::Object(given) = body else {
        return Err(ScimError::bad(ScimType::InvalidSyntax, "the body must be a JSON object"));
    };
    let mut document = Document::new();
    for (name, value) in given {
        if let Some(extension) = schema.extension.filter(|it| it.urn.eq_ignore_ascii_case(name)) {
            let inner = read(extension, value)?;
            put(&mut document, extension.urn, Value::Object(inner));
        } else if let Some(attribute) = schema.attribute(name).filter(|it| !it.read_only) {
            put(&mut document, attribute.name, coerce(attribute, value)?);
        }
    }
    Ok(document)
}

/// Sets a value. Null and what is empty are the same as nothing (RFC 7643 section 2.5).
pub(crate) fn put(document: &mut Document, name: &str, value: Value) {
    if is_nothing(&value) {
        document.remove(name);
    } else {
        document.insert(name.to_owned(), value);
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A value in the type of its attribute. Booleans as text (`"True"`), single values for lists and bare values for objects with a
/// `value` are taken as they are meant: Entra ID writes them so.
///
/// # Errors
/// `invalidValue`.
pub(crate) fn coerce(attribute: &'static Attribute, value: &Value) -> Result<Value, ScimError> {
    if !attribute.multi {
        return single(attribute, value);
    }
    let items = match value {
        Value::Null => return Ok(Value::Null),
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut taken: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        let item = single(attribute, item)?;
        if !is_nothing(&item) && !taken.contains(&item) {
            taken.push(item);
        }
    }
    if taken.iter().filter(|item| item["primary"] == true).count() > 1 {
        return Err(wrong(attribute, "at most one value is primary"));
    }
    Ok(Value::Array(taken))
}

/// One value, also of an attribute that has several.
pub(crate) fn single(attribute: &'static Attribute, value: &Value) -> Result<Value, ScimError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Boolean, Value::Bool(_)) | (Kind::Text | Kind::Reference, Value::String(_)) => {
            Ok(value.clone())
        }
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(true.into())
        }
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(false.into())
        }
        (Kind::Text, Value::Number(number)) => Ok(number.to_string().into()),
        (Kind::Complex, Value::Object(fields)) => {
            let mut taken = Document::new();
            for (name, field) in fields {
                if let Some(sub) = attribute.sub(name) {
                    put(&mut taken, sub.name, single(sub, field)?);
                }
            }
            Ok(Value::Object(taken))
        }
        (Kind::Complex, Value::String(text)) if attribute.sub("value").is_some() => {
            Ok(serde_json::json!({ "value": text }))
        }
        _ => Err(wrong(attribute, "the value is of another type")),
    }
}

pub(crate) fn wrong(attribute: &Attribute, why: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("`{}`: {why}", attribute.name))
}

/// A text attribute.
pub(crate) fn text<'d>(document: &'d Document, name: &str) -> Option<&'d str> {
    document.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The address that counts: the primary one, else the first for work, else the first, else a user name that is one.
pub(crate) fn address(document: &Document) -> Option<String> {
    let emails = document.get("emails").and_then(Value::as_array);
    let emails = emails.map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().find(|it| it["primary"] == true);
    let work = || emails.iter().find(|it| it["type"].as_str() == Some("work"));
    let chosen = primary.or_else(work).or(emails.first());
    let written = chosen.and_then(|it| it["value"].as_str()).or(text(document, "userName"))?;
    let address = written.trim().to_lowercase();
    let (local, host) = address.rsplit_once('@')?;
    let fits = !local.is_empty() && !host.is_empty() && address.len() <= 254;
    (fits && !address.chars().any(|it| it.is_control() || it.is_whitespace())).then_some(address)
}

/// The name to show: what the directory says, or the parts of the name, or the user name.
pub(crate) fn shown_name(document: &Document) -> String {
    let part = |name: &str| {
        let name = document.get("name").and_then(|it| it.get(name));
        name.and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let whole = format!("{} {}", part("givenName"), part("familyName"));
    let user_name = text(document, "userName").unwrap_or_default();
    let candidates = [
        text(document, "displayName").unwrap_or_default().to_owned(),
        part("formatted"),
        whole.trim().to_owned(),
        user_name.to_owned(),
    ];
    let name = candidates.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    name.chars().filter(|it| !it.is_control()).take(100).collect()
}
