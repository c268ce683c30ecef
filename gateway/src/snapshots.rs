//! The routes of each tenant in memory: a call of a known tenant waits for nothing. Changes are signalled; a slow poll finds
//! what a lost signal did not tell; while the control plane cannot be asked, the last good routes stay.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use control::{Control, Policies, TenantRoutes, tool_effect};
use domain::{
    InstallId, TenantId,
    route::{RouteInstall, RouteSnapshot, Upstream},
};
use futures_util::{StreamExt, stream};

use crate::{
    error::Refusal,
    mcp::merge::{OfferedTool, ToolTable},
};

/// How long "there is no such tenant" is believed.
const ABSENT_FOR: Duration = Duration::from_secs(3);
/// Names that do not exist which are remembered at once.
const MAX_ABSENT: u64 = 10_000;
/// Longest slug that a tenant can have.
const MAX_SLUG: usize = 40;
/// Routes that are read at the same time.
const REFRESHES: usize = 4;

/// A tenant's snapshot with what is computed from it once.
pub(crate) struct Routes {
    pub(crate) snapshot: RouteSnapshot,
    /// What decides about them.
    pub(crate) policies: Arc<Policies>,
    /// By index of the install.
    native: Vec<Arc<ToolTable>>,
    /// Indices of the installs, longest alias first, so that no shorter alias can claim a longer one's names.
    candidates: Vec<usize>,
}

/// All routes that were ever asked for.
pub(crate) struct Snapshots {
    control: Control,
    known: ArcSwap<HashMap<String, Arc<Routes>>>,
    /// Serializes writers of `known`; nobody waits inside.
    writing: std::sync::Mutex<()>,
    /// One look-up at a time per name, and what does not exist.
    loads: moka::future::Cache<String, Option<Arc<Routes>>>,
}

// === impl Routes ===

impl Routes {
    fn new(TenantRoutes { snapshot, policies }: TenantRoutes) -> Self {
        let native =
            snapshot.installs.iter().map(|install| Arc::new(native_tools(install))).collect();
        let mut candidates: Vec<usize> = (0..snapshot.installs.len()).collect();
        candidates.sort_by_key(|index| {
            std::cmp::Reverse(snapshot.installs.get(*index).map_or(0, |it| it.alias.len()))
        });
        Self { snapshot, policies, native, candidates }
    }

    /// Whether these routes are as new as a snapshot of the same tenant: equal versions route alike.
    fn covers(&self, snapshot: &RouteSnapshot) -> bool {
        self.snapshot.tenant.id == snapshot.tenant.id && self.snapshot.version >= snapshot.version
    }

    /// The tools of an install that run in this process.
    pub(crate) fn native(&self, index: usize) -> Arc<ToolTable> {
        self.native.get(index).map(Arc::clone).unwrap_or_default()
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = usize> + '_ {
        self.candidates.iter().copied()
    }

    pub(crate) fn index_of(&self, alias: &str) -> Option<usize> {
        self.snapshot.installs.iter().position(|install| install.alias == alias)
    }

    pub(crate) fn install(&self, id: InstallId) -> Option<&RouteInstall> {
        self.snapshot.installs.iter().find(|install| install.id == id)
    }
}

fn native_tools(install: &RouteInstall) -> ToolTable {
    let Upstream::Native(tools) = &install.upstream else { return ToolTable::default() };
    let offered = tools.iter().filter_map(|tool| {
        let offered = OfferedTool::rename(&install.alias, &tool.name, &tool.json)?;
        Some(OfferedTool {
            cache_ttl_seconds: tool.cache_ttl_seconds,
            effect: tool_effect(tool),
            ..offered
        })
    });
    ToolTable::new(offered.collect())
}

// === impl Snapshots ===

impl Snapshots {
    pub(crate) fn new(control: Control) -> Self {
        Self {
            control,
            known: ArcSwap::default(),
            writing: std::sync::Mutex::new(()),
            loads: moka::future::Cache::builder()
                .max_capacity(MAX_ABSENT)
                .time_to_live(ABSENT_FOR)
                .build(),
        }
    }

    /// The routes of a tenant; `None` if there is no such tenant.
    pub(crate) async fn get(&self, slug: &str) -> Result<Option<Arc<Routes>>, Refusal> {
        if let Some(routes) = self.known.load().get(slug) {
            return Ok(Some(Arc::clone(routes)));
        }
        if slug.is_empty() || slug.len() > MAX_SLUG {
            return Ok(None);
        }
        let loaded = self.loads.try_get_with(slug.to_owned(), self.load(slug)).await;
        loaded.map_err(|error: Arc<control::Error>| {
            tracing::warn!(
                tenant.slug = slug,
                error = &*error as &dyn std::error::Error,
                "Routes could not be read"
            );
            Refusal::NoRoutes
        })
    }

    /// The routes of a tenant as they are now: for a caller who is newer than those in memory.
    pub(crate) async fn reload(&self, slug: &str) -> Result<Option<Arc<Routes>>, Refusal> {
        self.load(slug).await.map_err(|error| {
            tracing::warn!(
                tenant.slug = slug,
                error = &error as &dyn std::error::Error,
                "Routes could not be read for a new caller"
            );
            Refusal::NoRoutes
        })
    }

    async fn load(&self, slug: &str) -> Result<Option<Arc<Routes>>, control::Error> {
        let Some(routes) = self.control.route_snapshot(slug).await? else { return Ok(None) };
        if let Some(current) = self.known.load().get(slug).filter(|it| it.covers(&routes.snapshot))
        {
            return Ok(Some(Arc::clone(current)));
        }
        Ok(Some(self.put(slug, Arc::new(Routes::new(routes)))))
    }

    /// Keeps the newer one: two refreshes may end in the other order than they began. The map is copied for each change, so
    /// what has not changed must not get here often.
    fn put(&self, slug: &str, routes: Arc<Routes>) -> Arc<Routes> {
        let _one_writer = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = self.known.load();
        if let Some(current) = known.get(slug).filter(|it| it.covers(&routes.snapshot)) {
            return Arc::clone(current);
        }
        let mut next = HashMap::clone(&known);
        next.insert(slug.to_owned(), Arc::clone(&routes));
        self.known.store(Arc::new(next));
        routes
    }

    fn remove(&self, slug: &str) {
        let _one_writer = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut next = HashMap::clone(&self.known.load());
        next.remove(slug);
        self.known.store(Arc::new(next));
    }

    /// Reads a tenant's routes again after a change.
    pub(crate) async fn changed(&self, tenant: TenantId) {
        let slug = self
            .known
            .load()
            .iter()
            .find(|(_, routes)| routes.snapshot.tenant.id == tenant)
            .map(|(slug, _)| slug.clone());
        // Whatever changed may have brought a tenant into being that was asked for a moment ago.
        self.loads.invalidate_all();
        if let Some(slug) = slug {
            self.refresh(&slug).await;
        }
    }

    /// Reads everything again.
    pub(crate) async fn refresh_all(&self) {
        let slugs: Vec<String> = self.known.load().keys().cloned().collect();
        stream::iter(slugs)
            .for_each_concurrent(REFRESHES, |slug| async move { self.refresh(&slug).await })
            .await;
    }

    async fn refresh(&self, slug: &str) {
        match self.load(slug).await {
            Ok(Some(_)) => {}
            Ok(None) => self.remove(slug),
            Err(error) => {
                tracing::warn!(
                    tenant.slug = slug,
                    error = &error as &dyn std::error::Error,
                    "Routes could not be read again: the last good ones stay"
                );
            }
        }
    }
}
