//! The last net under the logs: what looks like a secret is replaced, whatever wrote it.
//!
//! Secrets are typed so that they cannot be printed; this catches what a foreign library prints by itself.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

const REPLACEMENT: &str = "[redacted]";
/// What a secret follows, and is replaced up to the next delimiter.
const MARKERS: [&str; 6] = ["pb_live_", "Bearer ", "bearer ", "eyJ", "password=", "/sign-in/"];

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
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Replaces what follows a marker, the marker kept so that a reader knows what was there.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, marker)) =
        MARKERS.iter().filter_map(|marker| Some((rest.find(marker)?, marker))).min()
    {
        let secret = at + marker.len();
        let end = rest[secret..]
            .find(|c: char| c.is_whitespace() || "\"',;&<>)}]".contains(c))
            .map_or(rest.len(), |length| secret + length);
        out.push_str(&rest[..secret]);
        if end > secret {
            out.push_str(REPLACEMENT);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_the_log() {
        let line = r#"{"url":"postgres://h?password=hunter2&x=1","auth":"Bearer abc.def","key":"pb_live_AAAA","jwt":"eyJhbGciOi.x.y"}"#;
        assert_eq!(
            redact(line),
            r#"{"url":"postgres://h?password=[redacted]&x=1","auth":"Bearer [redacted]","key":"pb_live_[redacted]","jwt":"eyJ[redacted]"}"#
        );
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(redact("nothing here, bearer"), "nothing here, bearer");
    }
}
