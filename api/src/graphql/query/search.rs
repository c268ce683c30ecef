//! `search`.

use async_graphql::{Context, ID, Object, Result};
use control::SearchRecords;

use crate::graphql::{caller::Caller, model::record::RecordHit, page::page_args, scalar::typed};

#[derive(Default)]
pub(crate) struct SearchQuery;

#[Object]
impl SearchQuery {
    /// Synced documents that match, best first.
    async fn search(
        &self,
        ctx: &Context<'_>,
        query: String,
        #[graphql(desc = "Searches only what this install has synced.")] install_id: Option<ID>,
        #[graphql(default = 20)] first: i32,
    ) -> Result<Vec<RecordHit>> {
        let caller = Caller::of(ctx);
        let first = page_args(first, None)?.first;
        let install = install_id.map(|id| typed(&id, "installId")).transpose()?;
        let search = SearchRecords { query, install, first };
        let hits = caller.control.search_records(&caller.ctx, search).await?;
        Ok(hits.into_iter().map(RecordHit).collect())
    }
}
