//! Objects read one level deep and written back raw: what we do not need to understand passes through byte for byte.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// How deep arguments may nest before they count as too deep to be compared (and therefore cached).
const MAX_DEPTH: u8 = 64;

/// The members of a JSON object in their order, values untouched. A name that appears twice is an error: two readers that
/// pick different ones would see two different requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// Writes an object member by member.
#[derive(Debug)]
pub(crate) struct ObjectWriter {
    text: Vec<u8>,
}

// === impl Members ===

impl<'a> Members<'a> {
    /// Reads an object.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The member as a string. `Some(Err)` when it is something else.
    pub(crate) fn text(&self, name: &str) -> Option<Result<Cow<'a, str>, serde_json::Error>> {
        self.get(name).map(text)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::with_capacity(4);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    if members.iter().any(|(seen, _)| *seen == key) {
                        return Err(de::Error::custom("a member appears twice"));
                    }
                    members.push((key, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

/// A string, borrowed when it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Read).map(Text)
    }
}

/// A raw value as a string.
pub(crate) fn text(raw: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str::<Text<'_>>(raw.get()).map(|Text(text)| text)
}

// === impl ObjectWriter ===

impl ObjectWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes + 2);
        text.push(b'{');
        Self { text }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.name(name);
        self.text.extend_from_slice(value);
        self
    }

    /// Adds a member whose value is a string.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        write_text(&mut self.text, value);
        self
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        write_text(&mut self.text, name);
        self.text.push(b':');
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.text.push(b'}');
        self.text
    }
}

/// A string as JSON.
pub(crate) fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn write_text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a string serializes and a Vec takes every write");
}

/// Lower-case hex SHA-256 of the bytes as they came.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Digest under which equal arguments meet: members sorted, white space dropped, scalars exactly as written (so that two
/// integers too large for a float never meet). `None` when the value is too deep or no JSON.
pub(crate) fn canonical_digest(bytes: &[u8]) -> Option<String> {
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    let mut out = Vec::with_capacity(bytes.len());
    write_canonical(&mut out, raw, MAX_DEPTH)?;
    Some(digest(&out))
}

fn write_canonical(out: &mut Vec<u8>, raw: &RawValue, depth: u8) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match raw.get().as_bytes().first()? {
        b'{' => {
            let Members(mut members) = Members::parse(raw.get().as_bytes()).ok()?;
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            out.push(b'{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(out, name);
                out.push(b':');
                write_canonical(out, value, depth)?;
            }
            out.push(b'}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            out.push(b'[');
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(out, value, depth)?;
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(raw.get().as_bytes()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_white_space_do_not_change_the_canonical_digest_but_values_do() {
        let one = canonical_digest(br#"{"a":1,"b":{"x":[1,2],"y":null}}"#);
        assert!(one.is_some());
        assert_eq!(one, canonical_digest(br#" { "b":{"y":null, "x":[1, 2]} ,"a": 1 }"#));
        assert_ne!(one, canonical_digest(br#"{"a":1,"b":{"x":[2,1],"y":null}}"#));
    }

    #[test]
    fn integers_beyond_a_float_stay_apart() {
        assert_ne!(
            canonical_digest(br#"{"id":99999999999999999999999}"#),
            canonical_digest(br#"{"id":99999999999999999999998}"#)
        );
    }

    #[test]
    fn bottomless_arguments_are_not_compared() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert_eq!(canonical_digest(deep.as_bytes()), None);
    }

    #[test]
    fn a_member_that_appears_twice_is_refused() {
        assert!(Members::parse(br#"{"name":"a","name":"b"}"#).is_err());
        assert!(Members::parse(br#"{"name":"a","n\u0061me":"b"}"#).is_err());
        assert!(Members::parse(b"[]").is_err());
    }

    #[test]
    fn written_members_are_read_back() {
        let mut writer = ObjectWriter::with_capacity(0);
        writer.text("a\"b", "c\n").raw("n", b"12345678901234567890123");
        let text = writer.finish();
        assert_eq!(text, br#"{"a\"b":"c\n","n":12345678901234567890123}"#);
    }
}
