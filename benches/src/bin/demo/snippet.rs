//! A few lines of a passage around what matches, safe to print.

use coditect_benches::client::Span;

/// Lines of a snippet.
const LINES: usize = 4;

/// Characters of a line.
const WIDTH: usize = 100;

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Text without control characters.
    pub(crate) text: String,
    /// Whether it matches the query.
    pub(crate) hit: bool,
}

/// A line of a passage.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) pieces: Vec<Piece>,
    /// Whether it is evidence.
    pub(crate) answers: bool,
}

/// The lines around the strongest evidence, or those with the most matches close together, each cut into pieces.
pub(crate) fn lines(text: &str, highlights: &[Span], evidence: Option<Span>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        if !line.trim().is_empty() {
            lines.push((start, line));
        }
        start += line.len() + 1;
    }
    let answers =
        |&(start, line): &(usize, &str)| evidence.is_some_and(|it| it.start < start + line.len() && start < it.end);
    let first = match lines.iter().position(answers) {
        Some(answer) => answer.saturating_sub(1).min(lines.len().saturating_sub(LINES)),
        None => best_window(&lines, highlights),
    };
    let shown = lines.iter().skip(first).take(LINES);
    shown.map(|line| Line { pieces: pieces(line.0, line.1, highlights), answers: answers(line) }).collect()
}

/// Index of the first line of the window that holds the most matches; the first such window.
fn best_window(lines: &[(usize, &str)], highlights: &[Span]) -> usize {
    let hits: Vec<usize> = lines
        .iter()
        .map(|(start, line)| highlights.iter().filter(|it| it.start >= *start && it.start < start + line.len()).count())
        .collect();
    let windows = hits.len().saturating_sub(LINES) + 1;
    let matches = |first: &usize| hits.iter().skip(*first).take(LINES).sum::<usize>();
    (0..windows).max_by_key(|first| (matches(first), std::cmp::Reverse(*first))).unwrap_or(0)
}

fn pieces(start: usize, line: &str, highlights: &[Span]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (width, (at, character)) in line.char_indices().enumerate() {
        if width == WIDTH {
            pieces.push(Piece { text: "…".to_owned(), hit: false });
            break;
        }
        let hit = highlights.iter().any(|it| it.start <= start + at && start + at < it.end);
        let character = printable(character);
        match pieces.last_mut() {
            Some(last) if last.hit == hit => last.text.push(character),
            _ => pieces.push(Piece { text: character.to_string(), hit }),
        }
    }
    pieces
}

/// Text without control characters, which could steer the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(printable).collect()
}

/// The first characters of a line, with a mark where some are left out.
pub(crate) fn cut(line: &str, width: usize) -> String {
    let mut out: String = line.chars().take(width).collect();
    if line.chars().nth(width).is_some() {
        out.push('…');
    }
    out
}

fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.pieces.iter().map(|piece| piece.text.as_str()).collect()).collect()
    }

    #[test]
    fn matches_are_marked_by_byte_offsets() {
        let lines = lines("größe der Welt", &[Span { start: 12, end: 16 }], None);
        let hits: Vec<&str> = lines[0].pieces.iter().filter(|it| it.hit).map(|it| it.text.as_str()).collect();
        assert_eq!(hits, ["Welt"]);
    }

    #[test]
    fn the_window_moves_to_where_the_matches_are() {
        let text = "a\n\nb\nc\nd\ne\nhit here\nf\n";
        let at = text.find("hit").unwrap();
        let shown = text_of(&lines(text, &[Span { start: at, end: at + 3 }], None));
        assert!(shown.contains(&"hit here".to_owned()), "{shown:?}");
        assert_eq!(text_of(&lines(text, &[], None)), ["a", "b", "c", "d"]);
    }

    #[test]
    fn evidence_is_shown_and_marked() {
        let text = "a\nb\nc\nd\ne\nthe answer\nf\n";
        let at = text.find("the").unwrap();
        let lines = lines(text, &[Span { start: 0, end: 1 }], Some(Span { start: at, end: at + 10 }));
        assert_eq!(text_of(&lines), ["d", "e", "the answer", "f"]);
        assert_eq!(lines.iter().map(|line| line.answers).collect::<Vec<_>>(), [false, false, true, false]);
    }

    #[test]
    fn control_characters_and_bad_offsets_do_no_harm() {
        let shown = text_of(&lines("a\u{1b}[31mb", &[Span { start: 3, end: 900 }, Span { start: 9, end: 2 }], None));
        assert_eq!(shown, ["a [31mb"]);
        assert!(lines("", &[], Some(Span { start: 3, end: 9 })).is_empty());
    }

    #[test]
    fn long_lines_are_cut_with_a_mark() {
        let shown = text_of(&lines(&"x".repeat(500), &[], None));
        assert_eq!(shown[0].chars().count(), WIDTH + 1);
        assert_eq!(cut("abc", 2), "ab…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
