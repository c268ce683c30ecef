//! Policies as they are kept: Cedar text, or a simple setting that is written as Cedar for everybody to read.

use std::fmt::Write as _;

use domain::{GroupId, InstallId, Role};
use serde::{Deserialize, Serialize};

/// A policy of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `[a-z0-9-]`, unique in the set.
    pub name: String,
    /// For people.
    pub title: String,
    pub body: SourceBody,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceBody {
    /// Cedar, one policy or several.
    Cedar(String),
    Setting(Setting),
}

/// A simple setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Setting {
    /// These roles and groups may use an install.
    Allow { install: Option<InstallId>, to: Grantees },
    /// Nobody else may use an install.
    OnlyFor { install: Option<InstallId>, to: Grantees },
    /// Only tools that change nothing, but for these roles and groups.
    ReadOnly { install: Option<InstallId>, except: Grantees },
    /// No tools that delete or overwrite, but for these roles and groups.
    HideDestructive { install: Option<InstallId>, except: Grantees },
    /// A person approves each call of a tool that deletes or overwrites.
    ApproveDestructive { install: Option<InstallId>, reason: String },
}

/// Roles and groups. Somebody who is in one of them counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grantees {
    pub roles: Vec<Role>,
    pub groups: Vec<GroupId>,
}

// === impl SourceBody ===

impl SourceBody {
    /// As Cedar.
    pub fn to_cedar(&self) -> String {
        match self {
            SourceBody::Cedar(text) => text.clone(),
            SourceBody::Setting(setting) => setting.to_cedar(),
        }
    }
}

// === impl Setting ===

impl Setting {
    fn to_cedar(&self) -> String {
        match self {
            Setting::Allow { install, to } => {
                format!("permit (principal, action, {})\nwhen {{ {} }};\n", within(*install), to)
            }
            Setting::OnlyFor { install, to } => format!(
                "forbid (principal, action in [Action::\"tool.call\", Action::\"record.read\"], {})\nunless {{ {to} }};\n",
                within(*install),
            ),
            Setting::ReadOnly { install, except } => format!(
                "forbid (principal, action == Action::\"tool.call\", {})\nunless {{ resource.readOnly{} }};\n",
                within(*install),
                or(except),
            ),
            Setting::HideDestructive { install, except } => format!(
                "forbid (principal, action == Action::\"tool.call\", {})\nunless {{ !resource.destructive{} }};\n",
                within(*install),
                or(except),
            ),
            Setting::ApproveDestructive { install, reason } => format!(
                "@approval({})\npermit (principal, action == Action::\"tool.call\", {})\nwhen {{ resource.destructive }};\n",
                quoted(reason),
                within(*install),
            ),
        }
    }
}

fn within(install: Option<InstallId>) -> String {
    install.map_or_else(|| "resource".to_owned(), |id| format!("resource in Install::\"{id}\""))
}

fn or(except: &Grantees) -> String {
    if except.is_empty() { String::new() } else { format!(" || {except}") }
}

/// A Cedar string. `escape_debug` writes what Cedar reads: `\"`, `\\`, `\n`, `\u{…}`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

// === impl Grantees ===

impl Grantees {
    pub const fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.groups.is_empty()
    }
}

impl std::fmt::Display for Grantees {
    /// As a Cedar condition; nobody for no grantees.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for role in &self.roles {
            write!(text, " || principal in Role::\"{}\"", role.as_str())?;
        }
        for group in &self.groups {
            write!(text, " || principal in Group::\"{group}\"")?;
        }
        f.write_str(text.strip_prefix(" || ").unwrap_or("false"))
    }
}
