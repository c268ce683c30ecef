//! `createWebhook`, `updateWebhook`, `removeWebhook`, `rotateWebhookSecret`, `sendTestEvent`, `replayWebhookDelivery` and
//! `replayWebhookEvents`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use control::{CreateWebhook, CreatedWebhook, Error, UpdateWebhook};
use domain::secret::ExposeSecret;

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        user_error::UserError,
        webhook::{Webhook, WebhookDelivery},
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct WebhooksMutation;

#[derive(InputObject)]
pub(crate) struct CreateWebhookInput {
    url: String,
    #[graphql(default)]
    description: String,
    /// Event types (`install.create`), all of a noun (`install.*`) or all (`*`): see `webhookEventTypes`.
    event_types: Vec<String>,
}

#[derive(InputObject)]
pub(crate) struct UpdateWebhookInput {
    id: ID,
    /// Refuses the change when somebody else made one in the meantime.
    expected_version: Option<i64>,
    url: Option<String>,
    description: Option<String>,
    event_types: Option<Vec<String>>,
    enabled: Option<bool>,
}

#[derive(InputObject)]
pub(crate) struct RemoveWebhookInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct RotateWebhookSecretInput {
    id: ID,
    /// How long deliveries are signed by the earlier key, too, at most 168 hours; 0 ends it at once.
    #[graphql(default = 24)]
    overlap_hours: i32,
}

#[derive(InputObject)]
pub(crate) struct SendTestEventInput {
    webhook_id: ID,
}

#[derive(InputObject)]
pub(crate) struct ReplayWebhookDeliveryInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct ReplayWebhookEventsInput {
    webhook_id: ID,
    since: DateTime<Utc>,
}

#[derive(SimpleObject)]
pub(crate) struct CreateWebhookPayload {
    webhook: Option<Webhook>,
    /// The key that signs deliveries: shown this once, never again.
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
pub(crate) struct RotateWebhookSecretPayload {
    webhook: Option<Webhook>,
    /// The new key: shown this once, never again.
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
pub(crate) struct RemoveWebhookPayload {
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

payloads!(webhook: Webhook, [UpdateWebhookPayload, ReplayWebhookEventsPayload]);
payloads!(delivery: WebhookDelivery, [SendTestEventPayload, ReplayWebhookDeliveryPayload]);

#[Object]
impl WebhooksMutation {
    /// Makes a webhook: an address that is told what changes from now on.
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        input: CreateWebhookInput,
    ) -> Result<CreateWebhookPayload> {
        let caller = Caller::of(ctx);
        let command = CreateWebhook {
            url: input.url,
            description: input.description,
            event_types: input.event_types,
        };
        let created = caller.control.create_webhook(&caller.ctx, command).await;
        let (webhook, secret, user_errors) = shown_once(created)?;
        Ok(CreateWebhookPayload { webhook, secret, user_errors })
    }

    /// Changes a webhook, disables it or enables it again.
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        input: UpdateWebhookInput,
    ) -> Result<UpdateWebhookPayload> {
        let updated = update(Caller::of(ctx), input).await;
        Ok(expected(updated)?.map(Webhook).into())
    }

    /// Removes a webhook with its deliveries.
    async fn remove_webhook(
        &self,
        ctx: &Context<'_>,
        input: RemoveWebhookInput,
    ) -> Result<RemoveWebhookPayload> {
        let caller = Caller::of(ctx);
        let removed = async {
            let id = typed(&input.id, "id")?;
            caller.control.remove_webhook(&caller.ctx, id).await
        };
        let (removed_id, user_errors) = match expected(removed.await)? {
            Ok(()) => (Some(input.id), Vec::new()),
            Err(user_errors) => (None, user_errors),
        };
        Ok(RemoveWebhookPayload { removed_id, user_errors })
    }

    /// Gives a webhook a new key; for a while deliveries are signed by both.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateWebhookSecretInput,
    ) -> Result<RotateWebhookSecretPayload> {
        let caller = Caller::of(ctx);
        let rotated = async {
            let id = typed(&input.id, "id")?;
            let hours = u32::try_from(input.overlap_hours).unwrap_or(u32::MAX);
            caller.control.rotate_webhook_secret(&caller.ctx, id, hours).await
        };
        let (webhook, secret, user_errors) = shown_once(rotated.await)?;
        Ok(RotateWebhookSecretPayload { webhook, secret, user_errors })
    }

    /// Sends an event of the type `webhook.test`, also to a webhook that is disabled.
    async fn send_test_event(
        &self,
        ctx: &Context<'_>,
        input: SendTestEventInput,
    ) -> Result<SendTestEventPayload> {
        let caller = Caller::of(ctx);
        let sent = async {
            let id = typed(&input.webhook_id, "webhookId")?;
            caller.control.send_test_event(&caller.ctx, id).await
        };
        Ok(expected(sent.await)?.map(WebhookDelivery).into())
    }

    /// Delivers an event again, with the same id and body.
    async fn replay_webhook_delivery(
        &self,
        ctx: &Context<'_>,
        input: ReplayWebhookDeliveryInput,
    ) -> Result<ReplayWebhookDeliveryPayload> {
        let caller = Caller::of(ctx);
        let replayed = async {
            let id = typed(&input.id, "id")?;
            caller.control.replay_delivery(&caller.ctx, id).await
        };
        Ok(expected(replayed.await)?.map(WebhookDelivery).into())
    }

    /// Tells a webhook everything that happened since a time once more, also what it missed while it was disabled.
    async fn replay_webhook_events(
        &self,
        ctx: &Context<'_>,
        input: ReplayWebhookEventsInput,
    ) -> Result<ReplayWebhookEventsPayload> {
        let caller = Caller::of(ctx);
        let replayed = async {
            let id = typed(&input.webhook_id, "webhookId")?;
            caller.control.replay_events(&caller.ctx, id, input.since).await
        };
        Ok(expected(replayed.await)?.map(Webhook).into())
    }
}

async fn update(caller: &Caller, input: UpdateWebhookInput) -> Result<domain::Webhook, Error> {
    let command = UpdateWebhook {
        id: typed(&input.id, "id")?,
        url: input.url,
        description: input.description,
        event_types: input.event_types,
        enabled: input.enabled,
        expected_version: input.expected_version,
    };
    caller.control.update_webhook(&caller.ctx, command).await
}

type ShownOnce = (Option<Webhook>, Option<String>, Vec<UserError>);

fn shown_once(created: Result<CreatedWebhook, Error>) -> Result<ShownOnce, Error> {
    Ok(match expected(created)? {
        Ok(created) => {
            let secret = created.secret.expose_secret().to_owned();
            (Some(Webhook(created.webhook)), Some(secret), Vec::new())
        }
        Err(user_errors) => (None, None, user_errors),
    })
}
