//! The policies that can matter: for a kind of caller by the scopes' principals and actions, for a resource by the scopes'
//! resources. Everything else Cedar need not look at.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cedar_policy::{
    ActionConstraint, Entity, EntityUid, PolicySet, PrincipalConstraint, ResourceConstraint,
};

use crate::{Compiled, Resource, Rule, Subject, reads::Reads};

/// Slices that are remembered for one kind of caller.
const SLICES_MAX: usize = 1024;

/// Callers who are the same to all policies of a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ClassKey(Subject);

/// What is known of a kind of caller.
pub(crate) struct Class {
    pub(crate) number: u32,
    pub(crate) uid: EntityUid,
    /// `None` when the caller could not be described: then everything is denied.
    pub(crate) entity: Option<Entity>,
    scopes: HashMap<&'static str, Scopes>,
    slices: Mutex<HashMap<Vec<u32>, Arc<Slice>>>,
}

/// Indices of rules by what their scope says of the resource.
#[derive(Default)]
struct Scopes {
    any: Vec<u32>,
    named: HashMap<EntityUid, Vec<u32>>,
}

/// Policies that are evaluated together.
pub(crate) struct Slice {
    pub(crate) number: u32,
    /// Those whose answer can be remembered.
    pub(crate) plain: PolicySet,
    /// Those that read arguments.
    pub(crate) reading: PolicySet,
    /// Permits of `reading` without what they want of the arguments.
    pub(crate) relaxed: PolicySet,
    /// What `plain` and `relaxed` look at.
    pub(crate) reads: Reads,
}

// === impl ClassKey ===

impl ClassKey {
    pub(crate) fn new(subject: &Subject, with_identity: bool) -> Self {
        let mut subject = subject.clone();
        if !with_identity {
            subject.id.clear();
        }
        Self(subject)
    }
}

// === impl Class ===

impl Class {
    pub(crate) fn new(policies: &Compiled, subject: &Subject, number: u32) -> Self {
        let memberships = policies.names.memberships(subject);
        let mut scopes = HashMap::new();
        for (action, kind) in
            [("tool.call", "Tool"), ("record.read", "Record"), ("prompt.get", "Prompt")]
        {
            let rules = policies.rules().iter().zip(0..);
            let fitting = rules.filter(|(rule, _)| {
                fits_principal(&rule.principal, &memberships) && fits_action(&rule.action, action)
            });
            let mut of_action = Scopes::default();
            fitting.for_each(|(rule, index)| of_action.add(rule, index, kind));
            scopes.insert(action, of_action);
        }
        Self {
            number,
            // Every caller is a member of their role.
            uid: memberships.first().cloned().expect("the caller comes first"),
            entity: policies.names.subject(subject).ok(),
            scopes,
            slices: Mutex::default(),
        }
    }

    /// The policies that can matter for a resource.
    pub(crate) fn slice(&self, policies: &Compiled, resource: &Resource<'_>) -> Arc<Slice> {
        let indices = match self.scopes.get(resource.action()) {
            Some(scopes) => scopes.indices(policies, resource),
            None => Vec::new(),
        };
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slice) = slices.get(&indices) {
            return Arc::clone(slice);
        }
        if slices.len() >= SLICES_MAX {
            slices.clear();
        }
        let slice = Arc::new(Slice::new(policies, &indices));
        slices.insert(indices, Arc::clone(&slice));
        slice
    }
}

// === impl Scopes ===

impl Scopes {
    fn add(&mut self, rule: &Rule, index: u32, kind: &str) {
        match &rule.resource {
            ResourceConstraint::Any => self.any.push(index),
            ResourceConstraint::Is(name) if name.to_string() == kind => self.any.push(index),
            ResourceConstraint::IsIn(name, _) | ResourceConstraint::Is(name)
                if name.to_string() != kind => {}
            ResourceConstraint::Is(_) => {}
            ResourceConstraint::In(uid)
            | ResourceConstraint::Eq(uid)
            | ResourceConstraint::IsIn(_, uid) => {
                self.named.entry(uid.clone()).or_default().push(index);
            }
        }
    }

    fn indices(&self, policies: &Compiled, resource: &Resource<'_>) -> Vec<u32> {
        let mut indices = self.any.clone();
        if !self.named.is_empty() {
            let above = policies.names.above(resource);
            let named = above.iter().filter_map(|uid| self.named.get(uid));
            indices.extend(named.flatten());
            indices.sort_unstable();
        }
        indices
    }
}

fn fits_principal(constraint: &PrincipalConstraint, memberships: &[EntityUid]) -> bool {
    match constraint {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(uid) => memberships.first() == Some(uid),
        PrincipalConstraint::In(uid) => memberships.contains(uid),
        PrincipalConstraint::Is(name) => name.to_string() == "Principal",
        PrincipalConstraint::IsIn(name, uid) => {
            name.to_string() == "Principal" && memberships.contains(uid)
        }
    }
}

fn fits_action(constraint: &ActionConstraint, action: &str) -> bool {
    let is = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) == action;
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => is(uid),
        ActionConstraint::In(uids) => uids.iter().any(is),
    }
}

// === impl Slice ===

impl Slice {
    fn new(policies: &Compiled, indices: &[u32]) -> Self {
        let mut slice = Self {
            number: policies.next_number(),
            plain: PolicySet::new(),
            reading: PolicySet::new(),
            relaxed: PolicySet::new(),
            reads: Reads::default(),
        };
        for index in indices {
            let rule = usize::try_from(*index).ok().and_then(|index| policies.rules().get(index));
            if let Some(rule) = rule {
                slice.add(rule);
            }
        }
        slice
    }

    fn add(&mut self, rule: &Rule) {
        let target = if rule.reads.arguments { &mut self.reading } else { &mut self.plain };
        // Ids are unique within a compiled set.
        target.add(rule.policy.clone()).expect("a name of its own");
        if let Some(relaxed) = &rule.relaxed {
            self.relaxed.add(relaxed.clone()).expect("a name of its own");
        }
        self.reads = self.reads.and(rule.reads);
    }
}
