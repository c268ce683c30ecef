//! From policies as people write them to policies as questions are put to them.

use std::{
    collections::HashSet,
    str::FromStr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyFromJsonError, PolicyId, PolicySet,
    PrincipalConstraint, ResourceConstraint, Schema, ValidationMode, Validator,
};
use serde_json::Value;

use crate::{
    Circumstances, DEFAULT, DEFAULT_NAME, Fault, Faults, GUARD_RAILS, SCHEMA, Source, SourceBody,
    Subject, View,
    entities::Names,
    reads::Reads,
    slice::{Class, ClassKey},
    view::{Key, Plain},
};

/// Policies of one organisation, and bytes of each: every one of them may have to be evaluated.
const RULES_MAX: usize = 1000;
const TEXT_MAX: usize = 64 * 1024;
/// Callers whose view is remembered, and decisions.
const CLASSES_MAX: u64 = 10_000;
const DECISIONS_MAX: u64 = 200_000;
/// Annotation of a permit that needs a person.
const APPROVAL: &str = "approval";
const TITLE: &str = "title";

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let (schema, _warnings) = Schema::from_cedarschema_str(SCHEMA).expect("our own schema");
    Validator::new(schema)
});

/// One policy.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Of the source, with a number when the source holds several.
    pub name: String,
    /// For people.
    pub title: String,
    /// Why a person must approve what it permits.
    pub approval: Option<String>,
    pub forbids: bool,
    /// Whether it is one of those that cannot be removed.
    pub is_guard_rail: bool,
    /// All `@` annotations.
    pub annotations: Vec<(String, String)>,
    /// As Cedar.
    pub text: String,
    pub(crate) policy: Policy,
    pub(crate) reads: Reads,
    /// A permit that reads arguments, without the conditions that do: whoever it allows may see the tool in a list.
    pub(crate) relaxed: Option<Policy>,
    pub(crate) principal: PrincipalConstraint,
    pub(crate) action: ActionConstraint,
    pub(crate) resource: ResourceConstraint,
}

/// The policies of an organisation, immutable, with what was already decided by them. Share it: it remembers.
pub struct Compiled {
    version: i64,
    rules: Vec<Rule>,
    pub(crate) names: Names,
    /// Whether any policy looks at who in person asks.
    pub(crate) reads_identity: bool,
    numbers: AtomicU32,
    classes: moka::sync::Cache<ClassKey, Arc<Class>>,
    pub(crate) decisions: moka::sync::Cache<Key, Arc<Plain>>,
}

/// Checks policies and makes them ready. `version` is the caller's, and comes back from [`Compiled::version`].
///
/// # Errors
/// Everything that is wrong, with the place of each and what to do about it.
pub fn compile(version: i64, sources: &[Source]) -> Result<Arc<Compiled>, Faults> {
    let mut faults = Vec::new();
    let mut rules = guard_rails();
    let mut names = HashSet::new();
    for source in sources {
        if !names.insert(source.name.as_str()) {
            let help = "give each policy a name of its own";
            faults.push(Fault::new(&source.name, "another policy has this name", help));
        }
        match rules_of(source) {
            Ok(more) => rules.extend(more),
            Err(more) => faults.extend(more.0),
        }
    }
    if rules.len() > RULES_MAX {
        let message = format!("these are {} policies, and {RULES_MAX} can be kept", rules.len());
        let help =
            "put people into groups and installs behind one condition instead of one policy each";
        faults.push(Fault::new("", message, help));
    }
    if faults.is_empty() {
        Ok(Arc::new(Compiled::new(version, rules)))
    } else {
        Err(Faults(faults))
    }
}

/// Checks one policy by itself.
///
/// # Errors
/// As [`compile`].
pub fn validate(source: &Source) -> Result<Vec<Rule>, Faults> {
    rules_of(source)
}

fn guard_rails() -> Vec<Rule> {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let source = Source {
            name: "guard-rail".to_owned(),
            title: String::new(),
            body: SourceBody::Cedar(GUARD_RAILS.to_owned()),
        };
        let mut rules = rules_of(&source).expect("our own guard rails");
        for rule in &mut rules {
            let id = rule.annotations.iter().find(|(key, _)| key == "id");
            rule.name = id.map_or_else(|| rule.name.clone(), |(_, id)| id.clone());
            rule.is_guard_rail = true;
            rule.policy = rule.policy.new_id(PolicyId::new(format!("guard-rail/{}", rule.name)));
        }
        rules
    });
    RULES.clone()
}

fn rules_of(source: &Source) -> Result<Vec<Rule>, Faults> {
    let fault = |message: &str, help| Faults(vec![Fault::new(&source.name, message, help)]);
    let text = source.body.to_cedar();
    if text.len() > TEXT_MAX {
        return Err(fault("this is longer than 64 KiB", "part it into several policies"));
    }
    let parsed = PolicySet::from_str(&text)
        .map_err(|errors| Faults(Fault::of_parsing(&source.name, &text, &errors)))?;
    if parsed.num_of_templates() > 0 {
        let help = "name the principal or resource, or put people into a group";
        return Err(fault("templates (`?principal`, `?resource`) cannot be used here", help));
    }
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    if policies.is_empty() {
        return Err(fault("there is no policy in this text", "begin with `permit` or `forbid`"));
    }
    // Cedar numbers them `policy0`, `policy1`, ... as they stand in the text.
    policies.sort_by_key(|policy| number(policy.id()));
    let result = VALIDATOR.validate(&parsed, ValidationMode::Strict);
    let faults: Vec<_> = result
        .validation_errors()
        .map(|error| Fault::of_validation(&source.name, &text, error))
        .collect();
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let several = policies.len() > 1;
    let named = policies.into_iter().enumerate().map(|(index, policy)| {
        let name =
            if several { format!("{}.{}", source.name, index + 1) } else { source.name.clone() };
        Rule::new(name, source, policy)
    });
    named.collect()
}

fn number(id: &PolicyId) -> u64 {
    let id: &str = id.as_ref();
    id.trim_start_matches("policy").parse().unwrap_or(u64::MAX)
}

// === impl Rule ===

impl Rule {
    fn new(name: String, source: &Source, policy: &Policy) -> Result<Self, Faults> {
        let unreadable = || {
            let message = "this policy cannot be analysed";
            Faults(vec![Fault::new(&source.name, message, "write it in simpler conditions")])
        };
        let forbids = policy.effect() == Effect::Forbid;
        let approval = policy.annotation(APPROVAL).map(str::to_owned);
        if forbids && approval.is_some() {
            let help = "annotate a `permit`: whatever it allows waits for a person";
            let message = "`@approval` on a `forbid` has no meaning";
            return Err(Faults(vec![Fault::new(&source.name, message, help)]));
        }
        let policy = policy.new_id(PolicyId::new(&name));
        let json = policy.to_json().map_err(|_| unreadable())?;
        let (reads, relaxed) = analysed(&policy, json).map_err(|_| unreadable())?;
        let annotations =
            policy.annotations().map(|(key, value)| (key.to_owned(), value.to_owned()));
        let title = policy.annotation(TITLE).unwrap_or(&source.title).to_owned();
        Ok(Self {
            title: if title.is_empty() { name.clone() } else { title },
            name,
            approval,
            forbids,
            is_guard_rail: false,
            annotations: annotations.collect(),
            text: policy.to_cedar().unwrap_or_default(),
            principal: policy.principal_constraint(),
            action: policy.action_constraint(),
            resource: policy.resource_constraint(),
            reads,
            relaxed: relaxed.filter(|_| !forbids),
            policy,
        })
    }
}

/// What the conditions of a policy read, and the policy without those that read arguments.
#[expect(clippy::result_large_err, reason = "Cedar's own error, once per change of a policy")]
fn analysed(
    policy: &Policy,
    mut json: Value,
) -> Result<(Reads, Option<Policy>), PolicyFromJsonError> {
    let Some(Value::Array(conditions)) = json.get_mut("conditions") else {
        return Ok((Reads::default(), None));
    };
    let mut reads = Reads::default();
    conditions.retain(|condition| {
        let one = Reads::of(condition.get("body").unwrap_or(&Value::Null));
        reads = reads.and(one);
        !one.arguments
    });
    let relaxed = reads.arguments.then(|| Policy::from_json(Some(policy.id().clone()), json));
    Ok((reads, relaxed.transpose()?))
}

// === impl Compiled ===

impl Compiled {
    fn new(version: i64, rules: Vec<Rule>) -> Self {
        let by_name = |rule: &Rule| match &rule.principal {
            PrincipalConstraint::Eq(_) => true,
            PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
                uid.type_name().to_string() == "Principal"
            }
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) => false,
        };
        Self {
            version,
            names: Names::new(),
            reads_identity: rules.iter().any(|rule| rule.reads.identity || by_name(rule)),
            rules,
            numbers: AtomicU32::new(0),
            classes: moka::sync::Cache::new(CLASSES_MAX),
            decisions: moka::sync::Cache::new(DECISIONS_MAX),
        }
    }

    /// What every organisation begins with, as version 0.
    pub fn of_defaults() -> Arc<Self> {
        compile(0, &Self::default_sources()).expect("our own policies")
    }

    /// The policies that an organisation begins with and may change.
    pub fn default_sources() -> Vec<Source> {
        vec![Source {
            name: DEFAULT_NAME.to_owned(),
            title: "Members use what their permissions, clearance and keys allow".to_owned(),
            body: SourceBody::Cedar(DEFAULT.to_owned()),
        }]
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    /// All policies, guard rails first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The policy of a name, as [`crate::Answer`] gives names.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// One caller's view, under some circumstances. Cheap: make one per request.
    pub fn view(self: &Arc<Self>, subject: &Subject, circumstances: Circumstances) -> View {
        let key = ClassKey::new(subject, self.reads_identity);
        let class = self
            .classes
            .get_with_by_ref(&key, || Arc::new(Class::new(self, subject, self.next_number())));
        View::new(Arc::clone(self), class, circumstances)
    }

    /// Whether any policy speaks of one thing of this type by its name.
    pub(crate) fn speaks_of(&self, kind: &str) -> bool {
        self.rules.iter().any(|rule| {
            let scope = match &rule.resource {
                ResourceConstraint::Eq(uid)
                | ResourceConstraint::In(uid)
                | ResourceConstraint::IsIn(_, uid) => uid.type_name().to_string() == kind,
                ResourceConstraint::Any | ResourceConstraint::Is(_) => false,
            };
            scope || rule.reads.name
        })
    }

    /// A number that nothing else of this set has.
    pub(crate) fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled(version {}, {} policies)", self.version, self.rules.len())
    }
}
