//! `endpoints`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{caller::Caller, model::endpoint::Endpoint};

#[derive(Default)]
pub(crate) struct EndpointsQuery;

#[Object]
impl EndpointsQuery {
    /// Where AI clients connect.
    async fn endpoints(&self, ctx: &Context<'_>) -> Result<Vec<Endpoint>> {
        Ok(list(Caller::of(ctx)).await?)
    }
}

/// The organisation's endpoints with their addresses.
pub(crate) async fn list(caller: &Caller) -> Result<Vec<Endpoint>, control::Error> {
    let endpoints = caller.control.list_endpoints(&caller.ctx).await?;
    let tenant = caller.control.viewer(&caller.ctx).await?.tenant;
    let url = format!("{}/t/{}/mcp", caller.public_url, tenant.slug);
    Ok(endpoints.into_iter().map(|endpoint| Endpoint { endpoint, url: url.clone() }).collect())
}
