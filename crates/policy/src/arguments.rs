//! Arguments of a call as policies read them: flat, as texts and whole numbers, by their path.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

/// Values beyond which arguments are not taken apart.
const VALUES_MAX: usize = 2000;

/// The arguments of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) numbers: BTreeMap<String, i64>,
}

/// The arguments cannot be read in one way only, or not at all. What a policy does not see it must not let through.
#[derive(Debug, thiserror::Error)]
#[error("the arguments cannot be judged by a policy")]
pub struct UnreadableArguments(#[source] serde_json::Error);

// === impl Arguments ===

impl Arguments {
    /// Takes JSON arguments apart. Names of members that hold `/` or `~` are escaped as in RFC 6901.
    ///
    /// # Errors
    /// [`UnreadableArguments`] for what is no JSON object, names a member twice (the server behind may read the other one), or
    /// has more than 2000 values.
    pub fn parse(json: &[u8]) -> Result<Self, UnreadableArguments> {
        let tree = serde_json::from_slice::<Tree>(json).map_err(UnreadableArguments)?;
        let mut arguments = Self::default();
        match tree {
            Tree::Object(members) => members
                .into_iter()
                .try_for_each(|(name, value)| arguments.take(&escaped(&name), value))
                .map_err(UnreadableArguments)?,
            _ => return Err(UnreadableArguments(de::Error::custom("not an object"))),
        }
        Ok(arguments)
    }

    fn take(&mut self, path: &str, value: Tree) -> Result<(), serde_json::Error> {
        match value {
            Tree::Null => {}
            Tree::Text(text) => {
                self.texts.insert(path.to_owned(), text);
            }
            Tree::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    self.numbers.insert(path.to_owned(), whole);
                }
                self.texts.insert(path.to_owned(), number.to_string());
            }
            Tree::List(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.take(&format!("{path}/{index}"), item)?;
                }
            }
            Tree::Object(members) => {
                for (name, value) in members {
                    self.take(&format!("{path}/{}", escaped(&name)), value)?;
                }
            }
        }
        if self.texts.len() > VALUES_MAX {
            return Err(de::Error::custom("too many values"));
        }
        Ok(())
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// JSON in which no member is there twice.
enum Tree {
    Null,
    Text(String),
    Number(serde_json::Number),
    List(Vec<Tree>),
    Object(BTreeMap<String, Tree>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without members that are there twice")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = serde_json::Number::from_f64(value);
        number.map(Tree::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Tree>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a member is there twice"));
            }
        }
        Ok(Tree::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_path() {
        let json = br#"{"path":"/etc","options":{"depth":3,"a/b":true},"tags":["x",1.5,null]}"#;
        let arguments = Arguments::parse(json).expect("arguments");
        let text = |path: &str| arguments.texts.get(path).map(String::as_str);
        assert_eq!(text("path"), Some("/etc"));
        assert_eq!((text("options/depth"), text("options/a~1b")), (Some("3"), Some("true")));
        assert_eq!(
            (text("tags/0"), text("tags/1"), text("tags/2")),
            (Some("x"), Some("1.5"), None)
        );
        assert_eq!(arguments.numbers.get("options/depth"), Some(&3));
        assert_eq!(arguments.numbers.len(), 1);
    }

    #[test]
    fn member_that_is_there_twice_is_refused_at_every_depth() {
        for json in [r#"{"a":1,"a":2}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#, "[]", "3", "{"] {
            assert!(Arguments::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
