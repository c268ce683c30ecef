//! `tools/list`: one list out of all installs that the caller may use, and who answers `tools/call`.

use std::sync::Arc;

use domain::{SecretString, route};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Upstream, cursor, era, synced, tool_answer};
use crate::{
    call::{Answer, Identified, Outcome, Routed, ToolTarget},
    error::Refusal,
    layer::permit::{may_search, may_use, may_use_some},
    mcp::{
        cursor::Cursor,
        json::ObjectWriter,
        merge::{self, OfferedTool, ToolTable},
        reply::{server_info, tool_error},
        revision::{Era, META_SERVER},
    },
};

/// Names, in `_meta` of a list, the installs whose tools are missing because their server does not answer.
const META_UNAVAILABLE: &str = "patchbay/unavailable";

/// The tools of one install as this caller gets them.
pub(super) struct Offer {
    pub(super) install: usize,
    /// `None` when its server does not tell.
    pub(super) table: Option<Arc<ToolTable>>,
}

// === impl Upstream ===

impl Upstream {
    pub(super) async fn list_tools(&self, identified: &Identified<Routed>) -> Outcome {
        let after = cursor(identified).map(Cursor::of_tools).transpose();
        let after = after.map_err(|_| Refusal::BadCursor)?;
        let offers = self.offers(identified).await;
        let installs = &identified.routes.snapshot.installs;
        let builtin = synced::tools().iter().filter(|_| may_search(&identified.caller, installs));
        let offered = offers.iter().flat_map(|offer| usable(identified, offer));
        let size = usize::try_from(self.config.list_page_size.max(1)).unwrap_or(usize::MAX);
        let page = merge::page(builtin.chain(offered), after.as_deref(), size);
        let unavailable: Vec<&str> = offers
            .iter()
            .filter(|offer| offer.table.is_none())
            .filter_map(|offer| installs.get(offer.install))
            .map(|install| install.alias.as_str())
            .collect();
        Ok(Answer::complete(self.render(&page, &unavailable, era(identified))))
    }

    /// Every install with its tools, longest alias first. All servers are asked at once, each with a deadline of its own.
    pub(super) async fn offers(&self, identified: &Identified<Routed>) -> Vec<Offer> {
        let asked = identified.routes.candidates().filter_map(|index| {
            let install = identified.install(index)?;
            // Who may use nothing of an install causes no request to its server.
            may_use_some(&identified.caller, install).then_some((index, install))
        });
        join_all(asked.map(async |(index, install)| {
            let table = match &install.upstream {
                route::Upstream::None => Some(Arc::default()),
                route::Upstream::Native(_) => Some(identified.routes.native(index)),
                route::Upstream::Remote(remote) => {
                    self.lists.table(&identified.caller.ctx, install, remote).await.ok()
                }
            };
            Offer { install: index, table }
        }))
        .await
    }

    /// Written by hand, so that tools stay as their owners wrote them.
    fn render(&self, page: &merge::ToolPage<'_>, unavailable: &[&str], era: Era) -> bytes::Bytes {
        let size: usize = page.tools.iter().map(|tool| tool.json.len() + 1).sum();
        let mut tools = Vec::with_capacity(size + 2);
        tools.push(b'[');
        for (index, tool) in page.tools.iter().enumerate() {
            if index > 0 {
                tools.push(b',');
            }
            tools.extend_from_slice(&tool.json);
        }
        tools.push(b']');
        let mut writer = ObjectWriter::with_capacity(size + 256);
        writer.raw("tools", &tools);
        if let Some(next) = &page.next {
            writer.text("nextCursor", next);
        }
        let mut meta = serde_json::Map::new();
        if !unavailable.is_empty() {
            meta.insert(META_UNAVAILABLE.to_owned(), json!(unavailable));
        }
        if era == Era::Modern {
            // An incomplete list is not to be kept.
            let complete = unavailable.is_empty();
            let seconds = if complete { self.config.list_ttl_seconds } else { 0 };
            writer
                .text("resultType", "complete")
                .raw("ttlMs", (u64::from(seconds) * 1000).to_string().as_bytes())
                .text("cacheScope", "private");
            meta.insert(META_SERVER.to_owned(), server_info());
        }
        if !meta.is_empty() {
            writer.raw("_meta", Value::Object(meta).to_string().as_bytes());
        }
        writer.finish().into()
    }

    pub(super) async fn call_tool(
        &self,
        identified: &Identified<Routed>,
        target: &ToolTarget,
        bearer: Option<&SecretString>,
    ) -> Outcome {
        let unknown = || Refusal::UnknownTool { name: target.tool.name.clone() };
        let install = identified.install(target.install).ok_or_else(unknown)?;
        match &install.upstream {
            route::Upstream::Native(_) => self.call_native(identified, install, target).await,
            route::Upstream::Remote(server) => {
                self.call_remote(identified, (install, server), target, bearer).await
            }
            route::Upstream::None => Err(unknown()),
        }
    }

    /// A tool of a server that does not list its tools: asked once more, because that may be over by now.
    pub(super) async fn explain_unlisted(
        &self,
        identified: &Identified<Routed>,
        index: usize,
    ) -> Outcome {
        let install = identified.install(index);
        let Some((install, route::Upstream::Remote(server))) =
            install.map(|install| (install, &install.upstream))
        else {
            return Err(Refusal::NoRoutes);
        };
        let message = match self.lists.table(&identified.caller.ctx, install, server).await {
            Err(error) => super::remote::explain(&install.display_name, &error),
            Ok(_) => format!(
                "The tools of {} were just listed again: call once more.",
                install.display_name
            ),
        };
        Ok(tool_answer(identified, tool_error(&message)))
    }
}

/// The tools of an offer that the caller may use: the same question that decides a call.
pub(super) fn usable<'a>(
    identified: &'a Identified<Routed>,
    offer: &'a Offer,
) -> impl Iterator<Item = &'a OfferedTool> {
    let install = identified.install(offer.install);
    offer.table.iter().flat_map(|table| table.iter()).filter(move |tool| {
        install.is_some_and(|install| may_use(&identified.caller, install, tool))
    })
}
