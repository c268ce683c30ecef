//! `rotateKeys`.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{key::KeyRotation, user_error::UserError},
};

#[derive(Default)]
pub(crate) struct KeysMutation;

/// Which keys are turned over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum KeyKind {
    /// A new data key; everything is sealed anew under it in the background.
    Data,
    /// The data keys are wrapped under the key that wraps now; what is sealed is not touched.
    Wrapping,
}

#[derive(InputObject)]
pub(crate) struct RotateKeysInput {
    kind: KeyKind,
}

#[derive(SimpleObject)]
pub(crate) struct RotateKeysPayload {
    /// Of `DATA`: what has begun.
    rotation: Option<KeyRotation>,
    /// Of `WRAPPING`: how many data keys are wrapped anew.
    rewrapped: Option<i32>,
    user_errors: Vec<UserError>,
}

#[Object]
impl KeysMutation {
    /// Turns the organisation's keys over. Nothing waits for it, and nothing stops opening meanwhile.
    async fn rotate_keys(
        &self,
        ctx: &Context<'_>,
        input: RotateKeysInput,
    ) -> Result<RotateKeysPayload> {
        Ok(match expected(rotate(Caller::of(ctx), input.kind).await)? {
            Ok(payload) => payload,
            Err(user_errors) => RotateKeysPayload { rotation: None, rewrapped: None, user_errors },
        })
    }
}

async fn rotate(caller: &Caller, kind: KeyKind) -> Result<RotateKeysPayload, control::Error> {
    let user_errors = Vec::new();
    match kind {
        KeyKind::Data => {
            let rotation = caller.control.rotate_data_key(&caller.ctx).await?;
            let rotation = Some(KeyRotation(rotation));
            Ok(RotateKeysPayload { rotation, rewrapped: None, user_errors })
        }
        KeyKind::Wrapping => {
            let done = caller.control.rewrap_data_keys(&caller.ctx).await?;
            let rewrapped = Some(i32::try_from(done.keys).unwrap_or(i32::MAX));
            Ok(RotateKeysPayload { rotation: None, rewrapped, user_errors })
        }
    }
}
