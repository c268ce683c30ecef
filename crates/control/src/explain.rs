//! What the policies would say, and why: about one question, or about the calls that were made.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{
    Access, ApiKeyId, AuditEvent, Granted, Install, InstallId, OpCtx, PageArgs, TenantId, UserId,
    authz::permission::{ApiKeyRead, AuditRead, InstallRead, MemberRead, PolicyRead},
    page::MAX_PAGE,
};
use policy::{
    Circumstances, Compiled, Decision, Resource, Rule, Source, Subject, SubjectKind, ToolEffect,
};
use serde_json::Value;
use store::{AuditFilter, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    permits::facts,
    policies::invalid,
    standing::Standings,
};

/// Recorded calls that are replayed.
const REPLAYED_MAX: usize = 5000;

/// A question to the policies.
#[derive(Debug, Clone)]
pub struct Explain {
    /// Global id of a person or an API key.
    pub principal: String,
    pub about: About,
    /// Arguments of a call, as a JSON object.
    pub arguments: Option<Value>,
    pub client: String,
    pub network: Option<IpAddr>,
    /// `None` is now.
    pub at: Option<DateTime<Utc>>,
}

/// What a question is about.
#[derive(Debug, Clone)]
pub enum About {
    /// A tool by the name that its install gives it.
    Tool(InstallId, String),
    /// A document by stream and name.
    Record(InstallId, String, String),
    /// A built-in prompt.
    Prompt(String),
}

/// The answer to such a question.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub decision: Decision,
    /// Whether it stands in lists: with conditions on arguments a tool can be there that not every call may use.
    pub listed: bool,
    /// The policies that decided; none when nothing allows it.
    pub rules: Vec<Rule>,
    /// Policies that could not be evaluated.
    pub errors: Vec<String>,
    pub version: i64,
}

/// What a draft would have changed.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    /// Calls that were replayed.
    pub calls: u64,
    /// Of them those about which nothing can be said: arguments are not recorded, or caller or install are gone.
    pub undecided: u64,
    /// By how many calls they concern.
    pub changes: Vec<SimulatedChange>,
}

/// Calls that a draft decides otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedChange {
    /// Global id of the caller.
    pub principal: String,
    pub install: InstallId,
    /// Without the install's prefix.
    pub tool: String,
    pub calls: u64,
    pub before: Decision,
    pub after: Decision,
    /// The policies of the draft that decide.
    pub policies: Vec<String>,
}

/// Who called what, in a recorded call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Recorded {
    principal: String,
    install: String,
    tool: String,
    effect: ToolEffect,
    client: String,
}

/// Finds out who asks, once each.
struct Subjects<'t> {
    tx: &'t Tx,
    tenant: TenantId,
    keys: Granted<ApiKeyRead>,
    standings: Standings<'t>,
    known: HashMap<String, Option<Subject>>,
}

// === impl Control ===

impl Control {
    /// What the policies decide about a question, and which of them.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NotFound`] for a principal or install that is not there; [`Error::Invalid`].
    pub async fn explain_policy(
        &self,
        ctx: &OpCtx,
        question: Explain,
    ) -> Result<Explanation, Error> {
        let granted = self.require::<PolicyRead>(ctx, &Deed::new(action::POLICY_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let subject = Subjects::new(&tx, ctx)?.find(&question.principal).await?;
        let subject = subject.ok_or(Error::NotFound)?;
        let install = match &question.about {
            About::Tool(id, _) | About::Record(id, ..) => {
                let reading: Granted<InstallRead> = ctx.require()?;
                Some(tx.installs().lookup(&reading, *id).await?)
            }
            About::Prompt(_) => None,
        };
        let policies = self.compiled(&tx, &granted).await?;
        let resource = self.resource(ctx.tenant(), install.as_ref(), &question.about)?;
        let circumstances = Circumstances {
            client: question.client,
            network: question.network,
            at: question.at.unwrap_or_else(|| self.now()),
        };
        let arguments = question.arguments.map_or_else(|| "{}".to_owned(), |it| it.to_string());
        let view = policies.view(&subject, circumstances);
        let answer = view.decide(&resource, arguments.as_bytes());
        let rules = answer.policies.iter().filter_map(|name| policies.rule(name).cloned());
        Ok(Explanation {
            decision: answer.decision,
            listed: view.lists(&resource),
            rules: rules.collect(),
            errors: answer.errors,
            version: policies.version(),
        })
    }

    /// Replays recorded calls of tools, the newest 5000, against a draft of all policies: by today's callers and installs.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] for a draft that is not right.
    pub async fn simulate_policies(
        &self,
        ctx: &OpCtx,
        draft: &[Source],
    ) -> Result<Simulation, Error> {
        let deed = Deed::new(action::POLICY_READ);
        let granted = self.require::<PolicyRead>(ctx, &deed).await?;
        let auditing = self.require::<AuditRead>(ctx, &deed).await?;
        let after = policy::compile(0, draft).map_err(|faults| invalid(&faults))?;
        let tx = self.store().read(&granted).await?;
        let before = self.compiled(&tx, &granted).await?;
        let events = recorded_calls(&tx, &auditing).await?;
        let reading: Granted<InstallRead> = ctx.require()?;
        let installs = tx.installs().list_active(&reading).await?;
        let mut subjects = Subjects::new(&tx, ctx)?;
        let mut simulation = Simulation::default();
        let mut changes: HashMap<(Recorded, Decision, Decision), SimulatedChange> = HashMap::new();
        for event in events {
            simulation.calls += 1;
            let replayed = match Recorded::of(&event) {
                Some(call) => {
                    replay(&call, event.at, (&before, &after), (&installs, &mut subjects))
                        .await?
                        .map(|change| (call, change))
                }
                None => None,
            };
            match replayed {
                None => simulation.undecided += 1,
                Some((_, change)) if change.before == change.after => {}
                Some((call, change)) => {
                    let key = (call, change.before, change.after);
                    changes.entry(key).or_insert(change).calls += 1;
                }
            }
        }
        simulation.changes = changes.into_values().collect();
        simulation.changes.sort_by(|one, other| {
            (other.calls, &one.principal, &one.tool).cmp(&(
                one.calls,
                &other.principal,
                &other.tool,
            ))
        });
        Ok(simulation)
    }

    fn resource<'a>(
        &self,
        tenant: TenantId,
        install: Option<&'a Install>,
        about: &'a About,
    ) -> Result<Resource<'a>, Error> {
        Ok(match (about, install) {
            (About::Tool(_, name), Some(install)) => Resource::Tool {
                install: facts(install),
                name,
                effect: self.effect_of(install, name)?,
            },
            (About::Record(_, stream, external_id), Some(install)) => {
                Resource::Record { install: facts(install), stream, external_id }
            }
            (About::Prompt(name), _) => Resource::Prompt { tenant, name },
            _ => return Err(Error::NotFound),
        })
    }

    /// What a tool does. Nobody vouches for tools of remote servers.
    fn effect_of(&self, install: &Install, name: &str) -> Result<ToolEffect, Error> {
        let connector = self.connector(&install.connector).ok_or(Error::NotFound)?;
        if connector.tools().is_none() {
            return Ok(ToolEffect::Destructive);
        }
        let missing = || Error::invalid("tool", "not_found", "this install has no such tool");
        let tool = connector.manifest().tool(name).ok_or_else(missing)?;
        Ok(ToolEffect::declared(tool.read_only, tool.destructive))
    }
}

async fn recorded_calls(tx: &Tx, granted: &Granted<AuditRead>) -> Result<Vec<AuditEvent>, Error> {
    let mut events = Vec::new();
    let mut args = PageArgs { first: MAX_PAGE, after: None };
    loop {
        let filter =
            AuditFilter { action: Some("mcp.tools.call".to_owned()), ..AuditFilter::default() };
        let page = tx.audit().list(granted, filter, &args).await?;
        args.after = page.items.last().map(|(cursor, _)| cursor.clone());
        let more = page.has_next;
        events.extend(page.into_items());
        if !more || events.len() >= REPLAYED_MAX {
            events.truncate(REPLAYED_MAX);
            return Ok(events);
        }
    }
}

async fn replay(
    call: &Recorded,
    at: DateTime<Utc>,
    (before, after): (&Arc<Compiled>, &Arc<Compiled>),
    (installs, subjects): (&[Install], &mut Subjects<'_>),
) -> Result<Option<SimulatedChange>, Error> {
    let Some(subject) = subjects.find(&call.principal).await? else { return Ok(None) };
    let Some(install) = installs.iter().find(|it| it.alias == call.install) else {
        return Ok(None);
    };
    let tool = Resource::Tool { install: facts(install), name: &call.tool, effect: call.effect };
    let circumstances = Circumstances { client: call.client.clone(), network: None, at };
    let decided = |policies: &Arc<Compiled>| {
        policies.view(&subject, circumstances.clone()).decide_without_arguments(&tool)
    };
    Ok(decided(before).zip(decided(after)).map(|(before, after)| SimulatedChange {
        principal: call.principal.clone(),
        install: install.id,
        tool: call.tool.clone(),
        calls: 0,
        before: before.decision,
        after: after.decision,
        policies: after.policies,
    }))
}

// === impl Recorded ===

impl Recorded {
    /// `None` for entries that do not say enough: refusals before the tool was known, or of older releases.
    fn of(event: &AuditEvent) -> Option<Self> {
        let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
        let policy = event.detail.get("policy")?;
        Some(Self {
            principal: event.actor.clone(),
            install: text(&event.detail, "install")?,
            tool: text(policy, "tool")?,
            effect: ToolEffect::parse(&text(policy, "effect")?)?,
            client: text(policy, "client").unwrap_or_default(),
        })
    }
}

// === impl Subjects ===

impl<'t> Subjects<'t> {
    fn new(tx: &'t Tx, ctx: &OpCtx) -> Result<Self, Error> {
        let members: Granted<MemberRead> = ctx.require()?;
        Ok(Self {
            tx,
            tenant: ctx.tenant(),
            keys: ctx.require()?,
            standings: Standings::new(tx, members),
            known: HashMap::new(),
        })
    }

    /// Somebody of the organisation by their global id.
    async fn find(&mut self, principal: &str) -> Result<Option<Subject>, Error> {
        let found = match self.known.entry(principal.to_owned()) {
            Entry::Occupied(entry) => return Ok(entry.get().clone()),
            Entry::Vacant(entry) => entry,
        };
        let (kind, access) = if let Ok(id) = principal.parse::<ApiKeyId>() {
            let key = match self.tx.api_keys().lookup(&self.keys, id).await {
                Ok(key) if key.revoked_at.is_none() => Some(key),
                Ok(_) | Err(store::Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            let access = match key {
                Some(key) => self.standings.of_key(&key).await?,
                None => None,
            };
            (SubjectKind::ApiKey, access)
        } else if let Ok(id) = principal.parse::<UserId>() {
            (SubjectKind::User, self.standings.of_user(id).await?)
        } else {
            (SubjectKind::User, None)
        };
        let tenant = self.tenant;
        let subject = access.map(|access| subject_of(tenant, principal, kind, access));
        Ok(found.insert(subject).clone())
    }
}

fn subject_of(tenant: TenantId, id: &str, kind: SubjectKind, access: Access) -> Subject {
    Subject {
        tenant,
        id: id.to_owned(),
        kind,
        role: access.role,
        groups: access.groups,
        clearance: access.clearance,
        permissions: access.permissions,
        installs: access.installs,
    }
}
