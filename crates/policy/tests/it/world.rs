//! Callers and resources to decide about.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{Classification, GroupId, InstallId, InstallStatus, PermissionSet, Role, TenantId};
use policy::{
    Circumstances, Compiled, InstallFacts, Resource, Source, SourceBody, Subject, SubjectKind,
    ToolEffect, compile,
};
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
pub(crate) const OTHER: TenantId = TenantId::from_uuid(Uuid::from_u128(2));
pub(crate) const DOCS: InstallId = InstallId::from_uuid(Uuid::from_u128(10));
pub(crate) const SHOP: InstallId = InstallId::from_uuid(Uuid::from_u128(11));
pub(crate) const STAFF: GroupId = GroupId::from_uuid(Uuid::from_u128(20));
pub(crate) const LEADS: GroupId = GroupId::from_uuid(Uuid::from_u128(21));

pub(crate) fn subject(role: Role) -> Subject {
    Subject {
        tenant: TENANT,
        id: "user:one".to_owned(),
        kind: SubjectKind::User,
        role,
        groups: Vec::new(),
        clearance: role.usual_clearance(),
        permissions: role.permissions(),
        installs: None,
    }
}

pub(crate) fn nobody_may(subject: Subject) -> Subject {
    Subject { permissions: PermissionSet::EMPTY, ..subject }
}

pub(crate) fn install(id: InstallId) -> InstallFacts<'static> {
    InstallFacts {
        tenant: TENANT,
        id,
        alias: if id == DOCS { "docs" } else { "shop" },
        connector: if id == DOCS { "files" } else { "postgres" },
        status: InstallStatus::Active,
        classification: Classification::Internal,
    }
}

pub(crate) fn tool(name: &'static str, effect: ToolEffect) -> Resource<'static> {
    Resource::Tool { install: install(DOCS), name, effect }
}

pub(crate) fn now() -> Circumstances {
    // A Friday, 08:00 UTC.
    let at = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    Circumstances { client: "claude".to_owned(), network: Some(IpAddr::from([10, 1, 2, 3])), at }
}

pub(crate) fn cedar(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), title: String::new(), body: SourceBody::Cedar(text.to_owned()) }
}

/// The defaults with more beside them.
pub(crate) fn with(more: &[(&str, &str)]) -> Arc<Compiled> {
    let mut sources = Compiled::default_sources();
    sources.extend(more.iter().map(|(name, text)| cedar(name, text)));
    compile(1, &sources).expect("policies")
}
