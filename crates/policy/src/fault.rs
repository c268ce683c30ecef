//! What is wrong with policies, in words and places that lead to the fix.

use cedar_policy::{ParseErrors, ValidationError};
use miette::Diagnostic;

/// Where in a text, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the policy.
    pub policy: String,
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that is wrong with a set of policies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

// === impl Fault ===

impl Fault {
    pub(crate) fn new(policy: &str, message: impl Into<String>, help: &str) -> Self {
        let help = (!help.is_empty()).then(|| help.to_owned());
        Self { policy: policy.to_owned(), place: None, message: message.into(), help }
    }

    pub(crate) fn of_parsing(policy: &str, text: &str, errors: &ParseErrors) -> Vec<Self> {
        errors.iter().map(|error| of_diagnostic(policy, text, error)).collect()
    }

    pub(crate) fn of_validation(policy: &str, text: &str, error: &ValidationError) -> Self {
        of_diagnostic(policy, text, error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.policy)?;
        if let Some(place) = self.place {
            write!(f, ", line {}, column {}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

fn of_diagnostic(policy: &str, text: &str, error: &dyn Diagnostic) -> Fault {
    let label = error.labels().and_then(|mut labels| labels.next());
    // Cedar says what it expected in the label of the place.
    let said = label.as_ref().and_then(|label| label.label().map(str::to_owned));
    Fault {
        policy: policy.to_owned(),
        place: label.map(|label| place(text, label.offset())),
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()).or(said),
    }
}

fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}
