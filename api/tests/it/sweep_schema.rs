//! What the SDL says about an operation: where it takes ids and texts, the smallest arguments that it takes, and a selection.

use std::collections::BTreeMap;

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{
            BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
            TypeSystemDefinition,
        },
    },
};
use serde_json::{Map, Value, json};

/// How deep a selection goes, and with it what an answer could tell.
const SELECTION_DEPTH: usize = 3;

/// The types of the SDL by name.
pub(crate) struct Schema(BTreeMap<String, TypeDefinition>);

/// A root field.
pub(crate) struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub(crate) kind: &'static str,
    field: FieldDefinition,
}

/// A place in the arguments of an operation that takes a text from outside.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Steps from the arguments: names, and 0 for the only element of a list.
    pub(crate) path: Vec<Step>,
    /// `Type.field` or `operation.argument`: how tables name the place.
    pub(crate) place: String,
    /// `ID` or `String`.
    pub(crate) scalar: &'static str,
    /// Whether the operation can be used without it.
    pub(crate) optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    First,
}

/// Values that arguments are made of, by place; the name of the type where no place is listed.
pub(crate) type Values<'a> = &'a dyn Fn(&str, &str) -> Option<Value>;

// === impl Schema ===

impl Schema {
    pub(crate) fn ours() -> Self {
        let document = parse_schema(api::sdl()).expect("our own SDL");
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node.to_string(), ty.node)),
            _ => None,
        });
        Self(types.collect())
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let roots =
            [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];
        let of = |(kind, root): (&'static str, &str)| {
            self.fields(root).into_iter().map(move |field| Operation { kind, field })
        };
        roots.into_iter().flat_map(of).collect()
    }

    /// Fields of objects other than the roots that take ids: `Type.field`.
    pub(crate) fn nested_fields_with_ids(&self) -> Vec<String> {
        let roots = ["Query", "Mutation", "Subscription"];
        let mut found = Vec::new();
        for name in self.0.keys().filter(|name| !roots.contains(&name.as_str())) {
            for field in self.fields(name) {
                let mut slots = Vec::new();
                for argument in &field.arguments {
                    self.walk("", &argument.node, &[], false, &mut slots);
                }
                if slots.iter().any(|slot| slot.scalar == "ID") {
                    found.push(format!("{name}.{}", field.name.node));
                }
            }
        }
        found
    }

    fn fields(&self, name: &str) -> Vec<FieldDefinition> {
        match self.0.get(name).map(|ty| &ty.kind) {
            Some(TypeKind::Object(it)) => it.fields.iter().map(|it| it.node.clone()).collect(),
            Some(TypeKind::Interface(it)) => it.fields.iter().map(|it| it.node.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn inputs(&self, name: &str) -> Option<Vec<InputValueDefinition>> {
        match &self.0.get(name)?.kind {
            TypeKind::InputObject(it) => {
                Some(it.fields.iter().map(|field| field.node.clone()).collect())
            }
            _ => None,
        }
    }

    pub(crate) fn slots(&self, operation: &Operation) -> Vec<Slot> {
        let mut slots = Vec::new();
        for argument in &operation.field.arguments {
            self.walk(operation.name(), &argument.node, &[], false, &mut slots);
        }
        slots
    }

    fn walk(
        &self,
        owner: &str,
        input: &InputValueDefinition,
        above: &[Step],
        optional: bool,
        slots: &mut Vec<Slot>,
    ) {
        let optional = optional || !required(input);
        let mut path = above.to_vec();
        path.push(Step::Name(input.name.node.to_string()));
        let (named, lists) = base(&input.ty.node);
        path.extend((0..lists).map(|_| Step::First));
        let place = format!("{owner}.{}", input.name.node);
        match named {
            "ID" => slots.push(Slot { path, place, scalar: "ID", optional }),
            "String" => slots.push(Slot { path, place, scalar: "String", optional }),
            other => {
                for field in self.inputs(other).unwrap_or_default() {
                    self.walk(other, &field, &path, optional, slots);
                }
            }
        }
    }

    /// The smallest arguments: what is required, and what `values` lists.
    pub(crate) fn arguments(&self, operation: &Operation, values: Values<'_>) -> Value {
        let inputs = operation.field.arguments.iter().map(|it| it.node.clone()).collect();
        self.object(operation.name(), inputs, values)
    }

    fn object(&self, owner: &str, inputs: Vec<InputValueDefinition>, values: Values<'_>) -> Value {
        let mut made = Map::new();
        for input in inputs {
            let place = format!("{owner}.{}", input.name.node);
            let (named, _) = base(&input.ty.node);
            let listed = values(&place, "");
            if listed.is_some() || required(&input) {
                let value =
                    listed.unwrap_or_else(|| self.value(&input.ty.node, named, &place, values));
                made.insert(input.name.node.to_string(), value);
            }
        }
        Value::Object(made)
    }

    fn value(&self, ty: &Type, named: &str, place: &str, values: Values<'_>) -> Value {
        if let BaseType::List(inner) = &ty.base {
            return json!([self.value(inner, named, place, values)]);
        }
        if let Some(inputs) = self.inputs(named) {
            return self.object(named, inputs, values);
        }
        if let Some(TypeKind::Enum(it)) = self.0.get(named).map(|ty| &ty.kind) {
            return json!(it.values[0].node.value.node);
        }
        values(place, named)
            .unwrap_or_else(|| panic!("VALUES of sweep.rs knows no `{named}`, for {place}"))
    }

    /// Puts a value at a place, making what lies above it.
    pub(crate) fn put(
        &self,
        arguments: &mut Value,
        operation: &Operation,
        slot: &Slot,
        text: &str,
        values: Values<'_>,
    ) {
        let mut inputs: Vec<InputValueDefinition> =
            operation.field.arguments.iter().map(|it| it.node.clone()).collect();
        let (mut at, mut owner) = (arguments, operation.name().to_owned());
        for (step, rest) in slot.path.iter().zip(1..) {
            match step {
                Step::First => {
                    if !at[0].is_object() && !at[0].is_string() {
                        *at = json!([Value::Null]);
                    }
                    at = &mut at[0];
                }
                Step::Name(name) => {
                    let input = inputs.iter().find(|input| input.name.node == *name);
                    let input = input.expect("a place of the schema").clone();
                    let (named, lists) = base(&input.ty.node);
                    at = &mut at[name.as_str()];
                    inputs = self.inputs(named).unwrap_or_default();
                    named.clone_into(&mut owner);
                    if at.is_null() && !inputs.is_empty() {
                        let inner = self.object(&owner, inputs.clone(), values);
                        *at = if lists > 0 { json!([inner]) } else { inner };
                    }
                }
            }
            if rest == slot.path.len() {
                *at = json!(text);
                return;
            }
        }
    }

    /// The operation as a document, with every argument that is given a variable.
    pub(crate) fn document(&self, operation: &Operation, arguments: &Value) -> String {
        let field = &operation.field;
        let given = |it: &&Positioned<InputValueDefinition>| {
            arguments.get(it.node.name.node.as_str()).is_some()
        };
        let given: Vec<_> = field.arguments.iter().filter(given).collect();
        let declared: Vec<_> =
            given.iter().map(|it| format!("${}: {}", it.node.name.node, it.node.ty.node)).collect();
        let passed: Vec<_> =
            given.iter().map(|it| format!("{0}: ${0}", it.node.name.node)).collect();
        let selection = self.selection(base(&field.ty.node).0, SELECTION_DEPTH);
        let lists = [declared, passed].map(|list| match list.as_slice() {
            [] => String::new(),
            some => format!("({})", some.join(", ")),
        });
        let name = operation.name();
        format!("{}{} {{ answer: {name}{} {selection} }}", operation.kind, lists[0], lists[1])
    }

    fn selection(&self, ty: &str, depth: usize) -> String {
        if !self.composite(ty) {
            return String::new();
        }
        let mut chosen = vec!["__typename".to_owned()];
        for field in self.fields(ty) {
            let (named, _) = base(&field.ty.node);
            let takes = field.arguments.iter().any(|argument| required(&argument.node));
            if !takes && (depth > 1 || !self.composite(named)) {
                let inner = self.selection(named, depth.saturating_sub(1));
                chosen.push(format!("{} {inner}", field.name.node));
            }
        }
        format!("{{ {} }}", chosen.join(" "))
    }

    /// Whether a value of the type is asked for field by field.
    fn composite(&self, ty: &str) -> bool {
        let kind = self.0.get(ty).map(|ty| &ty.kind);
        matches!(kind, Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)))
    }
}

// === impl Operation ===

impl Operation {
    pub(crate) fn name(&self) -> &str {
        &self.field.name.node
    }
}

// === impl Slot ===

impl Slot {
    /// The name that errors give the place.
    pub(crate) fn name(&self) -> &str {
        let names = self.path.iter().rev().filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::First => None,
        });
        names.into_iter().next().unwrap_or_default()
    }
}

fn required(input: &InputValueDefinition) -> bool {
    !input.ty.node.nullable && input.default_value.is_none()
}

/// The name below lists, and how many lists lie around it.
fn base(ty: &Type) -> (&str, usize) {
    match &ty.base {
        BaseType::Named(name) => (name, 0),
        BaseType::List(inner) => {
            let (name, lists) = base(inner);
            (name, lists + 1)
        }
    }
}
