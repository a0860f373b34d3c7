//! What documents say. A number decides everything of a content but the place and the document that it is of, which it names as well: so a passage that
//! turns up anywhere tells where it belongs.

use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, SearchSettings,
    TenantId, TextHash, TokenCodes,
};
use coditect_engine::search::{SearchRequest, Vector};
use coditect_engine::vector::{Quantization, maxsim};

use crate::trace::Place;

const DIMENSION: usize = 32;
/// Contents that are numbers of this kind go in with several transactions.
pub(crate) const LARGE: u32 = 5;
/// The last digit of a content's number is its kind.
pub(crate) const KINDS: u32 = 10;

pub(crate) fn tenant(tenant: u8) -> TenantId {
    TenantId::new(format!("t{tenant}")).unwrap()
}

pub(crate) fn collection(place: Place) -> CollectionName {
    CollectionName::new(format!("c{}", place.collection)).unwrap()
}

pub(crate) fn id(document: u8) -> DocumentId {
    DocumentId::new(format!("d{document}")).unwrap()
}

/// How many passages a content has.
pub(crate) fn passages(content: u32) -> u32 {
    match content % KINDS {
        LARGE => 130,
        few => few.min(4),
    }
}

/// The text of a passage. All have a word in common, by which they are found.
pub(crate) fn text(place: Place, document: u8, content: u32, ordinal: u32) -> String {
    let words = format!("{place}/d{document} content{content} passage{ordinal} common words");
    if content % KINDS == LARGE { format!("{words} {}", "x".repeat(10_000)) } else { words }
}

/// Where a passage says that it belongs: place and document, and the content's number.
pub(crate) fn said_by(text: &str) -> Option<(&str, u32)> {
    let mut words = text.split(' ');
    let (of, content) = (words.next()?, words.next()?);
    Some((of, content.strip_prefix("content")?.parse().ok()?))
}

/// What a document's text says of itself, as [`said_by`] reads it.
pub(crate) fn label(place: Place, document: u8) -> String {
    format!("{place}/d{document}")
}

/// The content of a stored document, by its hash.
pub(crate) fn of_hash(hash: &str) -> Option<u32> {
    hash.strip_prefix("content")?.parse().ok()
}

/// The whole text.
pub(crate) fn whole(place: Place, document: u8, content: u32) -> String {
    let texts = (0..passages(content)).map(|ordinal| text(place, document, content, ordinal));
    texts.collect::<Vec<_>>().join("\n")
}

pub(crate) fn document(place: Place, document: u8, content: u32) -> NewDocument {
    let passage = |ordinal| {
        let text = text(place, document, content, ordinal);
        let bytes = 0..text.len() as u64;
        let location = PassageLocation { heading_path: Vec::new(), bytes, lines: (ordinal + 1, ordinal + 1) };
        let (embed_hash, vector) = (TextHash::of(&text), embed(&text));
        let codes = TokenCodes::new(&[1], &[0], &maxsim::signs(&vector)).unwrap();
        let index_text = text.split(' ').take(5).collect::<Vec<_>>().join(" ");
        NewPassage { index_text, text, location, embed_hash, vector, codes: Some(codes) }
    };
    NewDocument {
        id: id(document),
        kind: "documentation".into(),
        language: None,
        title: String::new(),
        source: label(place, document),
        metadata: serde_json::Map::new(),
        content_hash: format!("content{content}"),
        passages: (0..passages(content)).map(passage).collect(),
        text: whole(place, document, content),
    }
}

/// A bag of hashed words, never zero.
fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01; DIMENSION];
    for word in text.split([' ', '/']).take(7) {
        let hash = blake3::hash(word.as_bytes());
        let sign = if hash.as_bytes()[1] & 1 == 0 { 1.0 } else { -1.0 };
        vector[hash.as_bytes()[0] as usize % DIMENSION] += sign;
    }
    vector
}

fn embedder() -> EmbedderInfo {
    EmbedderInfo { id: "test:words".into(), model: "words".into(), dimension: DIMENSION as u32 }
}

pub(crate) fn spec() -> CollectionSpec {
    CollectionSpec {
        embedder: embedder(),
        tokens: Some(embedder()),
        description: String::new(),
        quantization: Quantization::default(),
        search: SearchSettings::default(),
    }
}

/// A search that finds every passage.
pub(crate) fn query() -> SearchRequest {
    SearchRequest {
        query: Some("common words".into()),
        vector: Some(Vector { values: embed("common words"), embedder: Some(embedder()) }),
        top_k: 1_000,
        fold_copies: false,
        ..SearchRequest::default()
    }
}
