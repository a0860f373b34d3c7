//! Generated text that behaves like documentation: sentences from a small grammar, words drawn by
//! Zipf's law, so that term frequencies and vectors spread as in real text. Same seed, same text.

mod words;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use words::{ADJECTIVES, NOUNS, QUESTIONS, SENTENCES, VERBS};

/// A source of text.
#[derive(Debug, Clone)]
pub struct Prose {
    random: ChaCha8Rng,
}

impl Prose {
    /// Text that depends on the seed and the number of the piece alone.
    #[must_use]
    pub fn new(seed: u64, piece: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(piece);
        Self { random }
    }

    /// One sentence of some eight to twenty words.
    pub fn sentence(&mut self) -> String {
        let template = self.pick(SENTENCES);
        self.fill(template)
    }

    /// A question as a person types it.
    pub fn question(&mut self) -> String {
        let template = self.pick(QUESTIONS);
        self.fill(template)
    }

    /// A heading of two or three words.
    pub fn heading(&mut self) -> String {
        let heading = self.fill("{A} {N}");
        let mut letters = heading.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    }

    /// A paragraph of that many sentences.
    pub fn paragraph(&mut self, sentences: usize) -> String {
        let sentences: Vec<String> = (0..sentences).map(|_| self.sentence()).collect();
        sentences.join(" ")
    }

    /// A Markdown page with that many sections, each about as long as a passage.
    pub fn page(&mut self, sections: usize) -> String {
        let mut page = format!("# {}\n", self.heading());
        for _ in 0..sections {
            let sentences = self.random.random_range(6..10);
            page.push_str(&format!("\n## {}\n\n{}\n", self.heading(), self.paragraph(sentences)));
        }
        page
    }

    /// A vector of length one whose direction is drawn evenly.
    pub fn direction(&mut self, dimension: usize) -> Vec<f32> {
        let raw: Vec<f32> = (0..dimension).map(|_| self.normal()).collect();
        let length = raw.iter().map(|it| it * it).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        raw.iter().map(|it| it / length).collect()
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound)
    }

    /// A normal deviate (Box and Muller).
    fn normal(&mut self) -> f32 {
        let radius: f32 = self.random.random_range(f32::MIN_POSITIVE..1.0);
        let angle: f32 = self.random.random_range(0.0..std::f32::consts::TAU);
        (-2.0 * radius.ln()).sqrt() * angle.cos()
    }

    /// Replaces `{N}`, `{V}`, `{A}` and `{D}` by a noun, a verb, an adjective and a number.
    fn fill(&mut self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() * 2);
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            match &rest[at..at + 3] {
                "{N}" => out.push_str(self.zipf(NOUNS)),
                "{V}" => out.push_str(self.zipf(VERBS)),
                "{A}" => out.push_str(self.zipf(ADJECTIVES)),
                _ => out.push_str(&self.random.random_range(1..5000).to_string()),
            }
            rest = &rest[at + 3..];
        }
        out.push_str(rest);
        out
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.random.random_range(0..list.len())]
    }

    /// An entry with a frequency that falls about as one over its rank.
    fn zipf<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let share: f64 = self.random.random_range(0.0..1.0);
        let rank = ((list.len() + 1) as f64).powf(share) as usize - 1;
        list[rank.min(list.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        assert_eq!(Prose::new(1, 2).page(3), Prose::new(1, 2).page(3));
        assert_ne!(Prose::new(1, 2).page(3), Prose::new(1, 3).page(3));
        assert_ne!(Prose::new(2, 2).page(3), Prose::new(1, 2).page(3));
    }

    #[test]
    fn every_slot_is_filled() {
        let mut prose = Prose::new(5, 0);
        for _ in 0..500 {
            let text = format!("{} {} {}", prose.sentence(), prose.question(), prose.heading());
            assert!(!text.contains(['{', '}']), "{text}");
        }
    }

    #[test]
    fn questions_hardly_repeat() {
        let mut prose = Prose::new(7, 0);
        let questions: BTreeSet<String> = (0..2000).map(|_| prose.question()).collect();
        assert!(questions.len() > 1950, "{}", questions.len());
    }

    #[test]
    fn directions_have_length_one() {
        let vector = Prose::new(3, 0).direction(384);
        let length: f32 = vector.iter().map(|it| it * it).sum();
        assert!((length - 1.0).abs() < 1e-4 && vector.len() == 384);
    }
}
