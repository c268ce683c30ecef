//! The question and its answer.

use std::net::IpAddr;

use chrono::{DateTime, Datelike, Timelike, Utc};
use domain::{Classification, GroupId, InstallId, InstallStatus, PermissionSet, Role, TenantId};

/// Who asks, as far as a decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub tenant: TenantId,
    /// Global id.
    pub id: String,
    pub kind: SubjectKind,
    pub role: Role,
    pub groups: Vec<GroupId>,
    pub clearance: Classification,
    pub permissions: PermissionSet,
    /// `Some` limits the caller to these installs.
    pub installs: Option<Vec<InstallId>>,
}

/// What kind of caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    User,
    ApiKey,
    ServiceAccount,
}

/// What a tool does to the system behind it, as declared by a connector that we ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolEffect {
    ReadOnly,
    /// Adds or changes.
    Writes,
    /// May delete or overwrite. Also the assumption for every tool whose declaration nobody vouches for (remote servers).
    Destructive,
}

/// An install as policies see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallFacts<'a> {
    pub tenant: TenantId,
    pub id: InstallId,
    pub alias: &'a str,
    pub connector: &'a str,
    pub status: InstallStatus,
    pub classification: Classification,
}

/// What the question is about. It says the action too: a tool is called, a record read, a prompt got; seeing any of them in a
/// list is the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    Tool {
        install: InstallFacts<'a>,
        /// Without the install's prefix.
        name: &'a str,
        effect: ToolEffect,
    },
    Record {
        install: InstallFacts<'a>,
        stream: &'a str,
        external_id: &'a str,
    },
    Prompt {
        tenant: TenantId,
        name: &'a str,
    },
}

/// What else a decision can depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// What the client calls itself; empty when it does not say.
    pub client: String,
    /// Where the request comes from, if known.
    pub network: Option<IpAddr>,
    pub at: DateTime<Utc>,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    Allow,
    /// Once a person has approved this very call.
    NeedsApproval,
    Deny,
}

/// A decision and why. The reasons are for the audit log and for admins; to the client a refusal looks like "unknown".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub decision: Decision,
    /// The policies that decided, by name, sorted. None of them when nothing allows it.
    pub policies: Vec<String>,
    /// Policies that could not be evaluated: then the decision is [`Decision::Deny`].
    pub errors: Vec<String>,
}

// === impl SubjectKind ===

impl SubjectKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            SubjectKind::User => "user",
            SubjectKind::ApiKey => "api_key",
            SubjectKind::ServiceAccount => "service_account",
        }
    }
}

// === impl ToolEffect ===

impl ToolEffect {
    /// From what a manifest declares.
    pub const fn declared(read_only: bool, destructive: bool) -> Self {
        match (read_only, destructive) {
            (_, true) => Self::Destructive,
            (true, false) => Self::ReadOnly,
            (false, false) => Self::Writes,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            ToolEffect::ReadOnly => "read_only",
            ToolEffect::Writes => "writes",
            ToolEffect::Destructive => "destructive",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ReadOnly, Self::Writes, Self::Destructive].into_iter().find(|it| it.as_str() == text)
    }
}

// === impl Resource ===

impl Resource<'_> {
    /// The action, as policies write it.
    pub const fn action(&self) -> &'static str {
        match self {
            Resource::Tool { .. } => "tool.call",
            Resource::Record { .. } => "record.read",
            Resource::Prompt { .. } => "prompt.get",
        }
    }
}

// === impl Circumstances ===

impl Circumstances {
    /// Nothing known but the time.
    pub const fn at(at: DateTime<Utc>) -> Self {
        Self { client: String::new(), network: None, at }
    }

    pub(crate) fn hour(&self) -> u32 {
        self.at.hour()
    }

    /// 1 is Monday.
    pub(crate) fn weekday(&self) -> u32 {
        self.at.weekday().number_from_monday()
    }
}

// === impl Decision ===

impl Decision {
    /// The word in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::NeedsApproval => "needs_approval",
            Decision::Deny => "deny",
        }
    }
}

// === impl Answer ===

impl Answer {
    /// Whether it may happen now.
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}
