//! What can be checked of a connector without running it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Findings, Violation};
use crate::{Connector, HostsManifest, Manifest, Schema, ToolManifest, schema};

/// Checks everything that the manifest alone can tell, and that the capabilities fit it.
pub fn check_manifest(connector: &dyn Connector) -> Vec<Violation> {
    let manifest = connector.manifest();
    let mut findings = Findings::default();
    check_texts(manifest, &mut findings);
    check_hosts(manifest, &mut findings);
    check_round_trip(manifest, &mut findings);
    check_form("config_schema", &manifest.config_schema, false, &mut findings);
    if let Some(schema) = &manifest.credential_schema {
        check_form("credential_schema", schema, true, &mut findings);
    }
    check_streams(manifest, &mut findings);
    for tool in &manifest.tools {
        check_tool(tool, &mut findings);
    }
    check_unique("tools.names", manifest.tools.iter().map(|tool| &tool.name), &mut findings);
    check_capabilities(connector, &mut findings);
    findings.0
}

fn check_texts(manifest: &Manifest, findings: &mut Findings) {
    let id_fits =
        is_name(&manifest.id, 24) && manifest.id.starts_with(|c: char| c.is_ascii_lowercase());
    findings.demand(id_fits, "manifest.id", || {
        format!("`{}` is not `[a-z][a-z0-9_]*` of at most 24 characters", manifest.id)
    });
    let parts: Vec<&str> = manifest.version.split('.').collect();
    let version_fits = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    findings.demand(version_fits, "manifest.version", || {
        format!("`{}` is not major.minor.patch", manifest.version)
    });
    for (field, text) in [
        ("name", &manifest.name),
        ("publisher", &manifest.publisher),
        ("summary", &manifest.summary),
        ("description", &manifest.description),
    ] {
        findings.demand(!text.trim().is_empty(), "manifest.texts", || format!("{field} is empty"));
    }
    let summary_fits = manifest.summary.chars().count() <= 140 && !manifest.summary.contains('\n');
    findings.demand(summary_fits, "manifest.texts", || {
        "summary is not one line of at most 140 characters".to_owned()
    });
    findings.demand(!manifest.categories.is_empty(), "manifest.categories", || {
        "no category: nobody finds it in the marketplace".to_owned()
    });
    for category in &manifest.categories {
        findings.demand(is_name(category, 40), "manifest.categories", || {
            format!("`{category}` is not `[a-z0-9_]`")
        });
    }
}

fn check_hosts(manifest: &Manifest, findings: &mut Findings) {
    match &manifest.hosts {
        HostsManifest::None => {}
        HostsManifest::Configured { fields } => {
            findings.demand(!fields.is_empty(), "manifest.hosts", || {
                "names no setting that gives the host".to_owned()
            });
            for field in fields {
                let known = manifest.config_schema["properties"].get(field).is_some();
                findings.demand(known, "manifest.hosts", || {
                    format!("`{field}` is not a setting of config_schema")
                });
            }
        }
        HostsManifest::Fixed { hosts } => {
            findings.demand(!hosts.is_empty(), "manifest.hosts", || "names no host".to_owned());
        }
    }
}

fn check_round_trip(manifest: &Manifest, findings: &mut Findings) {
    let back = serde_json::to_value(manifest).and_then(serde_json::from_value::<Manifest>);
    findings.demand(back.is_ok_and(|back| back == *manifest), "manifest.round_trip", || {
        "the manifest does not come back unchanged from JSON".to_owned()
    });
}

/// A form's schema: closed, every field titled and described, secrets where they belong.
fn check_form(which: &str, form: &Value, secret: bool, findings: &mut Findings) {
    check_schema(which, form, findings);
    let Some(properties) = form["properties"].as_object() else { return };
    for (name, property) in properties {
        findings.demand(is_name(name, 40), "schema.described", || {
            format!("{which}: field `{name}` is not `[a-z0-9_]`")
        });
        findings.demand(has_text(property, "title"), "schema.described", || {
            format!("{which}: field `{name}` has no title")
        });
        let is_password = property["format"] == "password";
        findings.demand(is_password == secret, "schema.secrets", || {
            if secret {
                format!("{which}: `{name}` is not of `format: password`")
            } else {
                format!("{which}: `{name}` is a secret and belongs in credential_schema")
            }
        });
        let is_text = !secret || property["type"] == "string";
        findings.demand(is_text, "schema.secrets", || format!("{which}: `{name}` is not text"));
        findings.demand(!secret || property.get("default").is_none(), "schema.secrets", || {
            format!("{which}: `{name}` has a default")
        });
    }
}

/// What holds for every schema: it compiles, is closed at every level, and describes every property.
fn check_schema(which: &str, schema: &Value, findings: &mut Findings) {
    if let Some(problem) = schema::compile_problem(schema) {
        findings.add("schema.valid", format!("{which} does not compile: {problem}"));
    }
    findings.demand(schema["type"] == "object", "schema.valid", || {
        format!("{which} is not of type object")
    });
    check_level(which, schema, findings);
}

fn check_level(at: &str, schema: &Value, findings: &mut Findings) {
    if schema["type"] == "object" {
        findings.demand(schema["additionalProperties"] == json!(false), "schema.closed", || {
            format!("{at} lacks `additionalProperties: false`")
        });
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        findings.demand(schema["properties"].get(name).is_some(), "schema.valid", || {
            format!("{at} requires `{name}`, which is not a property")
        });
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        findings.demand(has_text(property, "description"), "schema.described", || {
            format!("{at} has no description")
        });
        if let Some(default) = property.get("default") {
            let wrapped = Schema::from(json!({"type": "object", "properties": {name: property}}));
            let fits = wrapped.validate(&json!({name: default})).is_ok();
            findings.demand(fits, "schema.defaults", || format!("{at}: its default is not valid"));
        }
        check_level(&at, property, findings);
    }
    if let Some(items) = schema.get("items") {
        check_level(&format!("{at}[]"), items, findings);
    }
}

fn check_streams(manifest: &Manifest, findings: &mut Findings) {
    for stream in &manifest.streams {
        let name = &stream.name;
        findings.demand(is_name(name, 40), "streams.names", || {
            format!("`{name}` is not `[a-z0-9_]` of 1 to 40 characters")
        });
        let told = !stream.title.trim().is_empty() && !stream.description.trim().is_empty();
        findings.demand(told, "streams.names", || format!("`{name}` lacks title or description"));
    }
    check_unique("streams.names", manifest.streams.iter().map(|stream| &stream.name), findings);
}

fn check_tool(tool: &ToolManifest, findings: &mut Findings) {
    let name = &tool.name;
    findings.demand(is_name(name, 40), "tools.names", || {
        format!("`{name}` is not `[a-z0-9_]` of 1 to 40 characters")
    });
    let told = !tool.title.trim().is_empty() && !tool.description.trim().is_empty();
    findings.demand(told, "tools.names", || format!("`{name}` lacks title or description"));
    findings.demand(!(tool.read_only && tool.destructive), "tools.hints", || {
        format!("`{name}` is both read-only and destructive")
    });
    findings.demand(!tool.read_only || tool.idempotent, "tools.hints", || {
        format!("`{name}` is read-only but not idempotent")
    });
    let cacheable = tool.cache_ttl_seconds.is_none() || tool.read_only;
    findings.demand(cacheable, "tools.hints", || {
        format!("`{name}` may be cached although it changes something")
    });
    check_schema(&format!("tool {name}"), &tool.input_schema, findings);
}

fn check_capabilities(connector: &dyn Connector, findings: &mut Findings) {
    let manifest = connector.manifest();
    let rule = "capabilities.consistent";
    findings.demand(connector.sync().is_some() != manifest.streams.is_empty(), rule, || {
        "sync() must be there exactly if the manifest has streams".to_owned()
    });
    findings.demand(connector.tools().is_some() != manifest.tools.is_empty(), rule, || {
        "tools() must be there exactly if the manifest has tools".to_owned()
    });
    let is_remote = connector.remote(&json!({})).is_some();
    findings.demand(!is_remote || manifest.tools.is_empty(), rule, || {
        "a proxied connector has no tools of its own".to_owned()
    });
    let does_something = is_remote || connector.sync().is_some() || connector.tools().is_some();
    findings.demand(does_something, rule, || {
        "it neither syncs, nor has tools, nor is proxied".to_owned()
    });
}

fn check_unique<'a>(
    rule: &'static str,
    names: impl Iterator<Item = &'a String>,
    findings: &mut Findings,
) {
    let mut known = BTreeSet::new();
    for name in names {
        findings.demand(known.insert(name), rule, || format!("`{name}` is there twice"));
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn has_text(schema: &Value, word: &str) -> bool {
    schema[word].as_str().is_some_and(|text| !text.trim().is_empty())
}
