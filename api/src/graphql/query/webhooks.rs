//! `webhooks` and `webhookEventTypes`.

use async_graphql::{Context, Object, Result};
use domain::PageArgs;

use crate::graphql::{
    caller::Caller,
    model::webhook::Webhook,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct WebhooksQuery;

#[Object]
impl WebhooksQuery {
    /// Addresses that are told what changes in the organisation.
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Webhook>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let webhooks = caller.control.list_webhooks(&caller.ctx, page).await?;
        Ok(connect(webhooks, continued, Webhook))
    }

    /// What a webhook can ask to be told of: the actions of the audit log that change something.
    async fn webhook_event_types(&self, ctx: &Context<'_>) -> Result<Vec<&'static str>> {
        let caller = Caller::of(ctx);
        // Whoever may not see webhooks has no use for it.
        let page = PageArgs { first: 1, after: None };
        caller.control.list_webhooks(&caller.ctx, page).await?;
        Ok(control::event_types())
    }
}
