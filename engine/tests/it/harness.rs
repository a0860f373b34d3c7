//! An engine in a temporary directory, and documents made of words whose vectors are hashed bags of words.

use std::path::Path;
use std::time::Duration;

use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, SearchSettings,
    TenantId, TextHash, TokenCodes, Version, WriteReceipt,
};
use coditect_engine::search::{Mode, QueryTokens, SearchRequest, SearchResponse, Vector};
use coditect_engine::vector::Quantization;
use coditect_engine::{Bucket, Engine, EngineOptions, SnapshotInfo, Tenant};
use coditect_store::tuple::{Element, unpack};
use coditect_store::{Clock, RangeQuery, Store};
use tempfile::TempDir;

pub(crate) const DIMENSION: usize = 64;
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// A running engine and what it stands on.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) dir: TempDir,
    options: EngineOptions,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(EngineOptions::default()).await
    }

    pub(crate) async fn with(options: EngineOptions) -> Self {
        Self::on(TempDir::new().unwrap(), options).await
    }

    /// An engine on what `dir` holds.
    pub(crate) async fn on(dir: TempDir, options: EngineOptions) -> Self {
        let clock = Clock::system();
        let store = open(dir.path()).await;
        let engine = Engine::start(store.clone(), clock.clone(), &options);
        engine.ready(WAIT).await.unwrap();
        Self { engine, store, clock, dir, options }
    }

    /// Stops everything; what it stood on stays.
    pub(crate) async fn stop(self) -> TempDir {
        self.engine.stop().await;
        self.store.close().await.unwrap();
        self.dir
    }

    /// Stops everything and starts again on the same directory.
    pub(crate) async fn restart(self) -> Self {
        let options = self.options.clone();
        Self::on(self.stop().await, options).await
    }

    pub(crate) fn tenant(&self, name: &str) -> Tenant {
        self.engine.tenant(&TenantId::new(name).unwrap())
    }

    pub(crate) async fn put(&self, id: &str, paragraphs: &[&str]) -> WriteReceipt {
        self.tenant("t").put(&docs(), &spec(), document(id, paragraphs)).await.unwrap()
    }

    pub(crate) async fn find(&self, query: &str, mode: Mode, after: Version) -> SearchResponse {
        let request = SearchRequest { mode, min_version: Some(after), wait: WAIT, ..query_of(query) };
        self.tenant("t").search(request).await.unwrap()
    }
}

/// The store of `dir`, with this clock.
pub(crate) async fn open_with(dir: &Path, clock: Clock) -> Store {
    coditect_store::testing::open(dir, clock).await.unwrap()
}

#[cfg(feature = "fdb")]
#[tokio::test]
#[ignore = "for the end of make test-fdb"]
async fn nothing_stays_on_the_cluster() {
    coditect_store::testing::clear_cluster().await.unwrap();
}

/// The store of another process.
pub(crate) async fn open_again(dir: &Path, first: &Store) -> Store {
    coditect_store::testing::open_again(dir, first).await.unwrap()
}

/// As [`open_with`], with the machine's clock.
pub(crate) async fn open(dir: &Path) -> Store {
    open_with(dir, Clock::system()).await
}

fn taken_apart(key: &[u8]) -> Vec<Element<'static>> {
    unpack::<Vec<Element<'_>>>(key).unwrap().into_iter().map(Element::into_owned).collect()
}

/// Every key of the store, taken apart, with its value.
pub(crate) async fn everything(store: &Store) -> Vec<(Vec<Element<'static>>, Vec<u8>)> {
    let mut begin = Vec::new();
    let mut all = Vec::new();
    loop {
        let from = &begin;
        let page = store
            .run(|tx| async move { tx.snapshot().get_range(RangeQuery::from((from.clone(), vec![0xff]))).await })
            .await
            .unwrap();
        all.extend(page.items.iter().map(|item| (taken_apart(&item.key), item.value.to_vec())));
        match page.items.last() {
            Some(last) if page.more => begin = [last.key.as_ref(), &[0]].concat(),
            _ => return all,
        }
    }
}

/// A folder as a bucket.
pub(crate) fn bucket_at(folder: &Path) -> Bucket {
    Bucket::open(&format!("file://{}", folder.display()), []).unwrap()
}

pub(crate) fn tenant_id() -> TenantId {
    TenantId::new("t").unwrap()
}

pub(crate) fn docs() -> CollectionName {
    CollectionName::new("docs").unwrap()
}

pub(crate) fn id(id: &str) -> DocumentId {
    DocumentId::new(id).unwrap()
}

pub(crate) fn embedder() -> EmbedderInfo {
    EmbedderInfo { id: "test:bag-of-words".into(), model: "bag-of-words".into(), dimension: DIMENSION as u32 }
}

pub(crate) fn spec() -> CollectionSpec {
    CollectionSpec {
        embedder: embedder(),
        tokens: Some(token_model()),
        description: String::new(),
        quantization: Quantization::default(),
        search: SearchSettings::default(),
    }
}

/// The model of token codes: each word is a token with a hashed vector.
pub(crate) fn token_model() -> EmbedderInfo {
    EmbedderInfo { id: "test:words".into(), ..embedder() }
}

/// Number and vector of each word of `text`, and where it begins.
fn words(text: &str) -> (Vec<u32>, Vec<usize>, Vec<f32>) {
    let (mut ids, mut places, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        ids.push(u32::from(hash.as_bytes()[0]) << 8 | u32::from(hash.as_bytes()[1]));
        places.push(word.as_ptr() as usize - text.as_ptr() as usize);
        let bits = hash.as_bytes().iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
        vectors.extend(bits.take(DIMENSION).map(|bit| if bit == 1 { 1.0 } else { -1.0 }));
    }
    (ids, places, vectors)
}

/// The token codes of a passage.
pub(crate) fn codes(text: &str) -> TokenCodes {
    let (ids, places, vectors) = words(text);
    TokenCodes::new(&ids, &places, &coditect_engine::vector::maxsim::signs(&vectors)).unwrap()
}

/// The tokens of a query.
pub(crate) fn query_tokens(text: &str) -> QueryTokens {
    let (ids, _, vectors) = words(text);
    QueryTokens::new(token_model(), &ids, &vectors).unwrap()
}

/// A search for `query` in the test collection, in all modes but with both legs filled.
pub(crate) fn query_of(query: &str) -> SearchRequest {
    SearchRequest {
        query: Some(query.into()),
        vector: Some(Vector { values: embed(query), embedder: Some(embedder()) }),
        collections: vec![docs().into()],
        ..SearchRequest::default()
    }
}

/// A document with one passage a paragraph, in lines of their own.
pub(crate) fn document(document: &str, paragraphs: &[&str]) -> NewDocument {
    let text = paragraphs.join("\n");
    let mut offset = 0;
    let passages = (1..).zip(paragraphs).map(|(line, paragraph)| {
        let bytes = offset..offset + paragraph.len() as u64;
        offset = bytes.end + 1;
        let location = PassageLocation { heading_path: vec!["Heading".into()], bytes, lines: (line, line) };
        NewPassage {
            text: (*paragraph).into(),
            index_text: (*paragraph).into(),
            location,
            embed_hash: TextHash::of(paragraph),
            vector: embed(paragraph),
            codes: Some(codes(paragraph)),
        }
    });
    NewDocument {
        id: id(document),
        kind: "documentation".into(),
        language: None,
        title: format!("Title of {document}"),
        source: document.into(),
        metadata: serde_json::Map::new(),
        content_hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        passages: passages.collect(),
        text,
    }
}

/// A bag of hashed words, never zero.
pub(crate) fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01; DIMENSION];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = blake3::hash(word.as_bytes());
        let (place, sign) =
            (hash.as_bytes()[0] as usize % DIMENSION, if hash.as_bytes()[1] & 1 == 0 { 1.0 } else { -1.0 });
        vector[place] += sign;
    }
    vector
}

/// Document ids of the results, in order.
pub(crate) fn ids(response: &SearchResponse) -> Vec<String> {
    response.results.iter().map(|result| result.document.to_string()).collect()
}

/// Waits until a snapshot has the change of `version`.
pub(crate) async fn until_saved(engine: &Engine, version: Version) -> SnapshotInfo {
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let made = engine.snapshots().await.unwrap().pop();
        match made.filter(|snapshot| snapshot.version >= version) {
            Some(snapshot) => return snapshot,
            None => assert!(tokio::time::Instant::now() < deadline, "no snapshot has {version}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
