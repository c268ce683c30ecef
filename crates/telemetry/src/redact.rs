//! The last net under the logs: what looks like a secret is replaced, whatever wrote it.
//!
//! Secrets are typed so that they cannot be printed; this catches what a foreign library prints by itself.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::LazyLock,
};

use regex::Regex;
use tracing_subscriber::fmt::MakeWriter;

/// What is kept (so that a reader knows what was there) around what is replaced. The order matters: a URL loses its password
/// before the word `password` is looked for.
const RULES: [(&str, &str); 6] = [
    // Our API keys and the token of a sign-in link.
    ("pb_live_[0-9A-Za-z]+", "pb_live_[redacted]"),
    (r#"/sign-in/[^\s"'?#\\]+"#, "/sign-in/[redacted]"),
    (r"(?i)\b(bearer|basic) +[0-9A-Za-z._~+/=-]{6,}", "$1 [redacted]"),
    // A JWT always starts with the base64 of `{"`.
    (r"\beyJ[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)+", "eyJ[redacted]"),
    // scheme://user:password@host
    (r#"(://[^/\s:@"']*:)[^/\s@"']+@"#, "$1[redacted]@"),
    // password=x, "password":"x y", and the same with terminal colours between.
    (
        r#"(?i)(password|passwd|client_secret|access_token|refresh_token)((?:\x1b\[[0-9;]*m|\\?["'])*\s*[=:]\s*(?:\x1b\[[0-9;]*m)*)(?:\\"[^"]*?\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'&,;)}\]]+)"#,
        "$1$2[redacted]",
    ),
];

static COMPILED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    RULES
        .iter()
        .map(|(pattern, kept)| (Regex::new(pattern).expect("a test compiles every rule"), *kept))
        .collect()
});

/// Standard error, a line at a time, without secrets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RedactedStderr;

/// One log line on its way out.
pub(crate) struct Line;

// === impl RedactedStderr ===

impl<'a> MakeWriter<'a> for RedactedStderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Self::Writer {
        Line
    }
}

// === impl Line ===

impl Write for Line {
    /// The formatter hands over whole lines, so no secret is split between two calls.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Replaces what the rules find.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for (pattern, kept) in COMPILED.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&clean, *kept) {
            clean = Cow::Owned(replaced);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_the_log() {
        let cases = [
            ("key pb_live_AAAAbbbb0000 used", "key pb_live_[redacted] used"),
            ("Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted]"),
            (r#"{"h":"bearer abcdef=="}"#, r#"{"h":"bearer [redacted]"}"#),
            ("jwt eyJhbGciOi.eyJzdWIi.sig end", "jwt eyJ[redacted] end"),
            ("postgres://h?password=hunter2&x=1", "postgres://h?password=[redacted]&x=1"),
            ("amqp://app:hunter2@mq:5672/%2f", "amqp://app:[redacted]@mq:5672/%2f"),
            ("redis://:hunter2@cache", "redis://:[redacted]@cache"),
            (r#"{"password":"two words","a":1}"#, r#"{"password":[redacted],"a":1}"#),
            (r#"{"m":"{\"password\":\"two words\"}"}"#, r#"{"m":"{\"password\":[redacted]}"}"#),
            (
                "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0mhunter2 x",
                "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0m[redacted] x",
            ),
            ("GET /sign-in/abcDEF_1 done", "GET /sign-in/[redacted] done"),
        ];
        for (line, expected) in cases {
            assert_eq!(redact(line), expected);
        }
    }

    #[test]
    fn plain_text_is_left_alone() {
        let plain = [
            "nothing here, bearer",
            "the password is wrong",
            "keyJob done",
            "see https://patchbay.example:8443/t/acme/mcp",
            "/sign-in/ alone",
        ];
        for line in plain {
            assert!(matches!(redact(line), Cow::Borrowed(same) if same == line), "{line}");
        }
    }
}
