//! What is embedded in front of a passage: the document's title and the headings above it.

use super::SplitPassage;
use super::limits::{PREFIX_BYTES, PREFIX_HEADING_BYTES};

const BETWEEN: &str = " > ";

/// The text that is embedded for a passage: title, headings, then the readable text.
///
/// The path of the file has no part in it, so that exact copies have equal vectors. `title` is the title
/// that the passages were split with: [`SplitDocument::title`](super::SplitDocument).
#[must_use]
pub fn embed_text(title: Option<&str>, passage: &SplitPassage) -> String {
    prefixed(title, &passage.heading_path, &passage.index_text)
}

/// The text below its title and headings. The innermost heading is left out where the text says it anyway, as the
/// code of a definition says the name: a name that stands there twice outweighs what the code does.
pub(super) fn prefixed(title: Option<&str>, headings: &[String], text: &str) -> String {
    let is_said = headings.last().is_some_and(|last| text.contains(last.as_str()));
    let unsaid = &headings[..headings.len() - usize::from(is_said)];
    let prefix = prefix(title, unsaid);
    match (prefix.is_empty(), text.is_empty()) {
        (true, _) => text.to_owned(),
        (_, true) => prefix,
        _ => format!("{prefix}\n{text}"),
    }
}

/// Title and headings on one line of at most [`PREFIX_BYTES`]. The innermost headings and the title are
/// kept before those between them.
pub(super) fn prefix(title: Option<&str>, headings: &[String]) -> String {
    let title = title.filter(|title| headings.first().is_none_or(|first| first != title));
    let mut room = PREFIX_BYTES;
    let mut kept: Vec<&str> = Vec::new();
    if let Some(last) = headings.last() {
        take(last, &mut room, &mut kept);
    }
    let outer = title.into_iter().chain(headings.iter().map(String::as_str).take(headings.len().saturating_sub(1)));
    let mut outer: Vec<&str> = outer.collect();
    let first = if outer.is_empty() { None } else { Some(outer.remove(0)) };
    let mut front = Vec::new();
    if let Some(first) = first {
        take(first, &mut room, &mut front);
    }
    for heading in outer.into_iter().rev() {
        take(heading, &mut room, &mut kept);
    }
    front.extend(kept.into_iter().rev());
    front.join(BETWEEN)
}

fn take<'a>(heading: &'a str, room: &mut usize, kept: &mut Vec<&'a str>) {
    let clipped = heading[..heading.floor_char_boundary(PREFIX_HEADING_BYTES)].trim();
    let cost = clipped.len() + BETWEEN.len();
    if !clipped.is_empty() && cost <= *room {
        *room -= cost;
        kept.push(clipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(title: Option<&str>, headings: &[&str]) -> String {
        let headings: Vec<String> = headings.iter().map(ToString::to_string).collect();
        prefix(title, &headings)
    }

    #[test]
    fn title_and_headings_in_order() {
        assert_eq!(of(None, &[]), "");
        assert_eq!(of(Some("T"), &[]), "T");
        assert_eq!(of(Some("T"), &["A", "B", "C"]), "T > A > B > C");
        assert_eq!(of(Some("A"), &["A", "B"]), "A > B");
    }

    #[test]
    fn a_heading_that_the_text_says_is_not_said_twice() {
        let headings = ["Store".to_owned(), "open".to_owned()];
        assert_eq!(prefixed(Some("T"), &headings, "fn open() {}"), "T > Store\nfn open() {}");
        assert_eq!(prefixed(Some("T"), &headings, "    close()"), "T > Store > open\n    close()");
        assert_eq!(prefixed(None, &headings[1..], "fn open() {}"), "fn open() {}");
        assert_eq!(prefixed(None, &headings[1..], ""), "open");
    }

    #[test]
    fn too_long_a_path_loses_its_middle() {
        let long = "m".repeat(90);
        assert_eq!(of(Some("T"), &["A", &long, &long, "B"]), format!("T > A > {long} > B"));
        let huge = "é".repeat(5000);
        let text = of(Some(&huge), &[&huge, &huge, "last"]);
        assert!(text.len() <= PREFIX_BYTES && text.ends_with("last"));
    }
}
