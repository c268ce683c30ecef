//! One list of tools out of many: each install's tools under their offered names, in one fixed order, cut into pages.

use bytes::Bytes;
use control::ToolEffect;
use serde_json::value::RawValue;

use super::{
    cursor::Cursor,
    json::{Members, ObjectWriter},
    names,
};

/// A tool as we offer it.
#[derive(Debug, Clone)]
pub(crate) struct OfferedTool {
    /// The name that clients use.
    pub(crate) name: String,
    /// The name that its owner uses.
    pub(crate) own_name: String,
    /// The MCP `Tool` object with the offered name.
    pub(crate) json: Bytes,
    pub(crate) cache_ttl_seconds: Option<u32>,
    pub(crate) effect: ToolEffect,
}

/// The tools of one install, by offered name. This table is what resolves a name; a name is never taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolTable {
    tools: Vec<OfferedTool>,
}

/// A page of a merged list.
#[derive(Debug)]
pub(crate) struct ToolPage<'a> {
    pub(crate) tools: Vec<&'a OfferedTool>,
    pub(crate) next: Option<String>,
}

// === impl OfferedTool ===

impl OfferedTool {
    /// Renames a tool, leaving everything else as its owner wrote it. `None` when it cannot be offered: it has no usable
    /// schema, or it can only be called as a legacy task, which we do not bridge.
    pub(crate) fn rename(alias: &str, own_name: &str, tool: &RawValue) -> Option<Self> {
        let members = Members::parse(tool.get().as_bytes()).ok()?;
        if !members.get("inputSchema")?.get().starts_with('{') || needs_task(&members) {
            return None;
        }
        let name = names::offered(alias, own_name);
        let mut writer = ObjectWriter::with_capacity(tool.get().len() + alias.len() + 2);
        writer.text("name", &name);
        for (member, value) in members.iter() {
            if !matches!(member, "name" | "execution") {
                writer.raw(member, value.get().as_bytes());
            }
        }
        Some(Self {
            name,
            own_name: own_name.to_owned(),
            json: writer.finish().into(),
            cache_ttl_seconds: None,
            effect: ToolEffect::Destructive,
        })
    }
}

fn needs_task(tool: &Members<'_>) -> bool {
    tool.get("execution")
        .and_then(|execution| Members::parse(execution.get().as_bytes()).ok())
        .and_then(|execution| execution.text("taskSupport")?.ok())
        .is_some_and(|support| support == "required")
}

// === impl ToolTable ===

impl ToolTable {
    /// Sorts the tools; of two with one name the first stays.
    pub(crate) fn new(mut tools: Vec<OfferedTool>) -> Self {
        tools.sort_by(|left, right| left.name.cmp(&right.name));
        tools.dedup_by(|later, earlier| later.name == earlier.name);
        Self { tools }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&OfferedTool> {
        let index = self.tools.binary_search_by(|tool| tool.name.as_str().cmp(name)).ok()?;
        self.tools.get(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OfferedTool> {
        self.tools.iter()
    }
}

/// Merges tools of several tables in name order and cuts the page after `after`. Of two tools with one name the one that
/// comes first stays.
pub(crate) fn page<'a>(
    tools: impl Iterator<Item = &'a OfferedTool>,
    after: Option<&str>,
    size: usize,
) -> ToolPage<'a> {
    let mut tools: Vec<&OfferedTool> =
        tools.filter(|tool| after.is_none_or(|after| tool.name.as_str() > after)).collect();
    tools.sort_by(|left, right| left.name.cmp(&right.name));
    tools.dedup_by(|later, earlier| later.name == earlier.name);
    let more = tools.len() > size;
    tools.truncate(size);
    let next = tools
        .last()
        .filter(|_| more)
        .map(|last| Cursor::Tools { after: last.name.clone() }.encode());
    ToolPage { tools, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(alias: &str, name: &str) -> OfferedTool {
        let json =
            format!(r#"{{"title":"T","name":"{name}","inputSchema":{{"type":"object"}},"x":1}}"#);
        let raw = RawValue::from_string(json).expect("JSON");
        OfferedTool::rename(alias, name, &raw).expect("offered")
    }

    #[test]
    fn everything_but_the_name_stays_as_its_owner_wrote_it() {
        assert_eq!(
            tool("a", "b").json.as_ref(),
            br#"{"name":"a__b","title":"T","inputSchema":{"type":"object"},"x":1}"#
        );
    }

    #[test]
    fn tool_that_only_runs_as_a_task_or_has_no_schema_is_not_offered() {
        for json in [
            r#"{"name":"t","inputSchema":{},"execution":{"taskSupport":"required"}}"#,
            r#"{"name":"t"}"#,
        ] {
            let raw = RawValue::from_string(json.to_owned()).expect("JSON");
            assert!(OfferedTool::rename("a", "t", &raw).is_none());
        }
    }

    #[test]
    fn pages_give_every_tool_once_in_order() {
        let one = ToolTable::new(vec![tool("b", "z"), tool("b", "a"), tool("b", "a")]);
        let two = ToolTable::new(vec![tool("a", "x"), tool("c", "y")]);
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(one.iter().chain(two.iter()), after.as_deref(), 2);
            seen.extend(page.tools.iter().map(|tool| tool.name.clone()));
            let Some(next) = page.next else { break };
            after = Some(Cursor::of_tools(&next).expect("our own cursor"));
        }
        assert_eq!(seen, ["a__x", "b__a", "b__z", "c__y"]);
    }
}
