//! How the demo looks on a terminal: plain text into a file, colours on a screen.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use coditect_benches::client::{ContextAnswer, SearchResult, Span, Took};

use crate::snippet::{self, Piece};

/// Cells of a score bar.
const BAR: usize = 10;

/// Lines of a context that are shown.
const CONTEXT_LINES: usize = 14;

/// Characters of a line of the context.
const CONTEXT_WIDTH: usize = 100;

/// Standard output, with or without colours.
pub(crate) struct Screen {
    strong: Style,
    place: Style,
    faint: Style,
    hit: Style,
    good: Style,
}

impl Screen {
    /// Colours where standard output is a terminal and `NO_COLOR` is not set.
    pub(crate) fn new() -> Self {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        let style = |style: Style| if coloured { style } else { Style::new() };
        Self {
            strong: style(Style::new().bold()),
            place: style(AnsiColor::Cyan.on_default()),
            faint: style(Style::new().dimmed()),
            hit: style(AnsiColor::Yellow.on_default().bold()),
            good: style(AnsiColor::Green.on_default()),
        }
    }

    /// A step of the demo that is done.
    pub(crate) fn step(&self, text: &str) {
        let good = self.good;
        println!("{good}●{good:#} {text}");
    }

    /// A question and how long its answer took.
    pub(crate) fn question(&self, question: &str, millis: f64, took: Took) {
        let (strong, faint) = (self.strong, self.faint);
        println!("\n{strong}? {question}{strong:#}");
        println!(
            "{faint}  {millis:.1} ms (embed {:.1}, search {:.1}, of it late interaction {:.1}){faint:#}",
            took.embed, took.search, took.late
        );
    }

    /// One passage of an answer.
    pub(crate) fn result(&self, result: &SearchResult) {
        let (place, faint, good) = (self.place, self.faint, self.good);
        let passage = &result.passage;
        let evidence = result.evidence.first();
        let answer =
            evidence.map_or(String::new(), |it| format!("  answer in {}", line_range(it.line_start, it.line_end)));
        println!(
            "\n  {good}{}{good:#} {:.2}  {place}{}:{}-{}{place:#}{faint}{answer}{faint:#}",
            bar(result.score),
            result.score,
            snippet::clean(&result.document_id),
            passage.line_start,
            passage.line_end
        );
        if !passage.heading_path.is_empty() {
            println!("  {faint}{}{faint:#}", snippet::clean(&passage.heading_path.join(" › ")));
        }
        let evidence = evidence.map(|it| Span { start: it.start, end: it.end });
        for line in snippet::lines(&passage.text, &result.highlights, evidence) {
            let mark = if line.answers { format!("{good}▶{good:#}") } else { "│".to_owned() };
            println!("  {mark} {}", self.painted(&line.pieces));
        }
        if !result.also_in.is_empty() {
            let copies: Vec<String> = result.also_in.iter().map(|copy| snippet::clean(&copy.document_id)).collect();
            println!("  {faint}also in {}{faint:#}", copies.join(", "));
        }
    }

    /// A packed context and what its numbers stand for.
    pub(crate) fn context(&self, question: &str, answer: &ContextAnswer, millis: f64) {
        let (strong, faint, place) = (self.strong, self.faint, self.place);
        println!("\n{strong}context for an agent: {question}{strong:#}");
        println!("{faint}  {millis:.1} ms, {} tokens, {} citations{faint:#}\n", answer.tokens, answer.citations.len());
        let lines: Vec<&str> = answer.text.lines().collect();
        for line in lines.iter().take(CONTEXT_LINES) {
            println!("  │ {}", snippet::cut(&snippet::clean(line), CONTEXT_WIDTH));
        }
        if lines.len() > CONTEXT_LINES {
            println!("  {faint}│ … {} more lines{faint:#}", lines.len() - CONTEXT_LINES);
        }
        println!();
        for citation in &answer.citations {
            let name = snippet::clean(&citation.document_id);
            println!("  [{}] {place}{name}:{}-{}{place:#}", citation.n, citation.line_start, citation.line_end);
        }
        println!();
    }

    fn painted(&self, pieces: &[Piece]) -> String {
        let hit = self.hit;
        let paint = |piece: &Piece| match piece.hit {
            true => format!("{hit}{}{hit:#}", piece.text),
            false => piece.text.clone(),
        };
        pieces.iter().map(paint).collect()
    }
}

fn line_range(first: u32, last: u32) -> String {
    if first == last { format!("line {first}") } else { format!("lines {first}-{last}") }
}

/// A score from 0 to 1 as a bar of fixed width.
fn bar(score: f64) -> String {
    let full = (score.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_a_fixed_width() {
        assert_eq!(bar(0.5), "█████░░░░░");
        assert_eq!(bar(7.0).chars().count(), BAR);
        assert_eq!(bar(f64::NAN).chars().count(), BAR);
    }
}
