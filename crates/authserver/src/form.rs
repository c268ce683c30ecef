//! Parameters of a query or a form, each at most once (OAuth 2.1, section 3.1).

use std::collections::BTreeMap;

use crate::Error;

/// Longest value that means anything to us.
const MAX_VALUE: usize = 4096;

/// Parameters by name. Empty ones are as if they were not there.
#[derive(Debug, Clone, Default)]
pub struct Form(BTreeMap<String, String>);

// === impl Form ===

impl Form {
    /// Takes the parameters of `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`](crate::Code::InvalidRequest) for one that is there twice or is far too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            if value.len() > MAX_VALUE || name.len() > MAX_VALUE {
                return Err(Error::request("a parameter is too long"));
            }
            if values.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Error::request(format!("the parameter {name:?} is there twice")));
            }
        }
        Ok(Self(values))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Error> {
        self.get(name).ok_or_else(|| Error::missing(name))
    }

    /// All of them, for a page that sends them again.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn parameter_that_is_there_twice_is_refused_whatever_it_says() {
        for text in ["state=1&state=2", "state=1&state=1", "%73tate=1&state=1"] {
            assert_eq!(Form::parse(text).expect_err(text).code, Code::InvalidRequest);
        }
        assert!(Form::parse("state=&state=1").is_ok(), "an empty one is not there");
        assert!(Form::parse(&format!("state={}", "x".repeat(5000))).is_err());
    }
}
