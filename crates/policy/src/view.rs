//! One caller's view of the policies: what they may see and do.

use std::{net::IpAddr, sync::Arc};

use cedar_policy::{
    Authorizer, Decision as Outcome, Effect, Entities, Entity, PolicySet, Request, Response,
};
use domain::{Classification, InstallId, InstallStatus, TenantId};

use crate::{
    Answer, Arguments, Circumstances, Compiled, Decision, InstallFacts, Resource, ToolEffect,
    entities::Misfit,
    slice::{Class, Slice},
};

/// What one caller may see and do, under the circumstances of one request.
#[derive(Clone)]
pub struct View {
    policies: Arc<Compiled>,
    class: Arc<Class>,
    circumstances: Circumstances,
}

/// A question, as far as its policies look at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::option_option, reason = "not looked at, unknown and known are three answers")]
pub(crate) struct Key {
    class: u32,
    slice: u32,
    resource: ResourceKey,
    client: Option<String>,
    network: Option<Option<IpAddr>>,
    time: Option<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ResourceKey {
    action: &'static str,
    tenant: TenantId,
    install: Option<(InstallId, InstallStatus, Classification)>,
    effect: Option<ToolEffect>,
    stream: Option<String>,
    name: Option<String>,
}

/// What the policies say that do not read arguments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plain {
    verdict: Verdict,
    /// Whether there are arguments with which it may be allowed.
    possible: bool,
}

/// What some policies say.
#[derive(Debug, Clone, Default)]
struct Verdict {
    forbids: Vec<String>,
    permits: Vec<String>,
    errors: Vec<String>,
}

// === impl View ===

impl View {
    pub(crate) fn new(
        policies: Arc<Compiled>,
        class: Arc<Class>,
        circumstances: Circumstances,
    ) -> Self {
        Self { policies, class, circumstances }
    }

    /// Whether the caller sees it in a list: exactly when [`View::decide`] lets it pass, now or after an approval, with some
    /// arguments at least as far as conditions that read none can tell.
    pub fn lists(&self, resource: &Resource<'_>) -> bool {
        let slice = self.class.slice(&self.policies, resource);
        self.plain(&slice, resource).possible
    }

    /// Decides about one call, with the arguments as JSON; about anything but a tool they do not matter.
    pub fn decide(&self, resource: &Resource<'_>, arguments: &[u8]) -> Answer {
        let slice = self.class.slice(&self.policies, resource);
        let plain = self.plain(&slice, resource);
        if slice.reading.is_empty() || plain.verdict.is_final() {
            return self.answer(&plain.verdict);
        }
        let arguments = match Arguments::parse(arguments) {
            Ok(arguments) => arguments,
            Err(error) => return self.answer(&Verdict::broken(error.to_string())),
        };
        let reading = self.evaluate(&slice.reading, resource, &arguments);
        self.answer(&plain.verdict.clone().and(reading))
    }

    /// Whether there can be a tool of this install that the caller may use. May say yes where there is none.
    pub fn may_use_some(&self, install: &InstallFacts<'_>) -> bool {
        let effects = [ToolEffect::ReadOnly, ToolEffect::Writes, ToolEffect::Destructive];
        let lists = |effect| self.lists(&Resource::Tool { install: *install, name: "", effect });
        // Where policies speak of tools by name, only the guard rails speak of all of them.
        effects.into_iter().any(lists)
            || (self.policies.speaks_of("Tool") && {
                let effect = ToolEffect::ReadOnly;
                !self.is_barred(&Resource::Tool { install: *install, name: "", effect })
            })
    }

    /// Whether there can be a record of this stream that the caller may find. May say yes where there is none.
    pub fn may_read_some(&self, install: &InstallFacts<'_>, stream: &str) -> bool {
        let record = Resource::Record { install: *install, stream, external_id: "" };
        self.lists(&record) || (self.policies.speaks_of("Record") && !self.is_barred(&record))
    }

    /// Whether a guard rail keeps the caller from it, whatever its name.
    fn is_barred(&self, resource: &Resource<'_>) -> bool {
        let slice = self.class.slice(&self.policies, resource);
        let plain = self.plain(&slice, resource);
        let guards = |name: &String| self.policies.rule(name).is_some_and(|it| it.is_guard_rail);
        plain.verdict.forbids.iter().any(guards)
    }

    /// The policies behind it.
    pub fn policies(&self) -> &Compiled {
        &self.policies
    }

    /// Decides about a call whose arguments nobody knows any more. `None` when they may matter.
    pub fn decide_without_arguments(&self, resource: &Resource<'_>) -> Option<Answer> {
        let slice = self.class.slice(&self.policies, resource);
        let plain = self.plain(&slice, resource);
        let matters = !slice.reading.is_empty() && !plain.verdict.is_final();
        (!matters).then(|| self.answer(&plain.verdict))
    }

    fn plain(&self, slice: &Slice, resource: &Resource<'_>) -> Arc<Plain> {
        self.policies
            .decisions
            .get_with(self.key(slice, resource), || Arc::new(self.undecided(slice, resource)))
    }

    fn undecided(&self, slice: &Slice, resource: &Resource<'_>) -> Plain {
        let none = Arguments::default();
        let verdict = self.evaluate(&slice.plain, resource, &none);
        let possible = !verdict.is_final()
            && (!verdict.permits.is_empty()
                || !self.evaluate(&slice.relaxed, resource, &none).permits.is_empty());
        Plain { verdict, possible }
    }

    fn evaluate(
        &self,
        policies: &PolicySet,
        resource: &Resource<'_>,
        arguments: &Arguments,
    ) -> Verdict {
        if policies.is_empty() {
            return Verdict::default();
        }
        match self.ask(policies, resource, arguments) {
            Ok(response) => Verdict::of(policies, &response),
            Err(misfit) => Verdict::broken(misfit.to_string()),
        }
    }

    fn ask(
        &self,
        policies: &PolicySet,
        resource: &Resource<'_>,
        arguments: &Arguments,
    ) -> Result<Response, Misfit> {
        let names = &self.policies.names;
        let described = names.resource(resource)?;
        let caller: Entity = self.class.entity.clone().ok_or(Misfit)?;
        let mut entities = described.entities;
        entities.push(caller);
        if let Resource::Tool { .. } = resource {
            entities.extend(names.arguments(arguments)?);
        }
        let entities = Entities::from_entities(entities, None).map_err(|_| Misfit)?;
        let request = Request::new(
            self.class.uid.clone(),
            names.action(resource),
            described.uid,
            names.context(resource, &self.circumstances)?,
            None,
        );
        let request = request.map_err(|_| Misfit)?;
        Ok(Authorizer::new().is_authorized(&request, policies, &entities))
    }

    fn answer(&self, verdict: &Verdict) -> Answer {
        let answer = |decision, mut policies: Vec<String>| {
            policies.sort_unstable();
            Answer { decision, policies, errors: verdict.errors.clone() }
        };
        if !verdict.errors.is_empty() || !verdict.forbids.is_empty() || verdict.permits.is_empty() {
            return answer(Decision::Deny, verdict.forbids.clone());
        }
        let rule = |name: &&String| self.policies.rule(name);
        let wants = |name: &&String| rule(name).is_some_and(|rule| rule.approval.is_some());
        let approvals: Vec<String> = verdict.permits.iter().filter(wants).cloned().collect();
        if approvals.is_empty() {
            answer(Decision::Allow, verdict.permits.clone())
        } else {
            answer(Decision::NeedsApproval, approvals)
        }
    }

    fn key(&self, slice: &Slice, resource: &Resource<'_>) -> Key {
        let reads = slice.reads;
        let now = &self.circumstances;
        Key {
            class: self.class.number,
            slice: slice.number,
            resource: ResourceKey::new(resource, reads.name),
            client: reads.client.then(|| now.client.clone()),
            network: reads.network.then_some(now.network),
            time: reads.time.then(|| (now.hour(), now.weekday())),
        }
    }
}

// === impl ResourceKey ===

impl ResourceKey {
    fn new(resource: &Resource<'_>, with_name: bool) -> Self {
        let (tenant, install) = match resource {
            Resource::Tool { install, .. } | Resource::Record { install, .. } => {
                let facts = (install.id, install.status, install.classification);
                (install.tenant, Some(facts))
            }
            Resource::Prompt { tenant, .. } => (*tenant, None),
        };
        let (effect, stream, name) = match resource {
            Resource::Tool { effect, name, .. } => (Some(*effect), None, with_name.then_some(name)),
            Resource::Record { stream, external_id, .. } => {
                (None, Some((*stream).to_owned()), with_name.then_some(external_id))
            }
            Resource::Prompt { name, .. } => (None, None, Some(name)),
        };
        let name = name.map(|name| (*name).to_owned());
        Self { action: resource.action(), tenant, install, effect, stream, name }
    }
}

// === impl Verdict ===

impl Verdict {
    fn of(policies: &PolicySet, response: &Response) -> Self {
        let mut verdict = Self::default();
        for id in response.diagnostics().reason() {
            let forbids =
                policies.policy(id).is_some_and(|policy| policy.effect() == Effect::Forbid);
            let list = if forbids { &mut verdict.forbids } else { &mut verdict.permits };
            list.push(name_of(id.as_ref()));
        }
        // A forbid that cannot be evaluated does not forbid: nothing of such an answer is believed.
        verdict.errors = response.diagnostics().errors().map(ToString::to_string).collect();
        debug_assert!(response.decision() == Outcome::Deny || !verdict.permits.is_empty());
        verdict
    }

    fn broken(error: String) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// Nothing can make it an allowance any more.
    fn is_final(&self) -> bool {
        !self.forbids.is_empty() || !self.errors.is_empty()
    }

    fn and(mut self, other: Self) -> Self {
        self.forbids.extend(other.forbids);
        self.permits.extend(other.permits);
        self.errors.extend(other.errors);
        self
    }
}

fn name_of(id: &str) -> String {
    id.strip_prefix("guard-rail/").unwrap_or(id).to_owned()
}
