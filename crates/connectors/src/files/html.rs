//! HTML as text. Pages may be hostile: nesting is bounded before a library sees it.

use html2text::{Element, Handle, RcDom};

/// Width at which text is wrapped: wide enough that sentences stay whole for the search.
const WIDTH: usize = 400;
/// Deepest nesting of elements. The parser takes time by the square of it, and the renderer walks it by recursion.
const MAX_DEPTH: usize = 512;
/// Elements that cannot nest in themselves: without end tags in many pages, and harmless.
const FLAT: &[&[u8]] = &[
    b"area",
    b"base",
    b"body",
    b"br",
    b"col",
    b"colgroup",
    b"dd",
    b"dt",
    b"embed",
    b"head",
    b"hr",
    b"html",
    b"img",
    b"input",
    b"li",
    b"link",
    b"meta",
    b"option",
    b"p",
    b"param",
    b"source",
    b"tbody",
    b"td",
    b"tfoot",
    b"th",
    b"thead",
    b"tr",
    b"track",
    b"wbr",
];

/// A tree that libraries may not get through.
struct TooDeep;

/// Title and text of a page; `None` if it is nested deeper than any page is.
pub(super) fn read(bytes: &[u8]) -> Option<(Option<String>, String)> {
    check_depth(bytes).ok()?;
    let config = html2text::config::plain_no_decorate();
    let dom: RcDom = config.parse_html(bytes).ok()?;
    let title = find_title(&dom).ok()?;
    let tree = config.dom_to_render_tree(&dom).ok()?;
    let text = config.render_to_string(tree, WIDTH).ok()?;
    Some((title, text))
}

/// Follows open and end tags roughly, in one pass, without building anything. An end tag that ends nothing counts for nothing.
fn check_depth(bytes: &[u8]) -> Result<(), TooDeep> {
    let mut open: Vec<Vec<u8>> = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let is_end = rest.first() == Some(&b'/');
        let name = rest.get(usize::from(is_end)..).unwrap_or_default();
        let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = name.get(..length).unwrap_or_default().to_ascii_lowercase();
        let starts = name.first().is_some_and(u8::is_ascii_alphabetic);
        if !starts || FLAT.contains(&name.as_slice()) {
            continue;
        }
        if !is_end {
            open.push(name);
        } else if let Some(index) = open.iter().rposition(|one| *one == name) {
            open.truncate(index);
        }
        if open.len() > MAX_DEPTH {
            return Err(TooDeep);
        }
    }
    Ok(())
}

/// The first title, in the order of the page.
fn find_title(dom: &RcDom) -> Result<Option<String>, TooDeep> {
    let mut title = None;
    let mut open: Vec<(Handle, usize)> = vec![(dom.document.clone(), 0)];
    while let Some((node, depth)) = open.pop() {
        // The parser may see more than the rough look did.
        if depth > MAX_DEPTH {
            return Err(TooDeep);
        }
        // What is put in last is looked at first.
        open.extend(node.children.borrow().iter().rev().map(|child| (child.clone(), depth + 1)));
        if title.is_none() {
            title = title_of(&node);
        }
    }
    Ok(title)
}

/// The text of a `title` element. The tree does not give its text nodes away, so it is written out and read as a paragraph.
fn title_of(node: &Handle) -> Option<String> {
    let Element { name, .. } = &node.data else { return None };
    if &*name.local != "title" {
        return None;
    }
    let mut written = Vec::new();
    node.serialize(&mut written).ok()?;
    let written = String::from_utf8(written).ok()?;
    let (_, inner) = written.split_once('>')?;
    let inner = inner.rsplit_once("</").map_or(inner, |(inner, _)| inner);
    html2text::config::plain_no_decorate()
        .string_from_read(format!("<p>{inner}</p>").as_bytes(), WIDTH)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_without_end_tags_are_not_deep() {
        let page = "<html><ul>".to_owned() + &"<li>x<br><p>y".repeat(5_000);
        assert!(check_depth(page.as_bytes()).is_ok());
    }

    #[test]
    fn stray_end_tags_do_not_hide_the_depth() {
        let page = "<div></b>".repeat(5_000);
        assert!(check_depth(page.as_bytes()).is_err());
    }
}
