//! Front matter: the YAML (or TOML) between two fences at the top of a Markdown file.

use std::ops::Range;

use serde_json::{Map, Value};

use super::block::{Block, BlockKind, heading_text};
use super::limits::FRONT_MATTER_BYTES;
use super::lines::each_line;

/// What stands above the text.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    pub(super) title: Option<String>,
    pub(super) metadata: Map<String, Value>,
    /// What of it is worth reading: descriptions, names, tags.
    pub(super) block: Option<Block>,
    pub(super) warning: Option<String>,
    /// Where the text begins.
    pub(super) end: usize,
}

/// Reads the front matter that begins at `start`, if there is one. Whatever is wrong with it, the text
/// below it is found and nothing of it is lost.
pub(super) fn read(source: &str, start: usize) -> FrontMatter {
    let Some((fence, inner, end)) = find(source, start) else {
        let opened = source[start..].starts_with("---\n") || source[start..].starts_with("---\r\n");
        let looks_meant = opened && source[start..].lines().nth(1).is_some_and(|line| key_of(line).is_some());
        let warning = looks_meant.then(|| "front matter is not closed; taken as text".to_owned());
        return FrontMatter { end: start, warning, ..FrontMatter::default() };
    };
    let text = &source[inner.clone()];
    let parsed = if fence == "---" { from_yaml(text) } else { from_toml(text) };
    let mut front = FrontMatter { end, ..FrontMatter::default() };
    match parsed {
        Ok(metadata) => {
            front.title =
                metadata.get("title").and_then(Value::as_str).map(heading_text).filter(|title| !title.is_empty());
            front.block = readable(source, inner, |key| {
                metadata.get(key).is_none_or(|value| key != "title" && is_prose(key, value))
            });
            front.metadata = metadata;
        }
        Err(reason) => {
            front.warning = Some(format!("front matter is broken, taken as text: {reason}"));
            front.title = title_line(text);
            front.block = readable(source, inner, |_| true);
        }
    }
    front
}

fn find(source: &str, start: usize) -> Option<(&'static str, Range<usize>, usize)> {
    let rest = &source[start..];
    let fence = ["---", "+++"].into_iter().find(|fence| rest.starts_with(fence))?;
    let first_break = rest.find('\n')?;
    if rest[fence.len()..first_break].trim() != "" {
        return None;
    }
    let inner = start + first_break + 1;
    let limit = source.floor_char_boundary(inner + FRONT_MATTER_BYTES);
    let mut found = None;
    each_line(source, inner..limit, |line| {
        let text = source[line.clone()].trim_end();
        if found.is_none() && (text == fence || (fence == "---" && text == "...")) {
            found = Some(line);
        }
    });
    let closing = found?;
    let text = &source[inner..closing.start];
    // A rule, some text and another rule are not front matter: that begins with a key or a comment.
    let is_meant = text.trim().is_empty() || text.lines().any(|line| key_of(line).is_some());
    is_meant.then_some((fence, inner..closing.start, closing.end))
}

fn from_yaml(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err("it is not a mapping".to_owned()),
        Err(error) => {
            let message = error.to_string();
            Err(message.lines().next().unwrap_or("not YAML").to_owned())
        }
    }
}

/// Plain `key = value` lines are all that is taken from TOML.
fn from_toml(text: &str) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            let parsed = serde_json::from_str(value);
            map.insert(key.trim().to_owned(), parsed.unwrap_or_else(|_| Value::from(value.trim_matches('\''))));
        }
    }
    Ok(map)
}

fn title_line(text: &str) -> Option<String> {
    let line = text.lines().find(|line| key_of(line) == Some("title"))?;
    let value = line["title".len()..].trim_start_matches([':', '=', ' ']).trim().trim_matches(['"', '\'']);
    Some(heading_text(value)).filter(|title| !title.is_empty())
}

/// The key of a top-level line such as `key: value`.
fn key_of(line: &str) -> Option<&str> {
    let end = line.find([':', '='])?;
    let key = line[..end].trim_end();
    let is_name = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    is_name.then_some(key)
}

/// A value is worth reading when it has words, or names what the document is about.
fn is_prose(key: &str, value: &Value) -> bool {
    const ABOUT: [&str; 7] = ["name", "description", "summary", "tags", "keywords", "categories", "aliases"];
    match value {
        Value::String(text) => text.trim().contains(char::is_whitespace) || ABOUT.contains(&key),
        Value::Array(items) => items.iter().any(|item| is_prose(key, item)),
        Value::Object(object) => object.iter().any(|(key, value)| is_prose(key, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The wanted keys' lines as a block, without key names and YAML's signs.
fn readable(source: &str, inner: Range<usize>, wanted: impl Fn(&str) -> bool) -> Option<Block> {
    let mut block = Block::new(BlockKind::Prose, inner.start);
    let mut is_wanted = true;
    each_line(source, inner, |line| {
        let text = source[line.clone()].trim_end();
        let mut value = line.start..line.start + text.len();
        let is_nested = text.starts_with([' ', '\t', '-', '#']);
        if let Some(key) = key_of(text).filter(|_| !is_nested) {
            is_wanted = wanted(key);
            value.start += text.find([':', '=']).map_or(0, |at| at + 1);
        }
        if !is_wanted {
            return;
        }
        let signs = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '|' | '>' | '[' | ']' | '-' | '{' | '}');
        let text = &source[value.clone()];
        let trimmed = text.trim_start_matches(signs);
        let from = value.start + (text.len() - trimmed.len());
        let to = from + trimmed.trim_end_matches(signs).len();
        if to > from {
            if block.text.is_empty() {
                block = Block::new(BlockKind::Prose, line.start);
            }
            block.separate(from, "\n");
            block.push_source(source, from..to);
        }
    });
    (!block.is_blank()).then_some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(source: &str) -> (FrontMatter, String) {
        let front = read(source, 0);
        let text = front.block.as_ref().map(|block| block.text.clone()).unwrap_or_default();
        (front, text)
    }

    #[test]
    fn prose_is_read_and_settings_are_not() {
        let (front, text) = text_of(
            "---\ntitle: \"A: b\"\nicon: home\norder: 3\ntags: [x, y]\ndescription: >\n  Use it\n  well\n---\nbody",
        );
        assert_eq!(front.title.as_deref(), Some("A: b"));
        assert_eq!(text, "x, y\nUse it\nwell");
        assert_eq!(front.metadata["order"], 3);
        assert_eq!(front.warning, None);
    }

    #[test]
    fn broken_front_matter_is_kept_as_text() {
        let (front, text) = text_of("---\ntitle: Hello\nbad: [1, \nname: x: y\n---\nbody");
        assert!(front.warning.is_some());
        assert_eq!(front.title.as_deref(), Some("Hello"));
        assert!(text.contains("x: y") && text.contains("Hello"));
        assert_eq!(front.end, 42);
    }

    #[test]
    fn rules_are_not_front_matter() {
        for source in ["---\n\nA rule above.\n\n---\nbody", "--- x\n---\n", "---\n- a\n---\n", "---", "---\n", "text"] {
            let (front, text) = text_of(source);
            assert_eq!((front.end, text.as_str()), (0, ""), "{source:?}");
        }
    }

    #[test]
    fn an_unclosed_one_warns() {
        let (front, _) = text_of("---\ntitle: x\n# Body\n");
        assert_eq!(front.end, 0);
        assert!(front.warning.is_some());
    }
}
