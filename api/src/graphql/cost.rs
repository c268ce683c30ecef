//! What answering a document costs: an object is one, a scalar is nothing, and a list is as many as it may hold.
//!
//! The cost follows from the schema's own shape, so a new field has one without anybody giving it one.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, Name, Positioned, ServerError, ServerResult, Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery},
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
    registry::{MetaField, MetaType, MetaTypeName, Registry},
};
use domain::page::MAX_PAGE;

use crate::error::Code;

/// Most that one document may cost.
pub(crate) const MAX_COST: u64 = 1000;
/// What a root field that changes something costs by itself.
const MUTATION_COST: u64 = 10;
/// What looking at the schema costs.
const INTROSPECTION_COST: u64 = 50;
/// How long the lists are taken to be that nobody pages through because they are short.
const SHORT_LIST: u64 = 10;
/// The lists without `first`: `Type.field`.
pub(crate) const SHORT_LISTS: &[&str] = &[
    "Query.connectors",
    "Query.endpoints",
    "Connector.tools",
    "Connector.streams",
    "CheckConnectionPayload.items",
    "KeyRing.dataKeys",
    "PolicyExplanation.policies",
    "PolicySet.policies",
    "PolicySimulation.changes",
    "PolicyValidation.rules",
    "PolicyValidation.faults",
    "Query.organisations",
    "Query.permissions",
    "Rule.annotations",
    "SsoProvider.groupRoles",
    "SsoProvider.requiredClaims",
    "Webhook.secrets",
    "WebhookDelivery.attempts",
];

/// Refuses documents that cost more than [`MAX_COST`].
pub(crate) struct CostLimit;

struct Costing<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    operation: &'a OperationDefinition,
}

// === impl CostLimit ===

impl ExtensionFactory for CostLimit {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for CostLimit {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let registry = &ctx.schema_env.registry;
        let cost = document
            .operations
            .iter()
            .map(|(_, operation)| cost(registry, &document, variables, operation))
            .max();
        if cost.is_some_and(|cost| cost > MAX_COST) {
            let mut error = ServerError::new(
                format!(
                    "the document may cost {MAX_COST}, and would cost more: ask for shorter lists or fewer levels"
                ),
                None,
            );
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("code", Code::QueryTooComplex.as_str());
            return Err(error);
        }
        Ok(document)
    }
}

fn cost(
    registry: &Registry,
    document: &ExecutableDocument,
    variables: &Variables,
    operation: &Positioned<OperationDefinition>,
) -> u64 {
    let costing = Costing { registry, document, variables, operation: &operation.node };
    let root = match operation.node.ty {
        OperationType::Query => Some(registry.query_type.as_str()),
        OperationType::Mutation => registry.mutation_type.as_deref(),
        OperationType::Subscription => registry.subscription_type.as_deref(),
    };
    let fixed = match operation.node.ty {
        OperationType::Mutation => MUTATION_COST,
        OperationType::Query | OperationType::Subscription => 0,
    };
    let set = &operation.node.selection_set.node;
    root.map_or(0, |root| costing.selection_set(root, set, None, fixed))
}

/// Whether a type of the schema is a list, whatever may be null in it.
pub(crate) fn is_list(ty: &str) -> bool {
    MetaTypeName::create(ty).is_list() || ty.starts_with('[')
}

// === impl Costing ===

impl Costing<'_> {
    /// Cost of the fields in `set` of the type `parent`; `first` is the size that the field around them asked for.
    fn selection_set(
        &self,
        parent: &str,
        set: &SelectionSet,
        first: Option<u64>,
        each: u64,
    ) -> u64 {
        let cost_of = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => self.field(parent, &field.node, first).saturating_add(each),
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| {
                    let parent = fragment.node.type_condition.node.on.node.as_str();
                    self.selection_set(parent, &fragment.node.selection_set.node, first, each)
                })
            }
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref();
                let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                self.selection_set(parent, &inline.node.selection_set.node, first, each)
            }
        };
        set.items.iter().map(cost_of).fold(0, u64::saturating_add)
    }

    fn field(&self, parent: &str, field: &Field, around: Option<u64>) -> u64 {
        let name = field.name.node.as_str();
        if name == "__schema" || name == "__type" {
            return INTROSPECTION_COST;
        }
        let Some(meta) = self.meta(parent, name) else { return 0 };
        let ty = MetaTypeName::concrete_typename(&meta.ty);
        if self.registry.types.get(ty).is_none_or(MetaType::is_leaf) {
            return 0;
        }
        let first = self.first(field, meta);
        let below = self.selection_set(ty, &field.selection_set.node, first, 0);
        let one = below.saturating_add(1);
        if !is_list(&meta.ty) {
            return one;
        }
        let short =
            SHORT_LISTS.contains(&format!("{parent}.{name}").as_str()) || name == "userErrors";
        let length =
            first.or(around).unwrap_or(if short { SHORT_LIST } else { u64::from(MAX_PAGE) });
        one.saturating_mul(length)
    }

    fn meta(&self, parent: &str, name: &str) -> Option<&MetaField> {
        match self.registry.types.get(parent)? {
            MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => {
                fields.get(name)
            }
            _ => None,
        }
    }

    /// What `first` asks for; the most it may be when that cannot be told before execution.
    fn first(&self, field: &Field, meta: &MetaField) -> Option<u64> {
        let argument = meta.args.get("first")?;
        let most = u64::from(MAX_PAGE);
        let given = match field.get_argument("first") {
            None => argument.default_value.as_ref().and_then(|text| text.parse().ok()),
            Some(value) => {
                let known = value.node.clone().into_const_with(|name| self.variable(&name));
                match known {
                    Ok(Value::Number(number)) => number.as_u64(),
                    _ => None,
                }
            }
        };
        Some(given.unwrap_or(most).clamp(1, most))
    }

    /// What a variable stands for: its value, or the default in its definition.
    fn variable(&self, name: &Name) -> Result<Value, ()> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        let mut definitions = self.operation.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == *name);
        let default = definition.and_then(|definition| definition.node.default_value.as_ref());
        default.map(|value| value.node.clone()).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use async_graphql::{IntrospectionMode, OutputType, SubscriptionType, parser::parse_query};

    use super::*;
    use crate::graphql::{mutation::Mutation, query::Query, subscription::Subscription};

    /// The cost of a document's only operation, by the real schema.
    fn cost_of(document: &str, variables: &serde_json::Value) -> u64 {
        let document = parse_query(document).expect("a document");
        let variables = Variables::from_json(variables.clone());
        let registry = registry();
        let (_, operation) = document.operations.iter().next().expect("an operation");
        cost(&registry, &document, &variables, operation)
    }

    /// The types of the real schema.
    fn registry() -> Registry {
        let mut registry = Registry {
            types: BTreeMap::default(),
            directives: BTreeMap::default(),
            implements: HashMap::default(),
            query_type: "Query".to_owned(),
            mutation_type: Some("Mutation".to_owned()),
            subscription_type: Some("Subscription".to_owned()),
            introspection_mode: IntrospectionMode::Enabled,
            enable_federation: false,
            federation_subscription: false,
            ignore_name_conflicts: HashSet::default(),
            enable_suggestions: false,
        };
        Query::create_type_info(&mut registry);
        Mutation::create_type_info(&mut registry);
        <Subscription as SubscriptionType>::create_type_info(&mut registry);
        registry
    }

    #[test]
    fn scalars_are_free_and_lists_cost_their_length() {
        assert_eq!(cost_of("{ viewer { csrfToken } }", &serde_json::json!({})), 1);
        let page =
            "query Q($n: Int! = 7) { installs(first: $n) { nodes { id alias latestRun { id } } } }";
        assert_eq!(cost_of(page, &serde_json::json!({})), 1 + 7 * 2);
        assert_eq!(cost_of(page, &serde_json::json!({ "n": 50 })), 1 + 50 * 2);
    }

    #[test]
    fn first_that_is_out_of_range_costs_the_most_it_could() {
        let document = "{ installs(first: 1000000) { nodes { id } } }";
        assert_eq!(cost_of(document, &serde_json::json!({})), 101);
    }

    #[test]
    fn lists_in_lists_multiply() {
        let nested = "{ installs(first: 100) { nodes { runs(first: 100) { nodes { id } } } } }";
        assert!(cost_of(nested, &serde_json::json!({})) > 10_000);
        let spread = "{ installs(first: 100) { ...F } } fragment F on InstallConnection { edges { node { records(first: 100) { edges { node { id } } } } } }";
        assert!(cost_of(spread, &serde_json::json!({})) > MAX_COST);
    }

    #[test]
    fn every_list_of_objects_is_sized() {
        let registry = registry();
        let shown = crate::graphql::schema::sdl();
        let mut unsized_lists = Vec::new();
        for (name, ty) in &registry.types {
            let MetaType::Object { fields, .. } = ty else { continue };
            // Parts of the merged roots are types of the registry, but nobody can select from them.
            if !shown.contains(&format!("type {name} ")) || name.ends_with("Connection") {
                continue;
            }
            for (field, meta) in fields {
                let place = format!("{name}.{field}");
                let sized = meta.args.contains_key("first")
                    || field == "userErrors"
                    || SHORT_LISTS.contains(&place.as_str());
                let ty = registry.types.get(MetaTypeName::concrete_typename(&meta.ty));
                if is_list(&meta.ty) && !ty.is_none_or(MetaType::is_leaf) && !sized {
                    unsized_lists.push(place);
                }
            }
        }
        assert!(
            unsized_lists.is_empty(),
            "give these lists a `first` argument, or name them in SHORT_LISTS if they stay short: {unsized_lists:?}"
        );
    }
}
