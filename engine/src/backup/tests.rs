//! Single steps of the backup that take a clock or an object of its own to see.

use coditect_store::{Clock, EmbeddedOptions, Lease, Store};
use tempfile::TempDir;

use super::object::{self, CollectionObject, DocumentObject, Kept as _};
use super::{Backup, BackupOptions};
use crate::bucket::Bucket;
use crate::documents::{Context, collections, delete, write};
use crate::limits;
use crate::model::{
    CollectionId, CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation,
    SearchSettings, TenantId, TextHash, TokenCodes, Version,
};
use crate::storage::Keys;
use crate::vector::Quantization;

/// Objects of the first format, which is read for ever.
const DOCUMENT: &str = include_str!("../../tests/fixtures/backup-document-1.json");
const COLLECTION: &str = include_str!("../../tests/fixtures/backup-collection-1.json");

fn spec() -> CollectionSpec {
    let model = EmbedderInfo { id: "e".into(), model: "m".into(), dimension: 2 };
    CollectionSpec {
        embedder: model.clone(),
        tokens: Some(model),
        description: "some".into(),
        quantization: Quantization::Int8,
        search: SearchSettings { ef: Some(50), ..SearchSettings::default() },
    }
}

fn names() -> (TenantId, CollectionName, DocumentId) {
    (TenantId::new("t").unwrap(), CollectionName::new("docs").unwrap(), DocumentId::new("guide/a.md").unwrap())
}

fn document(text: &str) -> NewDocument {
    let passage = NewPassage {
        text: text.into(),
        index_text: text.to_uppercase(),
        location: PassageLocation { heading_path: vec!["One".into(), "Two".into()], bytes: 0..4, lines: (1, 2) },
        embed_hash: TextHash::of(text),
        vector: vec![0.5, -1.25],
        codes: TokenCodes::new(&[7, 8], &[0, 2], &[1, 2]),
    };
    NewDocument {
        id: names().2,
        kind: "documentation".into(),
        language: Some("rust".into()),
        title: "Title".into(),
        source: "guide/a.md".into(),
        metadata: serde_json::Map::from_iter([("share".into(), 0.1.into())]),
        content_hash: text.into(),
        text: text.into(),
        passages: vec![passage],
    }
}

struct Bed {
    context: Context,
    lease: Lease,
    backup: Backup,
    bucket: Bucket,
    _dir: TempDir,
}

impl Bed {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::manual(Clock::system().now());
        let mut options = EmbeddedOptions::new(dir.path().join("store"));
        options.clock = clock.clone();
        let store = Store::open_embedded(options).await.unwrap();
        let bucket = Bucket::open(&format!("file://{}", dir.path().join("bucket").display()), []).unwrap();
        let context =
            Context { store: store.clone(), keys: Keys::new("r"), clock, scratch: dir.path().into(), observer: None };
        let lease = Lease::new(store, context.keys.lease("backup"), limits::LEASE);
        let backup = Backup::new(BackupOptions::new(bucket.clone()));
        Self { context, lease, backup, bucket, _dir: dir }
    }

    async fn round(&mut self) -> usize {
        let term = self.lease.hold().await.unwrap().unwrap();
        self.backup.round(&self.context, &term).await.unwrap()
    }

    async fn put(&self, text: &str) {
        let (tenant, name, _) = names();
        let keys = self.context.keys.tenant(&tenant);
        write::put(&self.context, &keys, &name, &spec(), document(text)).await.unwrap();
    }
}

#[tokio::test]
async fn rounds_bring_what_is_missing_and_nothing_twice() {
    let mut bed = Bed::new().await;
    assert!(bed.backup.is_due(&bed.context).await.unwrap(), "a new store has a backup to begin");
    assert_eq!(bed.round().await, 0);
    assert!(!bed.backup.is_due(&bed.context).await.unwrap());
    bed.put("one").await;
    assert!(bed.backup.is_due(&bed.context).await.unwrap());
    assert_eq!(bed.round().await, 2, "the collection and the document");
    bed.put("one").await;
    assert!(!bed.backup.is_due(&bed.context).await.unwrap(), "the same again is no change");
    bed.put("two").await;
    bed.put("three").await;
    assert_eq!(bed.round().await, 1, "the newest state is enough");
    assert_eq!(bed.bucket.list("history").await.unwrap().len(), 1);
    let (tenant, name, id) = names();
    delete::delete(&bed.context, &bed.context.keys.tenant(&tenant), &name, &id).await.unwrap();
    assert_eq!(bed.round().await, 1);
    assert!(bed.bucket.list("docs").await.unwrap().is_empty());
    assert_eq!(bed.bucket.list("history").await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_damaged_is_kept_when_its_document_goes() {
    let mut bed = Bed::new().await;
    bed.put("one").await;
    bed.round().await;
    let path = bed.bucket.list("docs").await.unwrap().remove(0);
    bed.bucket.put(&path, bytes::Bytes::from_static(b"damaged")).await.unwrap();
    let (tenant, name, id) = names();
    delete::delete(&bed.context, &bed.context.keys.tenant(&tenant), &name, &id).await.unwrap();
    assert_eq!(bed.round().await, 1);
    assert!(bed.bucket.list("docs").await.unwrap().is_empty());
    let kept = bed.bucket.list("history").await.unwrap();
    assert_eq!(bed.bucket.get(&kept[0]).await.unwrap().unwrap(), "damaged");
}

#[tokio::test]
async fn history_is_pruned_when_it_is_old() {
    let mut bed = Bed::new().await;
    bed.put("one").await;
    bed.round().await;
    bed.put("two").await;
    bed.round().await;
    assert_eq!(bed.bucket.list("history").await.unwrap().len(), 1);
    bed.context.clock.advance(limits::BACKUP_PRUNE);
    assert!(bed.backup.is_due(&bed.context).await.unwrap());
    assert_eq!(bed.round().await, 0, "it is a day old");
    bed.context.clock.advance(limits::BACKUP_HISTORY);
    assert_eq!(bed.round().await, 1);
    assert!(bed.bucket.list("history").await.unwrap().is_empty());
    assert_eq!(bed.bucket.list("docs").await.unwrap().len(), 1, "what is stays");
    assert!(!bed.backup.is_due(&bed.context).await.unwrap());
}

#[tokio::test]
async fn a_round_that_another_process_took_over_writes_down_nothing() {
    let mut bed = Bed::new().await;
    bed.put("one").await;
    let term = bed.lease.hold().await.unwrap().unwrap();
    bed.lease.release().await.unwrap();
    assert!(bed.backup.round(&bed.context, &term).await.is_err());
    assert_eq!(super::state::read(&bed.context).await.unwrap(), None);
}

#[tokio::test]
async fn a_collection_is_known_to_be_the_same() {
    let mut bed = Bed::new().await;
    bed.put("one").await;
    bed.round().await;
    let (tenant, name, _) = names();
    let keys = bed.context.keys.tenant(&tenant);
    let change = crate::model::CollectionChange { description: Some("other".into()), ..Default::default() };
    collections::alter(&bed.context, &keys, &name, &change).await.unwrap();
    assert_eq!(bed.round().await, 1);
    let change = crate::model::CollectionChange { description: Some("some".into()), ..Default::default() };
    collections::alter(&bed.context, &keys, &name, &change).await.unwrap();
    let change = crate::model::CollectionChange { description: Some("other".into()), ..Default::default() };
    collections::alter(&bed.context, &keys, &name, &change).await.unwrap();
    assert_eq!(bed.round().await, 0, "changed and changed back");
}

#[test]
fn the_first_format_is_read_for_ever() {
    let object: DocumentObject = object::open(DOCUMENT.trim_end().as_bytes()).unwrap();
    assert_eq!(object.version(), Version::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    let sealed = object::seal(&object).unwrap();
    assert_eq!(sealed, DOCUMENT.trim_end(), "and still written");
    let (new, origin) = object.into_new().unwrap();
    assert_eq!((origin.version.commit(), new.id), (0x0102_0304_0506_0708, names().2));
    let (read, written) = (&new.passages[0], &document("text").passages[0]);
    assert_eq!((&read.vector, &read.codes, &read.location), (&written.vector, &written.codes, &written.location));
    assert_eq!(
        (&read.text, &read.index_text, read.embed_hash),
        (&written.text, &written.index_text, written.embed_hash)
    );
    assert_eq!(new.metadata["share"], 0.1);

    let object: CollectionObject = object::open(COLLECTION.trim_end().as_bytes()).unwrap();
    assert_eq!(object::seal(&object).unwrap(), COLLECTION.trim_end());
    let head = object.head(CollectionId(uuid::Uuid::nil()));
    assert_eq!((head.search.ef, head.quantization, head.spec()), (Some(50), Quantization::Int8, spec()));
}

#[test]
fn damage_is_noticed() {
    let whole = DOCUMENT.trim_end();
    for (damaged, what) in [
        (whole.replace("Title", "Other"), "BLAKE3"),
        (whole.replace("\"format\":1", "\"format\":2"), "format 2"),
        (whole[..whole.len() - 1].to_owned(), "decode"),
        (COLLECTION.trim_end().to_owned(), "content"),
        (String::new(), "decode"),
    ] {
        let error = object::open::<DocumentObject>(damaged.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}
