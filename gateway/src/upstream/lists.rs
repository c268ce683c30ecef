//! What remote servers offer, remembered raw per install version: fetched once at a time, used for a while, then refreshed in
//! the background, and the last good list stays while a server fails.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use control::Control;
use domain::{
    OpCtx, SecretString,
    route::{RemoteServer, RouteInstall},
};
use egress::Limits;
use serde_json::value::RawValue;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::task::TaskTracker;

use super::{
    http::{LIST, PeerKey, Remote, RemoteCall},
    wire::{RemoteError, Site},
};
use crate::{
    config::Config,
    layer::credential,
    mcp::{
        json::{Members, quoted, text},
        merge::{OfferedTool, ToolTable},
    },
};

/// Lists that are remembered at once.
const MAX_LISTS: u64 = 100_000;
/// Pages that are followed in one upstream list.
const MAX_PAGES: usize = 50;
/// How long a failure is believed before the server is asked again.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// The lists of all remote servers.
pub(crate) struct Lists {
    control: Control,
    remote: Arc<Remote>,
    config: Arc<Config>,
    entries: moka::sync::Cache<PeerKey, Arc<Entry>>,
    background: TaskTracker,
}

#[derive(Default)]
struct Entry {
    good: ArcSwapOption<Fetched>,
    /// How the last attempt failed.
    failed: ArcSwapOption<Failure>,
    fetching: Mutex<()>,
}

struct Failure {
    at: Instant,
    unauthorized: bool,
}

struct Fetched {
    table: Arc<ToolTable>,
    at: Instant,
}

// === impl Lists ===

impl Lists {
    pub(crate) fn new(control: Control, remote: Arc<Remote>, config: Arc<Config>) -> Self {
        let entries = moka::sync::Cache::builder().max_capacity(MAX_LISTS).build();
        Self { control, remote, config, entries, background: TaskTracker::new() }
    }

    /// The tools of a remote install. Waits only when there is no list at all.
    pub(crate) async fn table(
        self: &Arc<Self>,
        ctx: &OpCtx,
        install: &RouteInstall,
        remote: &RemoteServer,
    ) -> Result<Arc<ToolTable>, RemoteError> {
        let key = PeerKey { tenant: ctx.tenant(), install: install.id, version: install.version };
        let entry = self.entries.get_with(key, Arc::default);
        if let Some(good) = entry.good.load_full() {
            if good.at.elapsed() >= self.config.list_ttl() && entry.recent_failure().is_none() {
                self.refresh_behind(key, ctx, install, remote, &entry);
            }
            return Ok(Arc::clone(&good.table));
        }
        let _one_fetch = entry.fetching.lock().await;
        if let Some(good) = entry.good.load_full() {
            return Ok(Arc::clone(&good.table));
        }
        if let Some(error) = entry.recent_failure() {
            return Err(error);
        }
        self.fetch_into(key, ctx, install, remote, &entry).await
    }

    fn refresh_behind(
        self: &Arc<Self>,
        key: PeerKey,
        ctx: &OpCtx,
        install: &RouteInstall,
        remote: &RemoteServer,
        entry: &Arc<Entry>,
    ) {
        let (lists, entry) = (Arc::clone(self), Arc::clone(entry));
        let (ctx, install, remote) = (ctx.clone(), install.clone(), remote.clone());
        self.background.spawn(async move {
            // Somebody else is at it when the lock is taken.
            let Ok(_one_fetch) = entry.fetching.try_lock() else { return };
            let outcome = lists.fetch_into(key, &ctx, &install, &remote, &entry).await;
            if let Err(error) = outcome {
                tracing::warn!(install.id = %install.id, error = &error as &dyn std::error::Error, "The tools of `{}` could not be listed again: the last good list stays", install.alias);
            }
        });
    }

    async fn fetch_into(
        &self,
        key: PeerKey,
        ctx: &OpCtx,
        install: &RouteInstall,
        remote: &RemoteServer,
        entry: &Entry,
    ) -> Result<Arc<ToolTable>, RemoteError> {
        let fetch = self.fetch(key, ctx, install, remote);
        let outcome = tokio::time::timeout(self.config.list_timeout(), fetch)
            .await
            .unwrap_or(Err(RemoteError::Timeout));
        match outcome {
            Ok(table) => {
                let table = Arc::new(table);
                entry.failed.store(None);
                let fetched = Fetched { table: Arc::clone(&table), at: Instant::now() };
                entry.good.store(Some(Arc::new(fetched)));
                Ok(table)
            }
            Err(error) => {
                let unauthorized = matches!(error, RemoteError::Unauthorized);
                entry.failed.store(Some(Arc::new(Failure { at: Instant::now(), unauthorized })));
                if unauthorized {
                    credential::report_refused(&self.control, ctx, install).await;
                }
                Err(error)
            }
        }
    }

    async fn fetch(
        &self,
        key: PeerKey,
        ctx: &OpCtx,
        install: &RouteInstall,
        remote: &RemoteServer,
    ) -> Result<ToolTable, RemoteError> {
        let bearer = credential::bearer(&self.control, ctx, install)
            .await
            .map_err(RemoteError::Credential)?;
        let limit = usize::try_from(self.config.max_tools_per_install).unwrap_or(usize::MAX);
        let (mut tools, mut cursor) = (Vec::new(), None);
        for _page in 0..MAX_PAGES {
            let (page, next) =
                self.page(key, &remote.url, bearer.as_ref(), cursor.as_deref()).await?;
            tools.extend(page.iter().filter_map(|tool| offer(&install.alias, tool)));
            cursor = next;
            if cursor.is_none() || tools.len() >= limit {
                break;
            }
        }
        if tools.len() > limit || cursor.is_some() {
            tracing::warn!(install.id = %install.id, tools.count = tools.len(), "`{}` lists more tools than are taken over", install.alias);
            tools.truncate(limit);
        }
        Ok(ToolTable::new(tools))
    }

    async fn page(
        &self,
        key: PeerKey,
        url: &str,
        bearer: Option<&SecretString>,
        cursor: Option<&str>,
    ) -> Result<(Vec<Box<RawValue>>, Option<String>), RemoteError> {
        let cursor = cursor.map(quoted);
        let call = RemoteCall {
            method: LIST,
            name: None,
            params: cursor.iter().map(|cursor| ("cursor", cursor.as_bytes())).collect(),
            meta: Members::default(),
            mirrored: &[],
            limits: Limits {
                timeout: self.config.list_timeout(),
                max_response_bytes: self.config.max_answer_bytes,
            },
        };
        let result = self.remote.call(key, Site { url, bearer }, &call).await?;
        let members = Members::parse(&result).map_err(|_| RemoteError::Protocol)?;
        let tools = members.get("tools").ok_or(RemoteError::Protocol)?;
        let tools = serde_json::from_str(tools.get()).map_err(|_| RemoteError::Protocol)?;
        let next = members.get("nextCursor").and_then(|next| text(next).ok());
        Ok((tools, next.map(std::borrow::Cow::into_owned)))
    }
}

fn offer(alias: &str, tool: &RawValue) -> Option<OfferedTool> {
    let members = Members::parse(tool.get().as_bytes()).ok()?;
    let name = members.text("name")?.ok()?;
    OfferedTool::rename(alias, &name, tool)
}

// === impl Entry ===

impl Entry {
    /// The failure that is still believed.
    fn recent_failure(&self) -> Option<RemoteError> {
        let failure = self.failed.load();
        let failure = failure.as_ref().filter(|failure| failure.at.elapsed() < FAILED_FOR)?;
        Some(if failure.unauthorized {
            RemoteError::Unauthorized
        } else {
            RemoteError::FailedRecently
        })
    }
}
