//! What a document may ask, decided before the engine sees it: in time linear in its length, whatever its fragments do.
//!
//! The engine's own limits walk fragments as often as they are spread, and one of them before cycles are refused;
//! a document that passes here is small for them. The cost of the answer is in `cost.rs`.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Request,
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};

/// Longest document, in bytes.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 32 * 1024;
/// Deepest nesting of fields.
pub(crate) const MAX_DEPTH: usize = 12;
/// Deepest nesting below `__schema` and `__type`, whose standard query is deeper than ours.
pub(crate) const MAX_INTROSPECTION_DEPTH: usize = 16;
/// Most aliases, counting a fragment's as often as it is spread.
pub(crate) const MAX_ALIASES: usize = 30;
/// Most fields of the root.
pub(crate) const MAX_ROOT_FIELDS: usize = 10;
/// Most directives.
pub(crate) const MAX_DIRECTIVES: usize = 30;
/// Most directives at one place.
pub(crate) const MAX_DIRECTIVES_OF_FIELD: usize = 5;
/// Most selections, counting a fragment's as often as it is spread.
pub(crate) const MAX_SELECTIONS: usize = 1000;
/// Deepest nesting of brackets: keeps the recursive parser off the end of its stack.
const MAX_BRACKETS: usize = 40;

/// Why a document is not executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the document is longer than {MAX_DOCUMENT_BYTES} bytes")]
    TooLong,
    #[error("the document nests its brackets too deeply")]
    Brackets,
    #[error("the document is not GraphQL: {0}")]
    Syntax(String),
    #[error("the fragment `{0}` spreads itself")]
    Cycle(String),
    #[error("the document nests its fields deeper than {MAX_DEPTH}")]
    Depth,
    #[error("the document has more than {MAX_ALIASES} aliases")]
    Aliases,
    #[error("the document has more than {MAX_ROOT_FIELDS} root fields")]
    RootFields,
    #[error(
        "the document has more than {MAX_DIRECTIVES} directives, or more than {MAX_DIRECTIVES_OF_FIELD} at one place"
    )]
    Directives,
    #[error("the document selects more than {MAX_SELECTIONS} fields")]
    Selections,
}

/// What a document that may be executed does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operations {
    /// Whether any operation in it changes something.
    pub(crate) mutates: bool,
    /// Whether any operation in it is a subscription.
    pub(crate) subscribes: bool,
}

/// Size of a selection set with every fragment in its place.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: usize,
    introspection_depth: usize,
    aliases: usize,
    root_fields: usize,
    directives: usize,
    selections: usize,
}

enum Visit {
    /// Being measured: meeting it again is a cycle.
    Open,
    Measured(Size),
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Visit>,
}

/// Parses the request's document once and checks its limits.
///
/// # Errors
/// The first limit that is broken.
pub(crate) fn check(request: &mut Request) -> Result<Operations, Refusal> {
    if request.query.len() > MAX_DOCUMENT_BYTES {
        return Err(Refusal::TooLong);
    }
    if bracket_depth(&request.query) > MAX_BRACKETS {
        return Err(Refusal::Brackets);
    }
    let document = request.parsed_query().map_err(|error| Refusal::Syntax(error.message))?;
    let mut measure = Measure { document, fragments: HashMap::new() };
    for name in document.fragments.keys() {
        measure.fragment(name)?;
    }
    let mut found = Operations { mutates: false, subscribes: false };
    // Only one operation is executed, but every one is validated.
    let mut selections = 0_usize;
    for (_, operation) in document.operations.iter() {
        let mut size = measure.selection_set(&operation.node.selection_set.node)?;
        size.directives += operation.node.directives.len();
        size.check()?;
        selections = selections.saturating_add(size.selections);
        if selections > MAX_SELECTIONS {
            return Err(Refusal::Selections);
        }
        found.mutates |= operation.node.ty == OperationType::Mutation;
        found.subscribes |= operation.node.ty == OperationType::Subscription;
    }
    Ok(found)
}

/// Deepest nesting of brackets outside strings and comments (GraphQL, section 2.1).
fn bracket_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b'#' => after(tail, b"\n"),
            b'"' if tail.starts_with(b"\"\"") => after_block_string(&tail[2..]),
            b'"' => after_string(tail),
            _ => tail,
        };
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn after<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    let found = text.windows(end.len()).position(|window| window == end);
    found.map_or(&[], |start| &text[start + end.len()..])
}

fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some((&byte, tail)) = text.split_first() {
        text = match byte {
            b'"' | b'\n' | b'\r' => return tail,
            b'\\' => tail.get(1..).unwrap_or_default(),
            _ => tail,
        };
    }
    text
}

fn after_block_string(mut text: &[u8]) -> &[u8] {
    while !text.is_empty() {
        if text.starts_with(b"\\\"\"\"") {
            text = &text[4..];
        } else if text.starts_with(b"\"\"\"") {
            return &text[3..];
        } else {
            text = &text[1..];
        }
    }
    text
}

// === impl Size ===

impl Size {
    /// Adds what stands beside.
    const fn beside(self, other: Self) -> Self {
        Self {
            depth: if self.depth > other.depth { self.depth } else { other.depth },
            introspection_depth: if self.introspection_depth > other.introspection_depth {
                self.introspection_depth
            } else {
                other.introspection_depth
            },
            aliases: self.aliases.saturating_add(other.aliases),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            directives: self.directives.saturating_add(other.directives),
            selections: self.selections.saturating_add(other.selections),
        }
    }

    fn check(self) -> Result<(), Refusal> {
        let limits = [
            (self.depth, MAX_DEPTH, Refusal::Depth),
            (self.introspection_depth, MAX_INTROSPECTION_DEPTH, Refusal::Depth),
            (self.aliases, MAX_ALIASES, Refusal::Aliases),
            (self.root_fields, MAX_ROOT_FIELDS, Refusal::RootFields),
            (self.directives, MAX_DIRECTIVES, Refusal::Directives),
            (self.selections, MAX_SELECTIONS, Refusal::Selections),
        ];
        for (found, limit, refusal) in limits {
            if found > limit {
                return Err(refusal);
            }
        }
        Ok(())
    }
}

// === impl Measure ===

impl<'a> Measure<'a> {
    /// Measures a fragment once; a fragment that does not exist is left to validation, which names it.
    fn fragment(&mut self, name: &'a Name) -> Result<Size, Refusal> {
        match self.fragments.get(name.as_str()) {
            Some(Visit::Open) => return Err(Refusal::Cycle(name.to_string())),
            Some(Visit::Measured(size)) => return Ok(*size),
            None => {}
        }
        let Some(definition) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, Visit::Open);
        let mut size = self.selection_set(&definition.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(definition.node.directives.len());
        self.fragments.insert(name, Visit::Measured(size));
        Ok(size)
    }

    fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Size, Refusal> {
        let mut total = Size::default();
        for item in &set.items {
            total = total.beside(self.selection(item)?);
        }
        Ok(total)
    }

    fn selection(&mut self, item: &'a Positioned<Selection>) -> Result<Size, Refusal> {
        let directives = item.node.directives().len();
        if directives > MAX_DIRECTIVES_OF_FIELD {
            return Err(Refusal::Directives);
        }
        let mut size = match &item.node {
            Selection::Field(field) => {
                let below = self.selection_set(&field.node.selection_set.node)?;
                let introspects = field.node.name.node.starts_with("__");
                let deepest = below.depth.max(below.introspection_depth) + 1;
                Size {
                    depth: if introspects { 1 } else { below.depth + 1 },
                    introspection_depth: if introspects { deepest } else { 0 },
                    root_fields: 1,
                    aliases: below.aliases.saturating_add(usize::from(field.node.alias.is_some())),
                    ..below
                }
            }
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            Selection::InlineFragment(inline) => {
                self.selection_set(&inline.node.selection_set.node)?
            }
        };
        size.directives = size.directives.saturating_add(directives);
        size.selections = size.selections.saturating_add(1);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(document: &str) -> Result<Operations, Refusal> {
        check(&mut Request::new(document))
    }

    fn nested(depth: usize) -> String {
        format!("{{ {} x {} }}", "a {".repeat(depth - 1), "}".repeat(depth - 1))
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        assert!(checked(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(checked(&nested(MAX_DEPTH + 1)), Err(Refusal::Depth));
        let split = "{ a { b { c { d { e { f { ...F } } } } } } } fragment F on T { g { h { i { j { k { l { m } } } } } } }";
        assert_eq!(checked(split), Err(Refusal::Depth));
    }

    #[test]
    fn depth_of_introspection_does_not_hide_deep_fields() {
        let hidden = format!("{{ __schema {{ x }} {} }}", nested(20).trim_matches(['{', '}', ' ']));
        assert!(checked(&hidden).is_err());
    }

    #[test]
    fn cyclic_fragments_are_named_before_anything_follows_them() {
        let refusal = checked("{ ...A } fragment A on T { ...B } fragment B on T { a { ...A } }");
        assert!(matches!(refusal, Err(Refusal::Cycle(_))), "{refusal:?}");
    }

    #[test]
    fn fragments_that_double_each_other_are_counted_not_followed() {
        let mut document = String::from("{ a { ...F0 } }");
        for index in 0..200 {
            let next = index + 1;
            let fragment = format!(" fragment F{index} on T {{ ...F{next} ...F{next} }}");
            document.push_str(&fragment);
        }
        document += " fragment F200 on T { a }";
        assert_eq!(checked(&document), Err(Refusal::Selections));
    }

    #[test]
    fn operations_that_share_a_large_fragment_are_counted_together() {
        let fields = "a ".repeat(500);
        let mut document = format!("fragment F on T {{ b {{ {fields} }} }}");
        assert!(checked(&format!("query One {{ ...F }} {document}")).is_ok());
        for index in 0..3 {
            let query = format!(" query Q{index} {{ ...F }}");
            document.push_str(&query);
        }
        assert_eq!(checked(&document), Err(Refusal::Selections));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let deep = "{".repeat(100);
        let document = format!("# {deep}\n{{ a(x: \"{deep}\\\"{deep}\", y: \"\"\"{deep}\"\"\") }}");
        assert!(checked(&document).is_ok(), "{:?}", checked(&document));
        assert_eq!(checked(&"{a".repeat(3000)), Err(Refusal::Brackets));
        assert_eq!(checked(&format!("{{ a(x: {}) }}", "[".repeat(9000))), Err(Refusal::Brackets));
    }

    #[test]
    fn aliases_root_fields_and_directives_are_limited() {
        let aliases: Vec<_> = (0..31).map(|index| format!("a{index}: id")).collect();
        let aliases = aliases.join(" ");
        assert_eq!(checked(&format!("{{ node {{ {aliases} }} }}")), Err(Refusal::Aliases));
        assert_eq!(checked(&format!("{{ {} }}", "id ".repeat(11))), Err(Refusal::RootFields));
        let directives = "@include(if: true) ".repeat(6);
        assert_eq!(checked(&format!("{{ a {directives} }}")), Err(Refusal::Directives));
        let spread = "a @skip(if: false) ".repeat(31);
        assert_eq!(checked(&format!("{{ b {{ {spread} }} }}")), Err(Refusal::Directives));
    }

    #[test]
    fn any_mutation_in_the_document_counts() {
        let both = checked("query A { a } mutation B { b }").expect("within the limits");
        assert_eq!(both, Operations { mutates: true, subscribes: false });
    }
}
