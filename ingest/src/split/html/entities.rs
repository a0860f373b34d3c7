//! Copies text into a block with entities decoded and white space collapsed, as a browser would show it.

use std::ops::Range;

use crate::split::block::Block;

/// Appends text. `preformatted` text keeps its white space.
pub(in crate::split) fn push_text(block: &mut Block, source: &str, range: Range<usize>, preformatted: bool) {
    let bytes = source.as_bytes();
    let mut start = range.start;
    let mut at = range.start;
    while at < range.end {
        match bytes[at] {
            b'&' => {
                if let Some((end, decoded)) = entity(source, at, range.end) {
                    block.push_source(source, start..at);
                    block.push_text(at..end, &decoded);
                    (start, at) = (end, end);
                    continue;
                }
            }
            byte if !preformatted && byte.is_ascii_whitespace() => {
                let end = at + bytes[at..range.end].iter().take_while(|b| b.is_ascii_whitespace()).count();
                let is_plain = end == at + 1 && byte == b' ' && (at > start || ends_in_word(block));
                if !is_plain {
                    block.push_source(source, start..at);
                    if ends_in_word(block) {
                        block.push_text(at..end, " ");
                    }
                    start = end;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    block.push_source(source, start..range.end);
}

fn ends_in_word(block: &Block) -> bool {
    !block.text.is_empty() && !block.text.ends_with([' ', '\n'])
}

/// The character of the entity at `at`, and the position behind it.
fn entity(source: &str, at: usize, end: usize) -> Option<(usize, String)> {
    const LONGEST: usize = 34;
    let window = &source.as_bytes()[at..end.min(at + LONGEST)];
    let length = memchr::memchr(b';', window)? + 1;
    let text = &source[at..at + length];
    if !text[1..length - 1].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#') {
        return None;
    }
    let decoded = html_escape::decode_html_entities(text);
    (decoded != text).then(|| (at + length, decoded.replace('\u{a0}', " ")))
}

#[cfg(test)]
mod tests {
    use super::super::super::block::BlockKind;
    use super::*;

    fn shown(source: &str, preformatted: bool) -> String {
        let mut block = Block::new(BlockKind::Prose, 0);
        push_text(&mut block, source, 0..source.len(), preformatted);
        block.text
    }

    #[test]
    fn entities_and_white_space() {
        assert_eq!(shown("a &lt;b&gt;  &amp;\n c", false), "a <b> & c");
        assert_eq!(shown("&#x7B;&nbsp;&unknown; & &;", false), "{ &unknown; & &;");
        assert_eq!(shown("  a\n  b", true), "  a\n  b");
        assert_eq!(shown("  a b ", false), "a b ");
        assert_eq!(shown("é&eacute;", false), "éé");
    }
}
