//! The manifest: everything that the marketplace, the install form, the docs and the tool list need to know of a connector.

use domain::route::ToolDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::to_raw_value};

use crate::{ConnectorError, FieldError, Schema};

/// A connector's description of itself. Data only: it can be stored, shown and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Unique in the marketplace: `[a-z][a-z0-9_]*`, at most 24 characters.
    pub id: String,
    /// For people: `PostgreSQL`.
    pub name: String,
    /// `major.minor.patch` of the connector.
    pub version: String,
    /// Who made it.
    pub publisher: String,
    /// One line for the marketplace card, at most 140 characters.
    pub summary: String,
    /// What it does, what it needs and what it cannot do, in Markdown.
    pub description: String,
    /// Groups that it is found under.
    pub categories: Vec<String>,
    /// JSON Schema (2020-12) of the settings: the install form is made from it.
    pub config_schema: Schema,
    /// JSON Schema of the secrets; absent if it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_schema: Option<Schema>,
    /// What it syncs; empty if it does not sync.
    #[serde(default)]
    pub streams: Vec<StreamManifest>,
    /// Its live tools; empty if it has none of its own.
    #[serde(default)]
    pub tools: Vec<ToolManifest>,
    /// What it connects to.
    pub hosts: HostsManifest,
}

/// A kind of documents that a connector syncs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamManifest {
    /// Part of a document's key: `[a-z0-9_]`, at most 40 characters.
    pub name: String,
    pub title: String,
    pub description: String,
}

/// A live tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the four annotations of an MCP tool, as the protocol has them"
)]
pub struct ToolManifest {
    /// Without the install's prefix: `[a-z0-9_]`, 1 to 40 characters.
    pub name: String,
    pub title: String,
    /// For the model: what it does and when to use it.
    pub description: String,
    /// JSON Schema (2020-12) of the arguments.
    pub input_schema: Schema,
    /// Changes nothing.
    pub read_only: bool,
    /// May delete or overwrite.
    pub destructive: bool,
    /// Calling it twice does what calling it once does.
    pub idempotent: bool,
    /// Reaches things outside the install's source.
    pub open_world: bool,
    /// How long a result may be served from the cache, in seconds; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl_seconds: Option<u32>,
}

/// What a connector connects to: shown before the install, and the ground for the operator's allow-list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum HostsManifest {
    /// No network at all.
    None,
    /// The host that the named settings give.
    Configured {
        /// Names of settings.
        fields: Vec<String>,
    },
    /// Always the same hosts.
    Fixed {
        /// Host names.
        hosts: Vec<String>,
    },
}

// === impl Manifest ===

impl Manifest {
    /// Checks settings that somebody filled in.
    ///
    /// # Errors
    /// One error per field, with its path and a sentence for that person.
    pub fn validate_config(&self, config: &Value) -> Result<(), Vec<FieldError>> {
        self.config_schema.validate(config)
    }

    /// Checks a credential that somebody filled in. Messages never repeat a value.
    ///
    /// # Errors
    /// As [`Self::validate_config`]; also when a credential is given to a connector that takes none.
    pub fn validate_credential(&self, credential: &Value) -> Result<(), Vec<FieldError>> {
        match &self.credential_schema {
            Some(schema) => schema.validate(credential),
            None => Err(vec![FieldError {
                field: Vec::new(),
                message: format!("{} needs no credential.", self.name),
            }]),
        }
    }

    /// Whether an install cannot work without a credential.
    pub fn requires_credential(&self) -> bool {
        self.credential_schema.as_ref().is_some_and(|schema| {
            schema["required"].as_array().is_some_and(|required| !required.is_empty())
        })
    }

    /// A tool by its name.
    pub fn tool(&self, name: &str) -> Option<&ToolManifest> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Checks the arguments of a tool call: the first thing that every [`crate::ToolSet`] does.
    ///
    /// # Errors
    /// [`ConnectorError::InvalidArguments`] naming every wrong argument, or the unknown tool.
    pub fn check_arguments(&self, tool: &str, arguments: &Value) -> Result<(), ConnectorError> {
        let tool = self.tool(tool).ok_or_else(|| ConnectorError::unknown_tool(tool))?;
        tool.input_schema.validate(arguments).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(FieldError::to_string).collect();
            ConnectorError::InvalidArguments { message: lines.join(" ") }
        })
    }

    /// The tools as MCP `Tool` objects, ready to be spliced into a list.
    pub fn tool_definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(ToolManifest::definition).collect()
    }
}

// === impl ToolManifest ===

impl ToolManifest {
    /// The MCP `Tool` object (MCP 2025-11-25 and 2026-07-28, server/tools).
    fn definition(&self) -> ToolDefinition {
        let tool = json!({
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.read_only,
                "destructiveHint": self.destructive,
                "idempotentHint": self.idempotent,
                "openWorldHint": self.open_world,
            },
        });
        ToolDefinition {
            name: self.name.clone(),
            json: to_raw_value(&tool).expect("a JSON value has string keys and no failing parts"),
            cache_ttl_seconds: self.cache_ttl_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolManifest {
        serde_json::from_value(json!({
            "name": "read_file",
            "title": "Read a file",
            "description": "Reads a file.",
            "input_schema": {"type": "object", "additionalProperties": false, "required": ["path"],
                "properties": {"path": {"type": "string", "title": "Path", "description": "Which file."}}},
            "read_only": true, "destructive": false, "idempotent": true, "open_world": false,
            "cache_ttl_seconds": 30
        }))
        .expect("a tool manifest")
    }

    #[test]
    fn tool_definition_is_an_mcp_tool_object() {
        let definition = tool().definition();
        assert_eq!(definition.name, "read_file");
        assert_eq!(definition.cache_ttl_seconds, Some(30));
        let json: Value = serde_json::from_str(definition.json.get()).expect("JSON");
        assert_eq!(json["name"], "read_file");
        assert_eq!(json["title"], "Read a file");
        assert_eq!(json["inputSchema"]["required"], json!(["path"]));
        assert_eq!(
            json["annotations"],
            json!({"title": "Read a file", "readOnlyHint": true, "destructiveHint": false,
                   "idempotentHint": true, "openWorldHint": false})
        );
    }

    #[test]
    fn manifest_with_an_unknown_key_is_refused() {
        let mut value = serde_json::to_value(tool()).expect("JSON");
        value["readonly"] = json!(true);
        let error = serde_json::from_value::<ToolManifest>(value).expect_err("unknown key");
        assert!(error.to_string().contains("readonly"), "{error}");
    }

    #[test]
    fn manifest_has_a_json_schema_of_its_own() {
        let schema = serde_json::to_value(schemars::schema_for!(Manifest)).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        assert!(!validator.is_valid(&json!({"id": "x"})));
    }
}
