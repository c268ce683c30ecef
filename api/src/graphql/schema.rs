//! The schema and its SDL.

use async_graphql::{SDLExportOptions, Schema};

use super::{
    cost::CostLimit, limits, mutation::Mutation, query::Query, subscription::Subscription,
};

/// The schema of this door.
pub(crate) type PatchbaySchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema with the limits that the engine enforces; `limits` and `cost` hold the others.
pub(crate) fn build() -> PatchbaySchema {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .limit_recursive_depth(limits::MAX_INTROSPECTION_DEPTH + limits::MAX_DEPTH)
        .limit_directives(limits::MAX_DIRECTIVES_OF_FIELD)
        .disable_suggestions()
        .extension(CostLimit)
        .finish()
}

/// The SDL, as committed in `api/schema.graphql`.
pub(crate) fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments();
    let mut text = build().sdl_with_options(options).trim().to_owned();
    text.push('\n');
    text
}
