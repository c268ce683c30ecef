//! What a newcomer needs to know after the start: printed, and written to `up.json` for programs.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize};

/// How to reach the running product. Holds a key and a sign-in link: the file is readable by its owner only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpFacts {
    pub(crate) console_url: String,
    pub(crate) sign_in_url: String,
    pub(crate) graphql_url: String,
    pub(crate) mcp_url: String,
    pub(crate) api_key: String,
    pub(crate) tenant: String,
    pub(crate) metrics_url: Option<String>,
}

// === impl UpFacts ===

impl UpFacts {
    /// Reads the facts of an earlier start; `None` if there are none that can be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Writes the facts at once: a reader sees the old file or the new one, never half of it.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let next = path.with_extension("json.next");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&next, path)
    }

    /// The text for a person's terminal.
    pub(crate) fn banner(&self) -> String {
        let Self { console_url, sign_in_url, mcp_url, api_key, tenant, .. } = self;
        let mut text = format!(
            "\n  Patchbay is up, organisation `{tenant}`\n\n\
             \x20 Console        {console_url}\n\
             \x20 Sign in once   {sign_in_url}\n\
             \x20 MCP endpoint   {mcp_url}\n\
             \x20 API key        {api_key}\n\n\
             \x20 Connect Claude Code:\n\n\
             \x20   claude mcp add --transport http patchbay {mcp_url} --header \"Authorization: Bearer {api_key}\"\n\n"
        );
        for (client, root) in [
            ("VS Code (.vscode/mcp.json)", "servers"),
            ("Cursor (~/.cursor/mcp.json)", "mcpServers"),
        ] {
            let snippet = snippet(root, mcp_url, api_key);
            // Writing to a String cannot fail.
            let _ = write!(text, "  Connect {client}:\n\n    {snippet}\n\n");
        }
        text.push_str("  Stop with Ctrl-C. Your data stays; start again the same way.\n");
        text
    }
}

fn snippet(root: &str, url: &str, key: &str) -> String {
    format!(
        r#"{{"{root}":{{"patchbay":{{"type":"http","url":"{url}","headers":{{"Authorization":"Bearer {key}"}}}}}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_snippets_are_json() {
        for root in ["servers", "mcpServers"] {
            let text = snippet(root, "http://127.0.0.1:4480/t/demo/mcp", "pb_live_x");
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value[root]["patchbay"]["headers"]["Authorization"], "Bearer pb_live_x");
        }
    }
}
