//! What the documents of the test say: text that follows from a document's number and revision,
//! with a word in every section that stands nowhere else.

use coditect_benches::client::DocumentInput;
use coditect_benches::prose::Prose;

/// Collection that the test writes into.
pub(crate) const COLLECTION: &str = "crash";

/// Every so many documents one is long enough for several passages.
const LONG_EVERY: u32 = 5;

/// Letters of a marker.
const MARKER: usize = 14;

/// Maker of contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contents {
    seed: u64,
}

/// The content of one revision of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Markdown.
    pub(crate) text: String,
    /// The sections, in order.
    pub(crate) sections: Vec<Section>,
}

/// A section of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// A word that only this section of this revision holds.
    pub(crate) marker: String,
    /// The text below the heading.
    pub(crate) body: String,
}

impl Contents {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// What the document says in a revision.
    pub(crate) fn of(&self, document: u32, revision: u32) -> Content {
        let mut prose = Prose::new(self.seed, u64::from(document) << 32 | u64::from(revision));
        let (sections, sentences) = if document.is_multiple_of(LONG_EVERY) { (5, 6) } else { (2, 1) };
        let sections: Vec<Section> = (0..sections)
            .map(|section| {
                let marker = self.marker(document, revision, section);
                let body = format!("The word is {marker}. {} End of {marker}.", prose.paragraph(sentences));
                Section { marker, body }
            })
            .collect();
        let mut text = format!("# Note {document}\n\nRevision {revision} of this note.\n");
        for section in &sections {
            text.push_str(&format!("\n## {}\n\n{}\n", prose.heading(), section.body));
        }
        Content { text, sections }
    }

    /// The document as it is sent.
    pub(crate) fn input(&self, document: u32, revision: u32) -> DocumentInput {
        DocumentInput {
            collection: COLLECTION.to_owned(),
            document_id: name(document),
            text: self.of(document, revision).text,
            format: Some("markdown".to_owned()),
            ..DocumentInput::default()
        }
    }

    fn marker(&self, document: u32, revision: u32, section: u32) -> String {
        let hash = blake3::hash(format!("{} {document} {revision} {section}", self.seed).as_bytes());
        let letters = hash.as_bytes().iter().take(MARKER - 1).map(|byte| char::from(b'a' + byte % 26));
        // No English suffix, so that stemming leaves it alone.
        letters.chain(std::iter::once('q')).collect()
    }
}

/// Id of a document.
pub(crate) fn name(document: u32) -> String {
    format!("notes/{document:04}.md")
}

/// The revision that a text says it is.
pub(crate) fn revision_of(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("Revision "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_text_names_its_revision() {
        assert_eq!(revision_of(&Contents::new(1).of(7, 42).text), Some(42));
        assert_eq!(revision_of("nothing"), None);
    }

    #[test]
    fn markers_are_unique_and_stand_in_the_text() {
        let contents = Contents::new(1);
        let mut seen = BTreeSet::new();
        for (document, revision) in (0..20).flat_map(|document| (0..5).map(move |revision| (document, revision))) {
            let content = contents.of(document, revision);
            for section in content.sections {
                assert!(content.text.contains(&section.body));
                assert!(seen.insert(section.marker));
            }
        }
    }
}
