//! Policies over tools, records and prompts.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use control::{
    Explanation, Grantees, PolicyBody, PolicyRule, PolicySetting, PolicySource, PolicyVersion,
    SimulatedChange, Simulation,
};

use super::member::Role;
use crate::graphql::scalar::{typed, typed_all};

/// How confidential something is. Whoever lacks the clearance for it neither sees nor reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Classification")]
pub(crate) enum Classification {
    Public,
    Internal,
    Confidential,
    Restricted,
}

/// What policies decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "control::Decision")]
pub(crate) enum PolicyDecision {
    Allow,
    /// Once a person has approved this very call.
    NeedsApproval,
    Deny,
}

/// What a simple setting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PolicySettingKind {
    /// These roles and groups may use an install.
    Allow,
    /// Nobody but these roles and groups may use an install.
    OnlyFor,
    /// Only tools that change nothing, but for these roles and groups.
    ReadOnly,
    /// No tools that delete or overwrite, but for these roles and groups.
    HideDestructive,
    /// A person approves each call of a tool that deletes or overwrites.
    ApproveDestructive,
}

/// A simple setting.
#[derive(InputObject)]
pub(crate) struct PolicySettingInput {
    kind: PolicySettingKind,
    /// Null is about all installs.
    install_id: Option<ID>,
    #[graphql(default)]
    roles: Vec<Role>,
    #[graphql(default)]
    group_ids: Vec<ID>,
    /// For whoever approves; only with `APPROVE_DESTRUCTIVE`.
    reason: Option<String>,
}

/// A policy as it is written: as Cedar text or as a simple setting.
#[derive(InputObject)]
pub(crate) struct PolicyInput {
    /// `[a-z0-9-]`, 1 to 40 characters, unique.
    name: String,
    title: String,
    /// Cedar. Give this or `setting`.
    text: Option<String>,
    setting: Option<PolicySettingInput>,
}

/// A simple setting, as it was given.
#[derive(SimpleObject)]
pub(crate) struct PolicySettingView {
    kind: PolicySettingKind,
    install_id: Option<ID>,
    roles: Vec<Role>,
    group_ids: Vec<ID>,
    reason: Option<String>,
}

pub(crate) struct Policy(pub(crate) PolicySource);

/// A policy of the organisation.
#[Object]
impl Policy {
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    /// As Cedar.
    async fn text(&self) -> String {
        self.0.body.to_cedar()
    }

    /// The setting that the text was made from; null when it was written as Cedar.
    async fn setting(&self) -> Option<PolicySettingView> {
        match &self.0.body {
            PolicyBody::Cedar(_) => None,
            PolicyBody::Setting(setting) => Some(setting.into()),
        }
    }
}

/// An annotation of a policy.
#[derive(SimpleObject)]
pub(crate) struct PolicyAnnotation {
    name: String,
    value: String,
}

pub(crate) struct Rule(pub(crate) PolicyRule);

/// A policy that decides.
#[Object]
impl Rule {
    /// Of the policy that it is from, with a number when the text holds several.
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn forbids(&self) -> bool {
        self.0.forbids
    }

    /// Whether it holds for every organisation and cannot be removed.
    async fn is_guard_rail(&self) -> bool {
        self.0.is_guard_rail
    }

    async fn annotations(&self) -> Vec<PolicyAnnotation> {
        let pairs = self.0.annotations.iter().cloned();
        pairs.map(|(name, value)| PolicyAnnotation { name, value }).collect()
    }

    /// As Cedar.
    async fn text(&self) -> &str {
        &self.0.text
    }
}

pub(crate) struct PolicySet(pub(crate) PolicyVersion);

/// A version of the organisation's policies. Every change makes a new one.
#[Object]
impl PolicySet {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.set.as_ref().map_or_else(|| "policy_set:0".to_owned(), |set| set.id.to_string()))
    }

    /// 0 is what every organisation begins with.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Global id of who made it; null for version 0.
    async fn author(&self) -> Option<&str> {
        self.0.set.as_ref().map(|set| set.author.as_str())
    }

    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.0.set.as_ref().map(|set| set.created_at)
    }

    /// What was changed.
    async fn note(&self) -> Option<&str> {
        self.0.set.as_ref().map(|set| set.note.as_str())
    }

    async fn policies(&self) -> Vec<Policy> {
        self.0.sources.iter().cloned().map(Policy).collect()
    }

    /// The policies that hold for every organisation, as Cedar.
    async fn guard_rails(&self) -> &str {
        control::GUARD_RAILS
    }

    /// What policies can speak about, as a Cedar schema.
    async fn schema(&self) -> &str {
        control::POLICY_SCHEMA
    }
}

/// One thing that is wrong with a policy.
#[derive(SimpleObject)]
pub(crate) struct PolicyFault {
    /// Name of the policy.
    policy: String,
    /// From 1.
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    /// What to do about it.
    help: Option<String>,
}

/// What a policy would be.
#[derive(SimpleObject)]
pub(crate) struct PolicyValidation {
    pub(crate) ok: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) faults: Vec<PolicyFault>,
}

/// What the policies decide, and why.
#[derive(SimpleObject)]
pub(crate) struct PolicyExplanation {
    decision: PolicyDecision,
    /// Whether it stands in lists.
    listed: bool,
    /// The policies that decided; none when nothing allows it.
    policies: Vec<Rule>,
    /// Policies that could not be evaluated: then the decision is `DENY`.
    errors: Vec<String>,
    /// Of the policies.
    version: i64,
}

/// Recorded calls that a draft decides otherwise.
#[derive(SimpleObject)]
pub(crate) struct PolicyChange {
    /// Global id of the caller.
    principal: String,
    install_id: ID,
    /// Without the install's prefix.
    tool: String,
    calls: u64,
    before: PolicyDecision,
    after: PolicyDecision,
    /// Names of the draft's policies that decide.
    policies: Vec<String>,
}

/// What a draft would have changed.
#[derive(SimpleObject)]
pub(crate) struct PolicySimulation {
    /// Recorded calls that were replayed.
    calls: u64,
    /// Of them those about which nothing can be said: arguments are not recorded, or caller or install are gone.
    undecided: u64,
    changes: Vec<PolicyChange>,
}

// === impl PolicyInput ===

impl PolicyInput {
    pub(crate) fn into_source(self) -> Result<PolicySource, control::Error> {
        let body = match (self.text, self.setting) {
            (Some(text), None) => PolicyBody::Cedar(text),
            (None, Some(setting)) => PolicyBody::Setting(setting.try_into()?),
            _ => {
                return Err(control::Error::Invalid {
                    field: vec!["text".to_owned()],
                    code: "one_of",
                    message: "give either `text` or `setting`".to_owned(),
                });
            }
        };
        Ok(PolicySource { name: self.name, title: self.title.trim().to_owned(), body })
    }
}

impl TryFrom<PolicySettingInput> for PolicySetting {
    type Error = control::Error;

    fn try_from(input: PolicySettingInput) -> Result<Self, control::Error> {
        let install = input.install_id.as_ref().map(|id| typed(id, "installId")).transpose()?;
        let groups = typed_all(&input.group_ids, "groupIds")?;
        let roles = input.roles.into_iter().map(Into::into).collect();
        let grantees = Grantees { roles, groups };
        Ok(match input.kind {
            PolicySettingKind::Allow => Self::Allow { install, to: grantees },
            PolicySettingKind::OnlyFor => Self::OnlyFor { install, to: grantees },
            PolicySettingKind::ReadOnly => Self::ReadOnly { install, except: grantees },
            PolicySettingKind::HideDestructive => {
                Self::HideDestructive { install, except: grantees }
            }
            PolicySettingKind::ApproveDestructive => {
                let reason = input.reason.unwrap_or_default();
                Self::ApproveDestructive { install, reason }
            }
        })
    }
}

impl From<&PolicySetting> for PolicySettingView {
    fn from(setting: &PolicySetting) -> Self {
        let none = Grantees::default();
        let (kind, install, grantees, reason) = match setting {
            PolicySetting::Allow { install, to } => (PolicySettingKind::Allow, install, to, None),
            PolicySetting::OnlyFor { install, to } => {
                (PolicySettingKind::OnlyFor, install, to, None)
            }
            PolicySetting::ReadOnly { install, except } => {
                (PolicySettingKind::ReadOnly, install, except, None)
            }
            PolicySetting::HideDestructive { install, except } => {
                (PolicySettingKind::HideDestructive, install, except, None)
            }
            PolicySetting::ApproveDestructive { install, reason } => {
                (PolicySettingKind::ApproveDestructive, install, &none, Some(reason.clone()))
            }
        };
        Self {
            kind,
            install_id: install.map(|id| ID(id.to_string())),
            roles: grantees.roles.iter().copied().map(Into::into).collect(),
            group_ids: grantees.groups.iter().map(|id| ID(id.to_string())).collect(),
            reason,
        }
    }
}

impl From<control::PolicyFault> for PolicyFault {
    fn from(fault: control::PolicyFault) -> Self {
        let number = |number| u32::try_from(number).ok();
        Self {
            policy: fault.policy,
            line: fault.place.and_then(|place| number(place.line)),
            column: fault.place.and_then(|place| number(place.column)),
            message: fault.message,
            help: fault.help,
        }
    }
}

impl From<Explanation> for PolicyExplanation {
    fn from(explanation: Explanation) -> Self {
        Self {
            decision: explanation.decision.into(),
            listed: explanation.listed,
            policies: explanation.rules.into_iter().map(Rule).collect(),
            errors: explanation.errors,
            version: explanation.version,
        }
    }
}

impl From<SimulatedChange> for PolicyChange {
    fn from(change: SimulatedChange) -> Self {
        Self {
            principal: change.principal,
            install_id: ID(change.install.to_string()),
            tool: change.tool,
            calls: change.calls,
            before: change.before.into(),
            after: change.after.into(),
            policies: change.policies,
        }
    }
}

impl From<Simulation> for PolicySimulation {
    fn from(simulation: Simulation) -> Self {
        Self {
            calls: simulation.calls,
            undecided: simulation.undecided,
            changes: simulation.changes.into_iter().map(Into::into).collect(),
        }
    }
}
