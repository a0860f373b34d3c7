//! The marker lines of indented blocks as MkDocs writes them: `!!! note "Title"`, `??? tip`, `=== "Tab"`.

use std::ops::Range;

/// Columns by which the content of such a block is indented.
pub(super) const INDENT: usize = 4;

/// The part of a marker line that a page shows: the title, else the kind of the block.
pub(super) fn title(line: &str) -> Option<Range<usize>> {
    let indent = line.len() - line.trim_start().len();
    let body = &line[indent..];
    let marker = ["!!!", "???+", "???", "==="]
        .into_iter()
        .find(|marker| body.strip_prefix(marker).is_some_and(|rest| rest.starts_with(' ')))?;
    let rest_start = indent + marker.len() + 1;
    let rest = line[rest_start..].trim_end();
    let quoted = rest.find('"').and_then(|open| {
        let close = rest[open + 1..].rfind('"')?;
        Some(rest_start + open + 1..rest_start + open + 1 + close)
    });
    if marker == "===" && quoted.is_none() {
        return None;
    }
    let word = rest.split_whitespace().next()?;
    if !word.starts_with('"') && !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    Some(quoted.unwrap_or(rest_start..rest_start + rest.len()))
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn markers() {
        let shown = |line: &str| title(line).map(|range| line[range].to_owned());
        assert_eq!(shown("!!! note \"A b\"\n").as_deref(), Some("A b"));
        assert_eq!(shown("    === \"Tab\"").as_deref(), Some("Tab"));
        assert_eq!(shown("??? warning\n").as_deref(), Some("warning"));
        assert_eq!(shown("!!! abstract \"\"").as_deref(), Some(""));
        assert_eq!(shown("=== not a tab"), None);
        assert_eq!(shown("!!!"), None);
        assert_eq!(shown("!!! "), None);
        assert_eq!(shown("??? !"), None);
    }
}
