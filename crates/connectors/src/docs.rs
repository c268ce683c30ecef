//! The pages of `docs/connectors/`, made from the manifests by the generator command.

use std::fmt::Write as _;

use connector_sdk::{HostsManifest, Manifest, ToolManifest};
use serde_json::Value;

use crate::registry;

const NOTE: &str =
    "<!-- Generated from the connector's manifest: change that, then run `make generate`. -->";

/// Every page with its file name, and an index.
pub fn all() -> Vec<(String, String)> {
    let manifests = || registry::all().iter().map(|connector| connector.manifest());
    let mut pages = vec![("README.md".to_owned(), index(manifests()))];
    pages.extend(manifests().map(|manifest| (format!("{}.md", manifest.id), page(manifest))));
    pages
}

fn index(manifests: impl Iterator<Item = &'static Manifest>) -> String {
    let mut text =
        format!("{NOTE}\n\n# Connectors\n\n| Connector | What it does |\n| --- | --- |\n");
    for manifest in manifests {
        push(
            &mut text,
            format_args!(
                "| [{}]({}.md) | {} |\n",
                manifest.name,
                manifest.id,
                cell(&manifest.summary)
            ),
        );
    }
    text.push_str("\nWhat a connector must do: [the specification](../connector-spec.md).\n");
    text
}

/// The page of one connector, in Markdown.
pub fn page(manifest: &Manifest) -> String {
    let mut text = format!("{NOTE}\n\n# {}\n\n{}\n\n", manifest.name, manifest.summary);
    push(
        &mut text,
        format_args!(
            "Id `{}` · version {} · by {} · {}\n\n{}\n",
            manifest.id,
            manifest.version,
            manifest.publisher,
            manifest.categories.join(", "),
            manifest.description
        ),
    );
    push(&mut text, format_args!("\n## Network\n\n{}\n", hosts(&manifest.hosts)));
    text.push_str("\n## Settings\n\n");
    fields(&mut text, &manifest.config_schema);
    if let Some(schema) = &manifest.credential_schema {
        text.push_str("\n## Credential\n\nSealed when it is saved, never shown again.\n\n");
        fields(&mut text, schema);
    }
    if !manifest.streams.is_empty() {
        text.push_str("\n## What is synced\n\n| Stream | |\n| --- | --- |\n");
        for stream in &manifest.streams {
            push(
                &mut text,
                format_args!("| `{}` | {} |\n", stream.name, cell(&stream.description)),
            );
        }
    }
    if !manifest.tools.is_empty() {
        text.push_str("\n## Tools\n\nEach appears at the endpoint as `{alias}__{tool}`.\n");
        manifest.tools.iter().for_each(|one| tool(&mut text, one));
    }
    text
}

fn hosts(hosts: &HostsManifest) -> String {
    let quoted = |names: &[String]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match hosts {
        HostsManifest::None => "Connects to nothing.".to_owned(),
        HostsManifest::Configured { fields } => {
            format!(
                "Connects to the host that these settings give, and to no other: {}.",
                quoted(fields)
            )
        }
        HostsManifest::Fixed { hosts } => format!("Connects to {} only.", quoted(hosts)),
    }
}

fn tool(text: &mut String, tool: &ToolManifest) {
    push(text, format_args!("\n### `{}`: {}\n\n{}\n\n", tool.name, tool.title, tool.description));
    let mut facts =
        vec![if tool.read_only { "Changes nothing" } else { "Changes the source" }.to_owned()];
    if tool.destructive {
        facts.push("may delete or overwrite".to_owned());
    }
    match tool.cache_ttl_seconds {
        Some(seconds) => facts.push(format!("results may be cached for {seconds} seconds")),
        None => facts.push("results are never cached".to_owned()),
    }
    push(text, format_args!("{}.\n\n", facts.join("; ")));
    fields(text, &tool.input_schema);
}

fn fields(text: &mut String, schema: &Value) {
    let properties = schema["properties"].as_object();
    let Some(properties) = properties.filter(|properties| !properties.is_empty()) else {
        text.push_str("None.\n");
        return;
    };
    text.push_str("| Field | Type | Required | Default | |\n| --- | --- | --- | --- | --- |\n");
    for (name, property) in properties {
        let is_required = schema["required"]
            .as_array()
            .is_some_and(|required| required.iter().any(|one| one == name));
        let default = property.get("default").map(|value| format!("`{value}`"));
        push(
            text,
            format_args!(
                "| `{name}` | {} | {} | {} | {} |\n",
                cell(&type_of(property)),
                if is_required { "yes" } else { "no" },
                cell(&default.unwrap_or_default()),
                cell(property["description"].as_str().unwrap_or_default()),
            ),
        );
    }
}

fn type_of(property: &Value) -> String {
    if let Some(options) = property["enum"].as_array() {
        let options: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
        return options.join(", ");
    }
    let name = property["type"].as_str().unwrap_or("any");
    if property["format"] == "password" {
        return "secret".to_owned();
    }
    let bounds = match (property.get("minimum"), property.get("maximum")) {
        (Some(low), Some(high)) => format!(", {low} to {high}"),
        (Some(low), None) => format!(", from {low}"),
        (None, Some(high)) => format!(", up to {high}"),
        (None, None) => String::new(),
    };
    match name {
        "array" => format!("list of {}", property["items"]["type"].as_str().unwrap_or("any")),
        name => format!("{name}{bounds}"),
    }
}

/// Text inside a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_has_a_page_that_names_all_it_has() {
        let pages = all();
        for connector in registry::all() {
            let manifest = connector.manifest();
            let name = format!("{}.md", manifest.id);
            let (_, page) = pages.iter().find(|(file, _)| *file == name).expect("a page");
            for tool in &manifest.tools {
                assert!(page.contains(&format!("### `{}`", tool.name)), "{name}: {}", tool.name);
            }
            let schemas = [Some(&manifest.config_schema), manifest.credential_schema.as_ref()];
            for schema in schemas.into_iter().flatten() {
                for field in schema["properties"].as_object().expect("properties").keys() {
                    assert!(page.contains(&format!("| `{field}` |")), "{name}: {field}");
                }
            }
        }
        let (_, index) = pages.first().expect("an index");
        assert_eq!(index.matches(".md) |").count(), registry::all().len());
    }

    #[test]
    fn pages_are_the_same_each_time() {
        assert_eq!(all(), all());
    }
}
