//! What the gateway needs to know of an organisation, as one immutable snapshot.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use domain::{
    ClientGrantId, Granted, Install, SystemReason, Tenant, TenantId, TokenHash,
    authz::{Permission, permission::EndpointRead},
    route::{RemoteServer, RouteGrant, RouteInstall, RouteKey, RouteSnapshot, Upstream},
};
use policy::Compiled;
use sha2::{Digest, Sha256};
use store::Tx;

use crate::{Control, Error, oauth::MCP_PERMISSIONS, standing::Standings};

const REQUEST_ID: &str = "routes";

type Keys = HashMap<TokenHash, RouteKey>;
type Grants = HashMap<ClientGrantId, RouteGrant>;

/// What the gateway knows of an organisation.
#[derive(Debug, Clone)]
pub struct TenantRoutes {
    pub snapshot: RouteSnapshot,
    /// What decides about its tools, records and prompts; part of what the snapshot's version stands for.
    pub policies: Arc<Compiled>,
}

/// The version of each organisation's snapshot: the microsecond in which this process first saw its content, and at least one
/// more than the version before. So it grows with every change, also over restarts, and stays while nothing changes.
#[derive(Default)]
pub(crate) struct Versions(Mutex<HashMap<TenantId, Seen>>);

struct Seen {
    content: [u8; 32],
    version: u64,
}

// === impl Versions ===

impl Versions {
    fn of(&self, tenant: TenantId, content: [u8; 32], now: DateTime<Utc>) -> u64 {
        let now = u64::try_from(now.timestamp_micros()).unwrap_or_default();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.entry(tenant) {
            Entry::Vacant(entry) => entry.insert(Seen { content, version: now }).version,
            Entry::Occupied(mut entry) => {
                let last = entry.get_mut();
                if last.content != content {
                    *last = Seen { content, version: now.max(last.version + 1) };
                }
                last.version
            }
        }
    }
}

// === impl Control ===

impl Control {
    /// Everything that serving an organisation's MCP endpoint needs: active installs, keys that still work, tool definitions.
    /// `None` when there is no such organisation.
    ///
    /// # Errors
    /// [`Error::Internal`]: go on with the last good one.
    pub async fn route_snapshot(&self, tenant_slug: &str) -> Result<Option<TenantRoutes>, Error> {
        let Some(tenant) = self.store().directory().find_tenant(tenant_slug).await? else {
            return Ok(None);
        };
        let reading: Granted<EndpointRead> = granted(tenant.id);
        let tx = self.store().read(&reading).await?;
        let endpoints = tx.endpoints().list(&reading).await?;
        let (keys, grants) = self.route_callers(&tx, &reading).await?;
        self.0.journal.keep_settings(tenant.id, tx.audit().settings(&reading).await?);
        let mut installs = tx.installs().list_active(&granted(tenant.id)).await?;
        let policies = self.compiled(&tx, &reading).await?;
        drop(tx);
        installs.sort_by(|one, other| one.alias.cmp(&other.alias));
        let instructions = endpoints.into_iter().next().and_then(|it| it.instructions);
        let fixed = (installs.as_slice(), policies.version());
        let content = content_of(&tenant, instructions.as_deref(), (&keys, &grants), fixed);
        let version = self.0.versions.of(tenant.id, content, self.now());
        let installs = installs.iter().filter_map(|install| self.route_install(install)).collect();
        let snapshot = RouteSnapshot { tenant, version, instructions, keys, grants, installs };
        Ok(Some(TenantRoutes { snapshot, policies }))
    }

    /// Who may call: by a key of their own, or by an AI client that they have let in.
    async fn route_callers(
        &self,
        tx: &Tx,
        reading: &Granted<EndpointRead>,
    ) -> Result<(Keys, Grants), Error> {
        let mut standings = Standings::new(tx, granted(reading.tenant()));
        let mut keys = HashMap::new();
        for (hash, key) in tx.api_keys().list_live(reading).await? {
            if let Some(access) = standings.of_key(&key).await? {
                keys.insert(hash, RouteKey { id: key.id, access, expires_at: key.expires_at });
            }
        }
        let mut grants = HashMap::new();
        for grant in tx.client_grants().list_live(reading, self.now()).await? {
            let Some(person) = standings.of_user(grant.user).await? else { continue };
            let (clearance, installs) = (person.clearance, person.installs.clone());
            let access = person.narrowed(MCP_PERMISSIONS, clearance, installs);
            grants.insert(grant.id, RouteGrant { user: grant.user, access });
        }
        Ok((keys, grants))
    }

    fn route_install(&self, install: &Install) -> Option<RouteInstall> {
        let Some(connector) = self.connector(&install.connector) else {
            tracing::warn!(install.id = %install.id, install.connector, "An installed connector is not in this version: its tools are hidden");
            return None;
        };
        let upstream = match connector.remote(&install.config) {
            Some(Ok(url)) => Upstream::Remote(RemoteServer {
                url: url.to_string(),
                has_credential: install.has_credential,
            }),
            Some(Err(error)) => {
                tracing::warn!(install.id = %install.id, error = %error, "An install has no usable address: its tools are hidden");
                Upstream::None
            }
            None if connector.tools().is_some() => {
                Upstream::Native(connector.manifest().tool_definitions())
            }
            None => Upstream::None,
        };
        Some(RouteInstall {
            id: install.id,
            alias: install.alias.clone(),
            display_name: install.display_name.clone(),
            connector: install.connector.clone(),
            classification: install.classification,
            version: install.version,
            config: install.config.clone(),
            upstream,
            streams: connector
                .sync()
                .iter()
                .flat_map(|_| &connector.manifest().streams)
                .map(|stream| stream.name.clone())
                .collect(),
        })
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::BuildRoutes, tenant, REQUEST_ID)
}

/// Two snapshots with the same digest route alike. An install's version stands for all of its settings.
fn content_of(
    tenant: &Tenant,
    instructions: Option<&str>,
    (keys, grants): (&Keys, &Grants),
    (installs, policies): (&[Install], i64),
) -> [u8; 32] {
    let mut keys: Vec<_> = keys.iter().map(|(hash, key)| (hash.to_hex(), key)).collect();
    keys.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut grants: Vec<_> = grants.iter().collect();
    grants.sort_by_key(|(id, _)| **id);
    let installs: Vec<_> = installs.iter().map(|it| (it.id, it.version, &it.alias)).collect();
    let text =
        format!("{tenant:?}\n{instructions:?}\n{keys:?}\n{grants:?}\n{installs:?}\n{policies}");
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_grows_with_every_change_and_stays_while_nothing_changes() {
        let versions = Versions::default();
        let (tenant, at) = (TenantId::generate(), DateTime::UNIX_EPOCH);
        let first = versions.of(tenant, [1; 32], at);
        assert_eq!(versions.of(tenant, [1; 32], at + chrono::TimeDelta::hours(1)), first);
        let second = versions.of(tenant, [2; 32], at);
        assert!(second > first);
        assert!(versions.of(tenant, [1; 32], at) > second);
    }
}
