//! The fields of the tantivy index.

use tantivy::TantivyDocument;
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

use super::analysis::Kind;
use super::options::{FieldWeight, KeywordOptions};

/// The text of a passage, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassageFields {
    /// Title of the document.
    pub title: String,
    /// Headings above the passage, joined by newlines.
    pub headings: String,
    /// The passage, without markup.
    pub text: String,
    /// Path of the document.
    pub path: String,
    /// Programming language of the document, empty for prose. Questions about code name it, code itself hardly ever
    /// does: without it the name would count as a rare word where all documents are in that language.
    pub language: String,
}

/// The schema's fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) slot: Field,
    pub(crate) title: Field,
    pub(crate) headings: Field,
    pub(crate) text: Field,
    pub(crate) pieces: Field,
    pub(crate) path: Field,
    pub(crate) compounds: Field,
}

impl Fields {
    /// Number of fields with lengths, see [`Fields::texts`].
    pub(crate) const TEXTS: usize = 6;

    pub(crate) fn schema() -> (Schema, Self) {
        let mut builder = Schema::builder();
        let mut text = |name: &str, kind: Kind, record: IndexRecordOption| {
            let indexing =
                TextFieldIndexing::default().set_tokenizer(kind.name()).set_index_option(record).set_fieldnorms(true);
            builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        };
        let (placed, counted) = (IndexRecordOption::WithFreqsAndPositions, IndexRecordOption::WithFreqs);
        let fields = Self {
            title: text("title", Kind::Words, placed),
            headings: text("headings", Kind::Words, placed),
            text: text("text", Kind::Words, placed),
            pieces: text("pieces", Kind::Pieces, counted),
            path: text("path", Kind::Words, counted),
            compounds: text("compounds", Kind::Compounds, counted),
            slot: builder.add_u64_field("slot", FAST),
        };
        (builder.build(), fields)
    }

    /// The fields with text and how each counts; a field's place here is its number in [`super::snapshot`].
    pub(crate) fn texts(&self, options: &KeywordOptions) -> [(Field, FieldWeight); Self::TEXTS] {
        [
            (self.title, options.title),
            (self.headings, options.headings),
            (self.text, options.text),
            (self.pieces, options.pieces),
            (self.path, options.path),
            (self.compounds, options.compounds),
        ]
    }

    /// Whether the field at this place holds whole identifiers instead of words.
    pub(crate) fn holds_compounds(place: usize) -> bool {
        place == Self::TEXTS - 1
    }

    /// Fields in which phrases are looked for.
    pub(crate) fn placed(&self) -> [Field; 3] {
        [self.title, self.headings, self.text]
    }

    pub(crate) fn document(&self, slot: u32, passage: &PassageFields) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.slot, u64::from(slot));
        document.add_text(self.title, &passage.title);
        document.add_text(self.headings, &passage.headings);
        document.add_text(self.text, &passage.text);
        document.add_text(self.path, &passage.path);
        document.add_text(self.path, &passage.language);
        for part in [&passage.title, &passage.headings, &passage.text] {
            document.add_text(self.pieces, part);
            document.add_text(self.compounds, part);
        }
        document.add_text(self.pieces, &passage.path);
        document.add_text(self.compounds, &passage.path);
        document
    }
}
