//! Finds tags and comments in a text, tolerantly: what is not surely a tag is text. Understands JSX
//! attributes in braces. Shared by HTML, MDX and Markdown.

use std::ops::Range;

use crate::split::limits::TAG_BYTES;

/// A part of a text with tags. The parts of a text leave no gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::split) enum Token {
    Text(Range<usize>),
    Tag(Tag),
    /// A comment, doctype, processing instruction or CDATA bracket.
    Comment(Range<usize>),
}

/// An opening or closing tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::split) struct Tag {
    pub(in crate::split) range: Range<usize>,
    pub(in crate::split) name: Range<usize>,
    pub(in crate::split) attributes: Range<usize>,
    pub(in crate::split) closing: bool,
    pub(in crate::split) self_closing: bool,
}

/// Reads tags at given positions, and remembers how much it searched in vain, so that hostile input
/// costs no more than a few passes over it.
pub(in crate::split) struct TagReader<'a> {
    source: &'a str,
    end: usize,
    wasted: usize,
}

impl<'a> TagReader<'a> {
    pub(in crate::split) fn new(source: &'a str, end: usize) -> Self {
        Self { source, end, wasted: 0 }
    }

    /// The tag or comment that begins with the `<` at `at`.
    pub(in crate::split) fn read(&mut self, at: usize) -> Option<Token> {
        const PATIENCE: usize = 32;
        if self.wasted / PATIENCE > self.source.len() {
            return None;
        }
        let rest = &self.source.as_bytes()[at..self.end];
        match rest.get(1)? {
            b'!' | b'?' => self.comment(at, rest),
            _ => self.tag(at, rest),
        }
    }

    fn comment(&mut self, at: usize, rest: &[u8]) -> Option<Token> {
        let (closing, from): (&[u8], usize) = if rest.starts_with(b"<!--") {
            (b"-->", 4)
        } else if rest.starts_with(b"<![CDATA[") {
            return Some(Token::Comment(at..at + 9));
        } else if rest[1] == b'?' || rest.get(2).is_some_and(u8::is_ascii_alphabetic) {
            (b">", 2)
        } else {
            return None;
        };
        match memchr::memmem::find(&rest[from..], closing) {
            Some(found) => Some(Token::Comment(at..at + from + found + closing.len())),
            None => {
                self.wasted += rest.len();
                None
            }
        }
    }

    fn tag(&mut self, at: usize, rest: &[u8]) -> Option<Token> {
        let closing = rest[1] == b'/';
        let name_start = if closing { 2 } else { 1 };
        let name_end = name_start + name_length(&rest[name_start.min(rest.len())..]);
        let after = rest.get(name_end).copied()?;
        let fragment = name_end == name_start && after == b'>';
        let named = name_end > name_start && (after.is_ascii_whitespace() || matches!(after, b'/' | b'>' | b'{'));
        if !fragment && !named {
            return None;
        }
        let Some(end) = tag_end(&rest[..rest.len().min(TAG_BYTES)], name_end) else {
            self.wasted += rest.len().min(TAG_BYTES);
            return None;
        };
        let self_closing = end > name_end && rest[end - 1] == b'/';
        let attributes_end = if self_closing { end - 1 } else { end };
        Some(Token::Tag(Tag {
            range: at..at + end + 1,
            name: at + name_start..at + name_end,
            attributes: at + name_end..at + attributes_end.max(name_end),
            closing,
            self_closing,
        }))
    }
}

fn name_length(bytes: &[u8]) -> usize {
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return 0;
    }
    let is_name = |at: usize| match bytes[at] {
        b':' => bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
        byte => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'),
    };
    (0..bytes.len()).take_while(|&at| is_name(at)).count()
}

/// Position of the `>` that ends the tag, outside quotes and braces.
fn tag_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut quote, mut depth) = (0_u8, 0_usize);
    let mut previous = 0_u8;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            _ if quote == byte => quote = 0,
            _ if quote != 0 => {}
            // A quote opens a value only behind `=`, or anywhere inside braces: `<p don't>` ends.
            b'"' | b'\'' | b'`' if previous == b'=' || depth > 0 => quote = byte,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'>' if depth == 0 => return Some(at),
            b'<' if depth == 0 => return None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    }
    None
}

/// All parts of `range`, in order.
pub(in crate::split) fn tokens(source: &str, range: Range<usize>) -> impl Iterator<Item = Token> + '_ {
    let mut reader = TagReader::new(source, range.end);
    let mut at = range.start;
    let mut next = None;
    std::iter::from_fn(move || {
        if let Some(token) = next.take() {
            return Some(token);
        }
        let start = at;
        let mut from = at;
        while from < range.end {
            let Some(found) = memchr::memchr(b'<', &source.as_bytes()[from..range.end]) else {
                break;
            };
            let open = from + found;
            if let Some(token) = reader.read(open) {
                at = token_end(&token);
                if open == start {
                    return Some(token);
                }
                next = Some(token);
                return Some(Token::Text(start..open));
            }
            from = open + 1;
        }
        at = range.end;
        (start < range.end).then_some(Token::Text(start..range.end))
    })
}

fn token_end(token: &Token) -> usize {
    match token {
        Token::Text(range) | Token::Comment(range) => range.end,
        Token::Tag(tag) => tag.range.end,
    }
}

/// Names and value ranges of a tag's attributes; a value in braces is left out unless it is a string.
pub(in crate::split) fn attributes(source: &str, range: Range<usize>) -> Vec<(&str, Range<usize>)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let length = attribute_name(&bytes[at..range.end]);
        if length == 0 {
            at = skip_one(bytes, at, range.end);
            continue;
        }
        let name = at..at + length;
        at = skip_space(bytes, name.end, range.end);
        if bytes.get(at) != Some(&b'=') || at >= range.end {
            continue;
        }
        at = skip_space(bytes, at + 1, range.end);
        let (value, end) = attribute_value(bytes, at, range.end);
        if let Some(value) =
            value.filter(|value| source.is_char_boundary(value.start) && source.is_char_boundary(value.end))
        {
            found.push((&source[name], value));
        }
        at = end;
    }
    found
}

fn attribute_name(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'@' | b'.')).count()
}

fn skip_space(bytes: &[u8], at: usize, end: usize) -> usize {
    at + bytes[at..end].iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Behind the byte at `at`, or behind the quoted or braced text that it opens.
fn skip_one(bytes: &[u8], at: usize, end: usize) -> usize {
    if matches!(bytes[at], b'"' | b'\'' | b'{') { attribute_value(bytes, at, end).1 } else { at + 1 }
}

fn attribute_value(bytes: &[u8], at: usize, end: usize) -> (Option<Range<usize>>, usize) {
    match bytes[..end].get(at) {
        Some(&quote @ (b'"' | b'\'')) => {
            let close = memchr::memchr(quote, &bytes[at + 1..end]).map_or(end, |found| at + 1 + found);
            (Some(at + 1..close), (close + 1).min(end))
        }
        Some(b'{') => {
            let mut depth = 0_usize;
            let close = bytes[at..end].iter().position(|&byte| {
                depth = match byte {
                    b'{' => depth + 1,
                    b'}' => depth.saturating_sub(1),
                    _ => depth,
                };
                depth == 0
            });
            let close = close.map_or(end, |found| at + found);
            let inner = bytes[at + 1..close].trim_ascii();
            let is_string =
                inner.len() >= 2 && matches!(inner[0], b'"' | b'\'' | b'`') && inner.last() == inner.first();
            let from = at + 1 + bytes[at + 1..close].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let value = is_string.then(|| from + 1..from + inner.len() - 1);
            (value, (close + 1).min(end))
        }
        Some(_) => {
            let length = bytes[at..end].iter().take_while(|b| !b.is_ascii_whitespace()).count();
            (Some(at..at + length), at + length)
        }
        None => (None, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(source: &str) -> Vec<String> {
        let describe = |token| match token {
            Token::Text(range) => format!("T:{}", &source[range]),
            Token::Comment(range) => format!("C:{}", &source[range]),
            Token::Tag(tag) => format!(
                "{}{}{}",
                if tag.closing { "/" } else { "" },
                &source[tag.name],
                if tag.self_closing { "/" } else { "" }
            ),
        };
        tokens(source, 0..source.len()).map(describe).collect()
    }

    #[test]
    fn tags_and_what_looks_like_them() {
        assert_eq!(show("a<b>c</b>d"), ["T:a", "b", "T:c", "/b", "T:d"]);
        assert_eq!(show("<br/><img src=\"a>b\" />"), ["br/", "img/"]);
        assert_eq!(show("<Card a={x > 1 ? \"}\" : 2} b='>'>t</Card>"), ["Card", "T:t", "/Card"]);
        assert_eq!(
            show("<!-- a > b --><!DOCTYPE html><?xml?>"),
            ["C:<!-- a > b -->", "C:<!DOCTYPE html>", "C:<?xml?>"]
        );
        assert_eq!(show("1 < 2, <https://a.b>, <me@x.y>, a<b"), ["T:1 < 2, <https://a.b>, <me@x.y>, a<b"]);
        assert_eq!(show("<>x</>"), ["", "T:x", "/"]);
        assert_eq!(show("<a <b>"), ["T:<a ", "b"]);
        assert_eq!(show("<!-- open"), ["T:<!-- open"]);
        assert_eq!(show("<p don't>x"), ["p", "T:x"]);
    }

    #[test]
    fn attribute_values() {
        let source = "<T title=\"A b\" x={1} y={\"s\"} z flag data-a='1' w = q>";
        let found: Vec<_> = attributes(source, 2..source.len() - 1).into_iter().map(|(n, v)| (n, &source[v])).collect();
        assert_eq!(found, [("title", "A b"), ("y", "s"), ("data-a", "1"), ("w", "q")]);
    }

    #[test]
    fn hostile_input_is_linear() {
        let source = "<a x=\"".repeat(200_000);
        assert!(tokens(&source, 0..source.len()).count() > 0);
    }
}
