//! From what a client sent to passages that wait for their vectors: checks, format, splitting, hashes.

use coditect_engine::model::{
    CollectionName, DocumentId, NewDocument, NewPassage, PassageLocation, TextHash, TokenCodes,
};
use coditect_ingest::embed::TextTokens;
use coditect_ingest::split::{self, Format, SourceMap, SplitDocument, SplitOptions, SplitPassage, TokenCounter};
use coditect_ingest::wire::{self, DocumentInput};
use serde_json::{Map, Value};

use super::hash::PipelineId;
use crate::limits;
use crate::problem::{Problem, Result};

/// A document whose fields are in order.
pub(super) struct Checked {
    pub(super) collection: CollectionName,
    pub(super) id: DocumentId,
    pub(super) content_hash: String,
}

/// A document whose passages wait for their vectors.
pub(super) struct Prepared {
    pub(super) document: NewDocument,
    /// What is embedded for each passage.
    pub(super) texts: Vec<Embeddable>,
    pub(super) warnings: Vec<String>,
    /// Whether the collection keeps token codes.
    pub(super) holds_codes: bool,
}

/// What is embedded for a passage, and the way back from its bytes to the text that is shown.
pub(super) struct Embeddable {
    pub(super) text: String,
    /// Where the passage begins in `text`, behind title and headings.
    body: usize,
    map: SourceMap,
    /// Where the shown text begins in the source.
    shown: usize,
}

impl Embeddable {
    /// The codes of a passage whose text has these tokens.
    pub(super) fn codes(&self, tokens: &TextTokens) -> Option<TokenCodes> {
        let own = tokens.starts.iter().map(|&start| start as usize).skip_while(|&start| start < self.body);
        let places: Vec<usize> =
            own.map(|start| self.map.source(start - self.body).saturating_sub(self.shown)).collect();
        TokenCodes::new(&tokens.ids, &places, &tokens.signs)
    }
}

/// Checks the fields of a document.
pub(super) fn check(input: &DocumentInput) -> Result<Checked> {
    let collection = CollectionName::new(input.collection.as_str())?;
    let id = document_id(input)?;
    let bounded = |pointer: &str, value: Option<&str>, limit: usize| match value.map_or(0, str::len) {
        length if length > limit => {
            Err(Problem::field(pointer, format!("{length} bytes, at most {limit} are allowed")))
        }
        _ => Ok(()),
    };
    bounded("/kind", input.kind.as_deref(), limits::KIND_BYTES)?;
    bounded("/title", input.title.as_deref(), coditect_engine::limits::TITLE_BYTES)?;
    bounded("/source", input.source.as_deref(), coditect_engine::limits::SOURCE_BYTES)?;
    bounded("/format", input.format.as_deref(), limits::KIND_BYTES)?;
    if input.format.as_deref().is_some_and(|format| Format::from_name(format).is_none()) {
        return Err(Problem::field(
            "/format",
            "this format is not known: markdown, mdx, rst, html, text or a language",
        ));
    }
    if input.text.trim().is_empty() {
        return Err(Problem::field("/text", "the document has no text"));
    }
    let content_hash = wire::content_hash(input);
    match &input.content_hash {
        Some(given) if *given != content_hash => Err(Problem::field(
            "/content_hash",
            "does not fit the document: leave it out, or compute it over what is sent",
        )),
        _ => Ok(Checked { collection, id, content_hash }),
    }
}

/// The document's place, if its collection and id are in order.
pub(super) fn place(input: &DocumentInput) -> Option<(CollectionName, DocumentId)> {
    Some((CollectionName::new(input.collection.as_str()).ok()?, document_id(input).ok()?))
}

/// Clients tidy `.` and `..` away even when they are encoded: such a document could be written and never be read.
fn document_id(input: &DocumentInput) -> Result<DocumentId> {
    match input.document_id.as_str() {
        "." | ".." => Err(Problem::field("/document_id", "`.` and `..` cannot be named in a URL")),
        id => Ok(DocumentId::new(id)?),
    }
}

/// Splits a checked document. This takes processor time: call it where blocking is allowed.
pub(super) fn prepare(
    input: DocumentInput,
    checked: &Checked,
    pipeline: &PipelineId,
    options: &SplitOptions,
    counter: &dyn TokenCounter,
) -> Result<Prepared> {
    let split = split::split_input(&input, options, counter);
    if split.passages.is_empty() {
        return Err(Problem::field("/text", "the document has no readable text"));
    }
    let SplitDocument { title, metadata, passages, mut warnings } = split;
    let embeddable = |passage: &SplitPassage| {
        let text = split::embed_text(title.as_deref(), passage);
        let body = text.len() - passage.index_text.len();
        let shown = usize::try_from(passage.bytes.start).unwrap_or(usize::MAX);
        Embeddable { text, body, map: passage.source_map.clone(), shown }
    };
    let texts: Vec<Embeddable> = passages.iter().map(embeddable).collect();
    let format = split::format_of(&input);
    let kind = kind(&input, format);
    let language = format.language().map(str::to_owned);
    let title = title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| file_name(&input).to_owned());
    let metadata = merged(metadata, input.metadata, &mut warnings);
    let passages = passages.into_iter().zip(&texts).map(|(passage, embeddable)| NewPassage {
        text: passage.text,
        index_text: passage.index_text,
        location: PassageLocation { heading_path: passage.heading_path, bytes: passage.bytes, lines: passage.lines },
        embed_hash: TextHash::of(&embeddable.text),
        vector: Vec::new(),
        codes: None,
    });
    let document = NewDocument {
        id: checked.id.clone(),
        kind,
        language,
        title: clipped(title, coditect_engine::limits::TITLE_BYTES),
        source: input.source.unwrap_or(input.document_id),
        content_hash: pipeline.stored(&checked.content_hash),
        passages: passages.collect(),
        metadata,
        text: input.text,
    };
    Ok(Prepared { document, texts, warnings, holds_codes: false })
}

fn kind(input: &DocumentInput, format: Format) -> String {
    let given = input.kind.as_deref().filter(|kind| !kind.is_empty());
    given.unwrap_or_else(|| split::kind_of(input.source_or_id(), format)).to_owned()
}

/// The last part of the path, for a text that has no title of its own.
fn file_name(input: &DocumentInput) -> &str {
    let path = input.source_or_id().trim_end_matches('/');
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&input.document_id)
}

/// Front matter below what the client gave. Front matter that would make the object too large is left out, with a warning.
fn merged(
    front_matter: Map<String, Value>,
    given: Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Map<String, Value> {
    let mut all = front_matter;
    let has_front_matter = !all.is_empty();
    all.extend(given.clone());
    let length = serde_json::to_string(&all).map_or(usize::MAX, |text| text.len());
    if has_front_matter && length > coditect_engine::limits::METADATA_BYTES {
        warnings.push("front matter is too large to be kept as metadata".into());
        return given;
    }
    all
}

fn clipped(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use coditect_ingest::split::ApproximateCounter;
    use serde_json::json;

    use super::*;

    fn prepared(input: DocumentInput) -> Prepared {
        let checked = check(&input).unwrap();
        let options = SplitOptions::default();
        prepare(input, &checked, &PipelineId::new("e", None, &options), &options, &ApproximateCounter).unwrap()
    }

    #[test]
    fn titles_come_from_the_client_then_the_text_then_the_file() {
        let mut input = DocumentInput::new("a/b/notes.md", "# Heading\n\nText.");
        assert_eq!(prepared(input.clone()).document.title, "Heading");
        input.title = Some("Given".into());
        assert_eq!(prepared(input).document.title, "Given");
        let bare = prepared(DocumentInput::new("a/b/notes.txt", "Only text."));
        assert_eq!(bare.document.title, "notes.txt");
        assert!(!bare.texts[0].text.contains("notes"), "a path is never embedded: {:?}", bare.texts[0].text);
    }

    #[test]
    fn given_metadata_wins_over_front_matter() {
        let mut input = DocumentInput::new("a.md", "---\nteam: docs\nowner: x\n---\n# A\n\nText.");
        input.metadata = json!({"team": "given"}).as_object().unwrap().clone();
        let metadata = prepared(input).document.metadata;
        assert_eq!(metadata.get("team"), Some(&json!("given")));
        assert_eq!(metadata.get("owner"), Some(&json!("x")));
    }

    #[test]
    fn fields_at_fault_are_named() {
        let good = DocumentInput::new("a.md", "text");
        let cases: [(DocumentInput, &str); 7] = [
            (DocumentInput { collection: "../x".into(), ..good.clone() }, "/collection"),
            (DocumentInput { document_id: String::new(), ..good.clone() }, "/document_id"),
            (DocumentInput { text: " \n\t".into(), ..good.clone() }, "/text"),
            (DocumentInput { kind: Some("k".repeat(65)), ..good.clone() }, "/kind"),
            (DocumentInput { title: Some("k".repeat(3_000)), ..good.clone() }, "/title"),
            (DocumentInput { format: Some("klingon".into()), ..good.clone() }, "/format"),
            (DocumentInput { content_hash: Some("0".repeat(64)), ..good }, "/content_hash"),
        ];
        for (input, pointer) in cases {
            let problem = check(&input).err().unwrap();
            assert_eq!(problem.errors[0].pointer, pointer);
        }
    }
}
