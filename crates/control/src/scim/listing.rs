//! Lists and parts of resources (RFC 7644 sections 3.4.2 and 3.9).

use serde_json::{Map, Value, json};

use super::{
    Resource, ScimError, ScimType,
    filter::{self, Key},
    schema::Schema,
};

/// Resources that one answer holds at most.
pub(crate) const PAGE: u64 = 200;
/// Resources that are looked at for a filter that the database cannot answer.
pub(crate) const SCAN: u64 = 5000;

/// What a client asks of a list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub filter: Option<String>,
    /// From 1; less counts as 1.
    pub start_index: Option<i64>,
    /// Less than 0 counts as 0; more than 200 as 200.
    pub count: Option<i64>,
}

/// Which attributes a client wants.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these, and what is always answered.
    pub attributes: Vec<String>,
    /// All but these.
    pub excluded: Vec<String>,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Listing {
    pub total: u64,
    pub start_index: u64,
    pub resources: Vec<Resource>,
}

/// A list query, understood.
pub(crate) struct Plan {
    pub(crate) filter: Option<scim_v2::filter::Filter>,
    pub(crate) key: Option<Key>,
    /// How many matches come before the page.
    pub(crate) skip: u64,
    pub(crate) limit: u64,
}

// === impl Plan ===

impl Plan {
    pub(crate) fn of(query: &ListQuery) -> Result<Self, ScimError> {
        let filter = query.filter.as_deref().map(filter::parse).transpose()?;
        let key = filter.as_ref().and_then(filter::key);
        let start = query.start_index.unwrap_or(1).max(1);
        let limit = query.count.map_or(PAGE, |count| u64::try_from(count).unwrap_or(0).min(PAGE));
        Ok(Self { filter, key, skip: u64::try_from(start - 1).unwrap_or(0), limit })
    }

    /// Whether the database answers all of it.
    pub(crate) fn is_exact(&self) -> bool {
        self.filter.is_none() || self.key.as_ref().is_some_and(|key| key.whole)
    }

    /// What to ask the database for: the page, or everything that must be looked at.
    pub(crate) fn portion(&self) -> (u64, u64) {
        if self.is_exact() { (self.skip, self.limit) } else { (0, SCAN) }
    }

    /// The answer from what the database gave.
    pub(crate) fn answer(
        &self,
        resources: Vec<Resource>,
        total: u64,
    ) -> Result<Listing, ScimError> {
        let start_index = self.skip + 1;
        let Some(filter) = self.filter.as_ref().filter(|_| !self.is_exact()) else {
            return Ok(Listing { total, start_index, resources });
        };
        if total > SCAN {
            let why = format!(
                "this filter would look at more than {SCAN} resources: add `userName eq`, `externalId eq`, `displayName eq` or `id eq`"
            );
            return Err(ScimError::bad(ScimType::TooMany, why));
        }
        let hit = |it: &Resource| filter::matches(filter, &it.json);
        let hits: Vec<_> = resources.into_iter().filter(hit).collect();
        let total = hits.len() as u64;
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let resources = hits.into_iter().skip(skip).take(limit).collect();
        Ok(Listing { total, start_index, resources })
    }
}

// === impl Listing ===

impl Listing {
    /// The answer's body.
    pub fn json(self, schema: &'static Schema, selection: &Selection) -> Value {
        let resources: Vec<_> =
            self.resources.into_iter().map(|it| selection.of(schema, it.json)).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": self.total,
            "startIndex": self.start_index,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        })
    }
}

// === impl Selection ===

impl Selection {
    /// The wanted part of a resource. `id` and `schemas` are always in it.
    pub fn of(&self, schema: &'static Schema, resource: Value) -> Value {
        let Value::Object(mut fields) = resource else { return resource };
        if !self.attributes.is_empty() {
            let mut wanted = Map::new();
            for name in ["schemas", "id"] {
                wanted.extend(fields.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            for path in &self.attributes {
                let (name, sub) = steps(schema, path);
                let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(&name));
                let Some((key, value)) = found else { continue };
                match sub {
                    None => drop(wanted.insert(key.clone(), value.clone())),
                    Some(sub) => keep(&mut wanted, key, value, &sub),
                }
            }
            return Value::Object(wanted);
        }
        for path in &self.excluded {
            let (name, sub) = steps(schema, path);
            let key = fields.keys().find(|key| key.eq_ignore_ascii_case(&name)).cloned();
            let Some(key) = key.filter(|key| !["id", "schemas"].contains(&key.as_str())) else {
                continue;
            };
            match (sub, fields.get_mut(&key)) {
                (Some(sub), Some(value)) => each(value, |it| {
                    it.retain(|name, _| !name.eq_ignore_ascii_case(&sub));
                }),
                _ => drop(fields.remove(&key)),
            }
        }
        Value::Object(fields)
    }
}

/// Adds one field of a complex attribute to what is wanted.
fn keep(wanted: &mut Map<String, Value>, key: &str, value: &Value, sub: &str) {
    let mut part = value.clone();
    each(&mut part, |it| it.retain(|name, _| name.eq_ignore_ascii_case(sub)));
    match (wanted.get_mut(key), part) {
        (Some(Value::Object(have)), Value::Object(part)) => have.extend(part),
        (_, part) => drop(wanted.insert(key.to_owned(), part)),
    }
}

fn each(value: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => change(fields),
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(change),
        _ => {}
    }
}

/// The first and second step of an attribute path; the URN of the core schema may stand before it.
fn steps(schema: &'static Schema, path: &str) -> (String, Option<String>) {
    let path = path.trim();
    if let Some(extension) = schema.extension {
        if extension.urn.eq_ignore_ascii_case(path) {
            return (extension.urn.to_owned(), None);
        }
        let head = path.get(..extension.urn.len() + 1);
        if head.is_some_and(|head| head.trim_end_matches(':').eq_ignore_ascii_case(extension.urn)) {
            let sub = path[extension.urn.len() + 1..].split('.').next().map(str::to_owned);
            return (extension.urn.to_owned(), sub);
        }
    }
    let head = path.get(..schema.urn.len() + 1);
    let core = head.is_some_and(|head| head.trim_end_matches(':').eq_ignore_ascii_case(schema.urn));
    let path = if core { &path[schema.urn.len() + 1..] } else { path };
    match path.split_once('.') {
        Some((name, sub)) => (name.to_owned(), Some(sub.to_owned())),
        None => (path.to_owned(), None),
    }
}
