//! Callers, resources and circumstances as Cedar takes them.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value,
};

use crate::{Arguments, Circumstances, InstallFacts, Resource, Subject, ToolEffect};

/// What went wrong between us and Cedar: values that the schema allows always fit.
#[derive(Debug, thiserror::Error)]
#[error("the question could not be put to the policies")]
pub(crate) struct Misfit;

/// Names of types and actions, parsed once.
pub(crate) struct Names {
    tenant: EntityTypeName,
    role: EntityTypeName,
    group: EntityTypeName,
    principal: EntityTypeName,
    connector: EntityTypeName,
    install: EntityTypeName,
    tool: EntityTypeName,
    stream: EntityTypeName,
    record: EntityTypeName,
    prompt: EntityTypeName,
    arguments: EntityTypeName,
    numbers: EntityTypeName,
    action: EntityTypeName,
}

/// A resource with everything above it.
pub(crate) struct Described {
    pub(crate) uid: EntityUid,
    pub(crate) entities: Vec<Entity>,
}

// === impl Names ===

impl Names {
    pub(crate) fn new() -> Self {
        let name = |text: &str| text.parse().expect("a name of our own schema");
        Self {
            tenant: name("Tenant"),
            role: name("Role"),
            group: name("Group"),
            principal: name("Principal"),
            connector: name("Connector"),
            install: name("Install"),
            tool: name("Tool"),
            stream: name("Stream"),
            record: name("Record"),
            prompt: name("Prompt"),
            arguments: name("Arguments"),
            numbers: name("Numbers"),
            action: name("Action"),
        }
    }

    pub(crate) fn action(&self, resource: &Resource<'_>) -> EntityUid {
        uid(&self.action, resource.action())
    }

    /// The caller and everything that they are a member of.
    pub(crate) fn memberships(&self, subject: &Subject) -> Vec<EntityUid> {
        let mut found =
            vec![uid(&self.principal, &subject.id), uid(&self.role, subject.role.as_str())];
        found.extend(subject.groups.iter().map(|group| uid(&self.group, &group.to_string())));
        found
    }

    pub(crate) fn subject(&self, subject: &Subject) -> Result<Entity, Misfit> {
        let installs = subject.installs.iter().flatten();
        let installs = installs.map(|id| entity(uid(&self.install, &id.to_string())));
        let permissions =
            subject.permissions.iter().map(|name| Value::new_string(name.as_str().to_owned()));
        let attributes = HashMap::from([
            ("tenant", entity(uid(&self.tenant, &subject.tenant.to_string()))),
            ("kind", text(subject.kind.as_str())),
            ("clearance", Value::new_long(subject.clearance.level())),
            ("permissions", Value::new_set(permissions)),
            ("limited", Value::new_bool(subject.installs.is_some())),
            ("installs", Value::new_set(installs)),
        ]);
        let mut memberships = self.memberships(subject).into_iter();
        let own = memberships.next().ok_or(Misfit)?;
        made(own, attributes, memberships.collect())
    }

    /// The resource and everything above it, itself first.
    pub(crate) fn above(&self, resource: &Resource<'_>) -> Vec<EntityUid> {
        match resource {
            Resource::Tool { install, name, .. } => vec![
                self.tool(install, name),
                uid(&self.install, &install.id.to_string()),
                uid(&self.connector, install.connector),
            ],
            Resource::Record { install, stream, external_id } => vec![
                self.record(install, stream, external_id),
                self.stream(install, stream),
                uid(&self.install, &install.id.to_string()),
                uid(&self.connector, install.connector),
            ],
            Resource::Prompt { name, .. } => vec![uid(&self.prompt, name)],
        }
    }

    pub(crate) fn resource(&self, resource: &Resource<'_>) -> Result<Described, Misfit> {
        match resource {
            Resource::Tool { install, name, effect } => {
                let mut attributes = self.of_install(install);
                attributes.extend([
                    ("name", text(name)),
                    ("effect", text(effect.as_str())),
                    ("readOnly", Value::new_bool(*effect == ToolEffect::ReadOnly)),
                    ("destructive", Value::new_bool(*effect == ToolEffect::Destructive)),
                ]);
                let own = self.tool(install, name);
                let parent = uid(&self.install, &install.id.to_string());
                let tool = made(own.clone(), attributes, HashSet::from([parent]))?;
                Ok(Described { uid: own, entities: vec![tool, self.install(install)?] })
            }
            Resource::Record { install, stream, external_id } => {
                let mut attributes = self.of_install(install);
                attributes.extend([("stream", text(stream)), ("name", text(external_id))]);
                let (own, parent) =
                    (self.record(install, stream, external_id), self.stream(install, stream));
                let above = uid(&self.install, &install.id.to_string());
                let record = made(own.clone(), attributes, HashSet::from([parent.clone()]))?;
                let stream = made(parent, HashMap::new(), HashSet::from([above]))?;
                Ok(Described { uid: own, entities: vec![record, stream, self.install(install)?] })
            }
            Resource::Prompt { tenant, name } => {
                let attributes = HashMap::from([
                    ("tenant", entity(uid(&self.tenant, &tenant.to_string()))),
                    ("name", text(name)),
                ]);
                let own = uid(&self.prompt, name);
                let prompt = made(own.clone(), attributes, HashSet::new())?;
                Ok(Described { uid: own, entities: vec![prompt] })
            }
        }
    }

    /// The arguments of a call, as the entities that the context points to.
    pub(crate) fn arguments(&self, arguments: &Arguments) -> Result<[Entity; 2], Misfit> {
        let texts = arguments.texts.iter().map(|(path, value)| (path.clone(), text(value)));
        let numbers =
            arguments.numbers.iter().map(|(path, value)| (path.clone(), Value::new_long(*value)));
        Ok([
            tagged(uid(&self.arguments, "call"), texts)?,
            tagged(uid(&self.numbers, "call"), numbers)?,
        ])
    }

    pub(crate) fn context(
        &self,
        resource: &Resource<'_>,
        circumstances: &Circumstances,
    ) -> Result<Context, Misfit> {
        let mut pairs = vec![
            ("client".to_owned(), text(&circumstances.client)),
            ("hour".to_owned(), Value::new_long(circumstances.hour().into())),
            ("weekday".to_owned(), Value::new_long(circumstances.weekday().into())),
        ];
        if let Some(network) = circumstances.network {
            pairs.push(("network".to_owned(), Value::new_ip(network.to_canonical().to_string())));
        }
        if let Resource::Tool { .. } = resource {
            pairs.push(("arguments".to_owned(), entity(uid(&self.arguments, "call"))));
            pairs.push(("numbers".to_owned(), entity(uid(&self.numbers, "call"))));
        }
        Context::from_pairs(pairs).map_err(|_| Misfit)
    }

    fn of_install(&self, install: &InstallFacts<'_>) -> HashMap<&'static str, Value> {
        HashMap::from([
            ("tenant", entity(uid(&self.tenant, &install.tenant.to_string()))),
            ("install", entity(uid(&self.install, &install.id.to_string()))),
            ("alias", text(install.alias)),
            ("connector", text(install.connector)),
            ("status", text(install.status.as_str())),
            ("classification", Value::new_long(install.classification.level())),
        ])
    }

    fn install(&self, install: &InstallFacts<'_>) -> Result<Entity, Misfit> {
        let own = uid(&self.install, &install.id.to_string());
        let parent = uid(&self.connector, install.connector);
        made(own, HashMap::from([("alias", text(install.alias))]), HashSet::from([parent]))
    }

    fn tool(&self, install: &InstallFacts<'_>, name: &str) -> EntityUid {
        uid(&self.tool, &format!("{}/{name}", install.id))
    }

    fn stream(&self, install: &InstallFacts<'_>, stream: &str) -> EntityUid {
        uid(&self.stream, &format!("{}/{stream}", install.id))
    }

    fn record(&self, install: &InstallFacts<'_>, stream: &str, external_id: &str) -> EntityUid {
        uid(&self.record, &format!("{}/{stream}/{external_id}", install.id))
    }
}

fn uid(name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
}

fn entity(uid: EntityUid) -> Value {
    Value::new_entity_uid(uid)
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn made(
    uid: EntityUid,
    attributes: HashMap<&'static str, Value>,
    parents: HashSet<EntityUid>,
) -> Result<Entity, Misfit> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid, attributes, parents).map_err(|_| Misfit)
}

fn tagged(uid: EntityUid, tags: impl Iterator<Item = (String, Value)>) -> Result<Entity, Misfit> {
    Entity::new_with_tags(uid, [], [], tags).map_err(|_| Misfit)
}
