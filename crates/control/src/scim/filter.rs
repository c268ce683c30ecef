//! Filters (RFC 7644 section 3.4.2.2): what of one the database can answer, and the rest, decided on a resource. Pure.

use std::cmp::Ordering;

use chrono::DateTime;
use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::Value;

use super::{ScimError, ScimType};

/// A part of a filter that names one thing exactly, for an index of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// In lower case.
    pub(crate) attribute: String,
    pub(crate) value: String,
    /// Whether it is the whole filter.
    pub(crate) whole: bool,
}

/// Attributes with an index.
const KEYS: [&str; 4] = ["id", "username", "externalid", "displayname"];

/// Reads a filter.
///
/// # Errors
/// `invalidFilter`, also for an order of booleans, which have none.
pub(crate) fn parse(text: &str) -> Result<Filter, ScimError> {
    let bad = |why: String| ScimError::bad(ScimType::InvalidFilter, why);
    let filter: Filter = text.parse().map_err(|error| bad(format!("{error}")))?;
    if orders_booleans(&filter) {
        return Err(bad("booleans are equal or not: they have no order".to_owned()));
    }
    Ok(filter)
}

fn orders_booleans(filter: &Filter) -> bool {
    match filter {
        Filter::Attr(AttrExp::Comparison(_, op, CompValue::True | CompValue::False)) => {
            !matches!(op, CompareOp::Eq | CompareOp::Ne)
        }
        Filter::Not(inner) => orders_booleans(inner),
        Filter::And(all) | Filter::Or(all) => all.iter().any(orders_booleans),
        Filter::Attr(_) | Filter::ValuePath(_) => false,
    }
}

/// The part of a filter that the database answers: everything that matches the filter has this key.
pub(crate) fn key(filter: &Filter) -> Option<Key> {
    match filter {
        Filter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(value)))
            if path.sub_attr.is_none() && !is_extension(path) =>
        {
            let attribute = path.name.to_ascii_lowercase();
            let known = KEYS.contains(&attribute.as_str());
            known.then(|| Key { attribute, value: value.clone(), whole: true })
        }
        Filter::And(all) => all.iter().find_map(key).map(|key| Key { whole: false, ..key }),
        _ => None,
    }
}

fn is_extension(path: &AttrPath) -> bool {
    path.uri.as_ref().is_some_and(|uri| uri.contains(":extension:"))
}

/// Whether a resource matches.
pub(crate) fn matches(filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::Attr(expression) => compares(expression, resource),
        Filter::ValuePath(path) => {
            let values = values(&path.attr, resource);
            values.iter().any(|value| item_matches(&path.filter, value))
        }
        Filter::Not(inner) => !matches(inner, resource),
        Filter::And(all) => all.iter().all(|it| matches(it, resource)),
        Filter::Or(any) => any.iter().any(|it| matches(it, resource)),
    }
}

/// Whether one value of a list matches the filter in brackets.
pub(crate) fn item_matches(filter: &ValFilter, item: &Value) -> bool {
    match filter {
        ValFilter::Attr(expression) => compares(expression, item),
        ValFilter::Not(inner) => !item_matches(inner, item),
        ValFilter::And(all) => all.iter().all(|it| item_matches(it, item)),
        ValFilter::Or(any) => any.iter().any(|it| item_matches(it, item)),
    }
}

fn compares(expression: &AttrExp, resource: &Value) -> bool {
    match expression {
        AttrExp::Present(path) => values(path, resource).iter().any(|value| is_present(value)),
        AttrExp::Comparison(path, CompareOp::Ne, wanted) => {
            !compared(path, &CompareOp::Eq, wanted, resource)
        }
        AttrExp::Comparison(path, op, wanted) => compared(path, op, wanted, resource),
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

fn compared(path: &AttrPath, op: &CompareOp, wanted: &CompValue, resource: &Value) -> bool {
    let found = values(path, resource);
    if matches!(wanted, CompValue::Null) {
        return found.is_empty();
    }
    let exact = ["id", "externalid"].contains(&path.name.to_ascii_lowercase().as_str());
    found.iter().any(|value| {
        // A complex value stands for its `value` (RFC 7644 section 3.4.2.2).
        let value = value.get("value").unwrap_or(value);
        holds(value, op, wanted, exact)
    })
}

fn holds(value: &Value, op: &CompareOp, wanted: &CompValue, exact: bool) -> bool {
    match (value, wanted) {
        (Value::String(have), CompValue::Str(want)) => text_holds(have, op, want, exact),
        (Value::Bool(have), CompValue::True) => *op == CompareOp::Eq && *have,
        (Value::Bool(have), CompValue::False) => *op == CompareOp::Eq && !*have,
        (Value::Bool(have), CompValue::Str(want)) => {
            *op == CompareOp::Eq && want.eq_ignore_ascii_case(&have.to_string())
        }
        (Value::Number(have), CompValue::Number(want)) => {
            let order = have.as_f64().zip(want.as_f64()).and_then(|(a, b)| a.partial_cmp(&b));
            order.is_some_and(|order| ordered(order, op))
        }
        _ => false,
    }
}

fn text_holds(have: &str, op: &CompareOp, want: &str, exact: bool) -> bool {
    let times =
        DateTime::parse_from_rfc3339(have).ok().zip(DateTime::parse_from_rfc3339(want).ok());
    if let Some((have, want)) = times {
        return ordered(have.cmp(&want), op);
    }
    let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
    let (have, want) = (fold(have), fold(want));
    match op {
        CompareOp::Co => have.contains(&want),
        CompareOp::Sw => have.starts_with(&want),
        CompareOp::Ew => have.ends_with(&want),
        op => ordered(have.cmp(&want), op),
    }
}

fn ordered(order: Ordering, op: &CompareOp) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

/// What a path leads to: no, one or several values.
fn values<'v>(path: &AttrPath, resource: &'v Value) -> Vec<&'v Value> {
    let whole = match &path.uri {
        Some(uri) if is_extension(path) => member(resource, uri),
        _ => Some(resource),
    };
    let first = whole.and_then(|it| member(it, &path.name));
    let items: Vec<&Value> = first.into_iter().flat_map(each).collect();
    match &path.sub_attr {
        Some(sub) => items.into_iter().filter_map(|it| member(it, sub)).flat_map(each).collect(),
        None => items,
    }
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// A field by its name; upper and lower case are the same.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
