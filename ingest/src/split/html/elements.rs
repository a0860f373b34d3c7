//! What HTML elements mean to a reader, and which attributes hold readable text.

use std::ops::Range;

use super::tags::{Tag, attributes};

/// How an element interrupts the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::split) enum Flow {
    /// Part of the line.
    Inline,
    /// A cell of a row.
    Cell,
    /// Ends a line.
    Line,
    /// Ends a paragraph.
    Block,
}

/// Flow of an element of HTML; none when HTML has no such element.
pub(in crate::split) fn flow(name: &str) -> Option<Flow> {
    const MOST: usize = 16;
    let mut lower = [0_u8; MOST];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"td" | b"th" => Flow::Cell,
        b"br" | b"tr" => Flow::Line,
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"caption" | b"center" | b"dd" | b"details"
        | b"dialog" | b"dir" | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption" | b"figure" | b"footer"
        | b"form" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"header" | b"hgroup" | b"hr"
        | b"html" | b"iframe" | b"legend" | b"li" | b"main" | b"menu" | b"nav" | b"noscript" | b"ol" | b"optgroup"
        | b"option" | b"p" | b"pre" | b"section" | b"select" | b"summary" | b"table" | b"tbody" | b"template"
        | b"textarea" | b"tfoot" | b"thead" | b"title" | b"ul" | b"video" | b"audio" | b"canvas" | b"object"
        | b"script" | b"style" => Flow::Block,
        b"a" | b"abbr" | b"acronym" | b"area" | b"b" | b"base" | b"bdi" | b"bdo" | b"big" | b"button" | b"cite"
        | b"code" | b"col" | b"colgroup" | b"data" | b"datalist" | b"del" | b"dfn" | b"em" | b"embed" | b"font"
        | b"i" | b"img" | b"input" | b"ins" | b"kbd" | b"label" | b"link" | b"map" | b"mark" | b"meta" | b"meter"
        | b"nobr" | b"output" | b"param" | b"path" | b"picture" | b"progress" | b"q" | b"rp" | b"rt" | b"ruby"
        | b"s" | b"samp" | b"slot" | b"small" | b"source" | b"span" | b"strike" | b"strong" | b"sub" | b"sup"
        | b"svg" | b"time" | b"track" | b"tt" | b"u" | b"var" | b"wbr" | b"circle" | b"g" | b"rect" | b"line"
        | b"polyline" | b"use" => Flow::Inline,
        _ => return None,
    })
}

/// Elements that never have content.
pub(in crate::split) fn is_void(name: &str) -> bool {
    const VOID: [&str; 14] =
        ["br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "param", "source", "track", "wbr"];
    VOID.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Level of a heading element.
pub(in crate::split) fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h' | b'H', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// Ranges of the attribute values that a page shows: titles, labels, alternative texts.
pub(in crate::split) fn readable_attributes(source: &str, tag: &Tag) -> Vec<Range<usize>> {
    const OF_HTML: [&str; 3] = ["alt", "title", "label"];
    const OF_COMPONENTS: [&str; 16] = [
        "alt",
        "title",
        "label",
        "description",
        "heading",
        "header",
        "summary",
        "caption",
        "text",
        "tip",
        "tooltip",
        "subtitle",
        "name",
        "query",
        "path",
        "body",
    ];
    if tag.closing || tag.attributes.is_empty() {
        return Vec::new();
    }
    let is_component = source[tag.name.clone()].starts_with(|c: char| c.is_ascii_uppercase());
    let known: &[&str] = if is_component { &OF_COMPONENTS } else { &OF_HTML };
    let is_readable =
        |name: &str, value: &Range<usize>| known.contains(&name) && !source[value.clone()].trim().is_empty();
    let found = attributes(source, tag.attributes.clone()).into_iter();
    found.filter(|(name, value)| is_readable(name, value)).map(|(_, value)| value).collect()
}

/// A tag that HTML does not know and that has no attributes is more likely a placeholder, as in
/// `--user <name>`, or a generic type.
pub(in crate::split) fn is_placeholder(source: &str, tag: &Tag) -> bool {
    let name = &source[tag.name.clone()];
    !name.is_empty()
        && !tag.closing
        && !tag.self_closing
        && flow(name).is_none()
        && source[tag.attributes.clone()].trim().is_empty()
}
