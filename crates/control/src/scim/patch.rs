//! PATCH (RFC 7644 section 3.5.2), with the dialects of Entra ID (capitalised operations, dotted keys without a path, a value path that
//! makes what it names) and Okta (values without a path, removal of members by value). Pure: it changes a document in memory.

use scim_v2::filter::{AttrExp, CompValue, CompareOp, PatchPath, ValFilter};
use serde_json::{Map, Value};

use super::{
    ScimError, ScimType,
    document::{self, Document, coerce, put, single},
    filter::{item_matches, member},
    schema::{Attribute, Kind, Schema},
};

/// Operations that one request may hold.
const MOST: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// Where a path leads.
struct Target<'p> {
    schema: &'static Schema,
    attribute: &'static Attribute,
    items: Option<&'p ValFilter>,
    sub: Option<&'static Attribute>,
}

/// Applies the operations of a request body, all or none: on an error the document is to be thrown away.
///
/// # Errors
/// With the `scimType` that the RFC names.
pub(crate) fn apply(
    schema: &'static Schema,
    document: &mut Document,
    body: &Value,
) -> Result<(), ScimError> {
    let operations = member(body, "Operations").and_then(Value::as_array);
    let syntax = |why: &str| ScimError::bad(ScimType::InvalidSyntax, why);
    let operations = operations.ok_or_else(|| syntax("`Operations` must be a list"))?;
    if operations.is_empty() || operations.len() > MOST {
        return Err(syntax("a request has 1 to 1000 operations"));
    }
    for operation in operations {
        let word = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
        let op = match word.to_ascii_lowercase().as_str() {
            "add" => Op::Add,
            "replace" => Op::Replace,
            "remove" => Op::Remove,
            _ => return Err(syntax("`op` is add, replace or remove")),
        };
        let value = member(operation, "value").unwrap_or(&Value::Null);
        match member(operation, "path").and_then(Value::as_str) {
            Some(path) => at(schema, document, op, path, value)?,
            None => everywhere(schema, document, op, value)?,
        }
    }
    Ok(())
}

/// Without a path the value is a part of the resource; its keys may be paths themselves. What only the service says is passed over,
/// as in a whole resource.
fn everywhere(
    schema: &'static Schema,
    document: &mut Document,
    op: Op,
    value: &Value,
) -> Result<(), ScimError> {
    if op == Op::Remove {
        return Err(ScimError::bad(ScimType::NoTarget, "say by `path` what is to be removed"));
    }
    let Value::Object(fields) = value else {
        return Err(ScimError::bad(
            ScimType::InvalidValue,
            "without a path the value is an object",
        ));
    };
    for (key, value) in fields {
        let extension = schema.extension.filter(|it| it.urn.eq_ignore_ascii_case(key));
        if let (Some(extension), Value::Object(inner)) = (extension, value) {
            for (name, value) in inner {
                if extension.attribute(name).is_some() {
                    at(schema, document, op, &format!("{}:{name}", extension.urn), value)?;
                }
            }
            continue;
        }
        match at(schema, document, op, key, value) {
            Err(ScimError::Bad { kind: ScimType::InvalidPath | ScimType::Mutability, .. }) => {}
            done => done?,
        }
    }
    Ok(())
}

fn at(
    schema: &'static Schema,
    document: &mut Document,
    op: Op,
    path: &str,
    value: &Value,
) -> Result<(), ScimError> {
    if let Some(extension) = schema.extension.filter(|it| it.urn.eq_ignore_ascii_case(path)) {
        return whole_extension(extension, document, op, value);
    }
    let parsed: PatchPath = path
        .parse()
        .map_err(|_| ScimError::bad(ScimType::InvalidPath, format!("`{path}` is not a path")))?;
    let target = resolve(schema, &parsed).ok_or_else(|| {
        ScimError::bad(ScimType::InvalidPath, format!("there is no attribute `{path}` here"))
    })?;
    if target.attribute.read_only {
        let why = format!("`{path}` follows from elsewhere and cannot be changed here");
        return Err(ScimError::bad(ScimType::Mutability, why));
    }
    if op == Op::Remove && target.attribute.required && target.sub.is_none() {
        return Err(ScimError::bad(ScimType::Mutability, format!("`{path}` cannot be removed")));
    }
    if target.schema.urn == schema.urn {
        return change(document, op, &target, value);
    }
    let mut inner = match document.remove(target.schema.urn) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    change(&mut inner, op, &target, value)?;
    put(document, target.schema.urn, Value::Object(inner));
    Ok(())
}

fn whole_extension(
    extension: &'static Schema,
    document: &mut Document,
    op: Op,
    value: &Value,
) -> Result<(), ScimError> {
    let mut inner = match document.remove(extension.urn) {
        Some(Value::Object(inner)) if op == Op::Add => inner,
        _ => Map::new(),
    };
    if op != Op::Remove {
        inner.extend(document::read(extension, value)?);
    }
    put(document, extension.urn, Value::Object(inner));
    Ok(())
}

fn resolve<'p>(schema: &'static Schema, path: &'p PatchPath) -> Option<Target<'p>> {
    let (attr, items, after) = match path {
        PatchPath::Attr(attr) => (attr, None, None),
        PatchPath::Value(path) => (&path.attr, Some(&path.filter), path.sub_attr.as_ref()),
    };
    let schema = match &attr.uri {
        Some(urn) => schema.by_urn(urn)?,
        None => schema,
    };
    let attribute = schema.attribute(&attr.name)?;
    let sub = match attr.sub_attr.as_ref().or(after) {
        Some(name) => Some(attribute.sub(name)?),
        None => None,
    };
    Some(Target { schema, attribute, items, sub })
}

fn change(
    document: &mut Document,
    op: Op,
    target: &Target<'_>,
    value: &Value,
) -> Result<(), ScimError> {
    let name = target.attribute.name;
    if target.attribute.multi && (target.items.is_some() || target.sub.is_some()) {
        return change_items(document, op, target, value);
    }
    if let Some(sub) = target.sub {
        let mut whole = match document.remove(name) {
            Some(Value::Object(whole)) => whole,
            _ => Map::new(),
        };
        let value = if op == Op::Remove { Value::Null } else { single(sub, value)? };
        put(&mut whole, sub.name, value);
        put(document, name, Value::Object(whole));
        return Ok(());
    }
    let old = document.remove(name).unwrap_or_default();
    let new = match op {
        Op::Remove => removed(target.attribute, old, value)?,
        Op::Add if target.attribute.multi => appended(target.attribute, old, value)?,
        _ if target.attribute.kind == Kind::Complex && !target.attribute.multi => {
            merged(old, single(target.attribute, value)?)
        }
        _ => coerce(target.attribute, value)?,
    };
    put(document, name, new);
    Ok(())
}

/// Removal of a whole attribute, or of the values of a list that are named beside the path.
fn removed(attribute: &'static Attribute, old: Value, value: &Value) -> Result<Value, ScimError> {
    if !attribute.multi || value.is_null() {
        return Ok(Value::Null);
    }
    let named = list(coerce(attribute, value)?);
    let is_named = |item: &Value| named.iter().any(|it| it["value"] == item["value"]);
    Ok(Value::Array(list(old).into_iter().filter(|item| !is_named(item)).collect()))
}

fn appended(attribute: &'static Attribute, old: Value, value: &Value) -> Result<Value, ScimError> {
    let mut items = list(old);
    for item in list(coerce(attribute, value)?) {
        if item["primary"] == true {
            unset_primary(&mut items);
        }
        // What differs only in what the service adds is the same member.
        let same = |it: &Value| {
            *it == item || (attribute.name == "members" && it["value"] == item["value"])
        };
        if !items.iter().any(same) {
            items.push(item);
        }
    }
    Ok(Value::Array(items))
}

fn merged(old: Value, new: Value) -> Value {
    match (old, new) {
        (Value::Object(mut old), Value::Object(new)) => {
            old.extend(new);
            Value::Object(old)
        }
        (_, new) => new,
    }
}

fn change_items(
    document: &mut Document,
    op: Op,
    target: &Target<'_>,
    value: &Value,
) -> Result<(), ScimError> {
    let name = target.attribute.name;
    let mut items = list(document.remove(name).unwrap_or_default());
    let hit = |item: &Value| target.items.is_none_or(|filter| item_matches(filter, item));
    if op == Op::Remove && target.sub.is_none() {
        items.retain(|item| !hit(item));
    } else {
        let new = match target.sub {
            _ if op == Op::Remove => Value::Null,
            Some(sub) => single(sub, value)?,
            None => single(target.attribute, value)?,
        };
        if !items.iter().any(hit) && op != Op::Remove {
            let seed = target.items.and_then(seed).unwrap_or_default();
            items.push(taken(target.attribute, seed)?);
        }
        let last = items.len().saturating_sub(1);
        let found = items.iter().any(hit);
        let primary = new == true && target.sub.is_some_and(|it| it.name == "primary");
        let hits: Vec<bool> = items
            .iter()
            .enumerate()
            .map(|(at, item)| if found { hit(item) } else { at == last })
            .collect();
        if primary {
            unset_primary(&mut items);
        }
        for (item, _) in items.iter_mut().zip(hits).filter(|(_, hit)| *hit) {
            match (target.sub, item.as_object_mut()) {
                (Some(sub), Some(fields)) => put(fields, sub.name, new.clone()),
                (None, _) => *item = merged(item.take(), new.clone()),
                (Some(_), None) => {}
            }
        }
        items.retain(|item| item.as_object().is_none_or(|fields| !fields.is_empty()));
    }
    put(document, name, coerce(target.attribute, &Value::Array(items))?);
    Ok(())
}

fn taken(attribute: &'static Attribute, seed: Map<String, Value>) -> Result<Value, ScimError> {
    single(attribute, &Value::Object(seed))
}

/// The value that a filter describes: `type eq "work"` is one of that type.
fn seed(filter: &ValFilter) -> Option<Map<String, Value>> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, value)) => {
            let value = match value {
                CompValue::Str(text) => Value::String(text.clone()),
                CompValue::True => Value::Bool(true),
                CompValue::False => Value::Bool(false),
                CompValue::Null | CompValue::Number(_) => return None,
            };
            Some(Map::from_iter([(path.name.clone(), value)]))
        }
        ValFilter::And(all) => Some(all.iter().filter_map(seed).flatten().collect()),
        _ => None,
    }
}

fn unset_primary(items: &mut [Value]) {
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("primary");
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}
