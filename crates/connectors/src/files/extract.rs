//! Text and title of a file, through libraries. Runs on a blocking thread; a panicking library is caught by the caller.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::html;

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extracted {
    /// One line, never empty.
    pub(super) title: String,
    pub(super) text: String,
    /// Of the original.
    pub(super) mime_type: String,
}

/// How much of the beginning decides whether a file is text.
const SNIFFED: usize = 8 * 1024;
/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// `None` if there is no text in it.
pub(super) fn extract(path: &str, bytes: Vec<u8>) -> Option<Extracted> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let guess = mime_guess::from_path(path).first();
    let mime_type = guess.as_ref().map_or("text/plain", mime_guess::Mime::essence_str);
    let (title, text) = match mime_type {
        "application/pdf" => (None, pdf_extract::extract_text_from_mem(&bytes).ok()?),
        _ if bytes.iter().take(SNIFFED).any(|byte| *byte == 0) => return None,
        "text/html" | "application/xhtml+xml" => html::read(&bytes)?,
        "text/markdown" => {
            let text = plain(bytes);
            (markdown_title(&text), text)
        }
        _ => (None, plain(bytes)),
    };
    if text.trim().is_empty() {
        return None;
    }
    // PostgreSQL cannot store it, and nobody can read it.
    let text = text.replace('\0', "");
    let title = title.map(|title| one_line(&title)).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| one_line(name));
    Some(Extracted { title, text, mime_type: text_type(mime_type).to_owned() })
}

/// Source code has many registered and invented types (`.ts` is a video): what was read as text is shown as text.
fn text_type(guessed: &str) -> &str {
    let is_told = guessed.starts_with("text/")
        || matches!(guessed, "application/pdf" | "application/json" | "application/xhtml+xml");
    if is_told { guessed } else { "text/plain" }
}

fn plain(bytes: Vec<u8>) -> String {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text)
}

/// The text of the first heading of any level.
fn markdown_title(text: &str) -> Option<String> {
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut title: Option<String> = None;
    for event in Parser::new_ext(text, options) {
        match (event, &mut title) {
            (Event::Start(Tag::Heading { .. }), None) => title = Some(String::new()),
            (Event::Text(part) | Event::Code(part), Some(title)) => title.push_str(&part),
            (Event::SoftBreak | Event::HardBreak, Some(title)) => title.push(' '),
            (Event::End(TagEnd::Heading(_)), Some(_)) => return title,
            _ => {}
        }
    }
    title
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect()
}
