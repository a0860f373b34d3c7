//! How the local embedder behaves: order, lanes, bounds, and models that cannot be used.

use coditect_ingest::embed::{EmbedError, limits};

use crate::model::{cosine, local};

#[tokio::test]
async fn a_vector_does_not_depend_on_its_neighbours() {
    let embedder = local().await;
    let texts: Vec<String> = (0..40).map(|n| "one more word ".repeat(n % 13 + 1) + &n.to_string()).collect();
    let together = embedder.embed_documents(&texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        let alone = embedder.embed_documents(std::slice::from_ref(text)).await.unwrap();
        assert!(cosine(&alone[0], vector) > 0.999_999, "{text:?}");
    }
}

#[tokio::test]
async fn no_texts_give_no_vectors() {
    assert!(local().await.embed_documents(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_query_does_not_wait_for_documents() {
    let embedder = local().await.clone();
    let background = embedder.clone();
    let texts: Vec<String> = (0..400).map(|n| format!("{n} ") + &"filler words of a document ".repeat(40)).collect();
    let documents = tokio::spawn(async move { background.embed_documents(&texts).await });
    for _ in 0..3 {
        embedder.embed_query("where is the audit log kept?").await.unwrap();
    }
    assert!(!documents.is_finished(), "the queries were answered only after all documents");
    documents.abort();
}

#[tokio::test]
async fn an_oversized_text_is_refused_by_its_position() {
    let texts = ["fine".to_owned(), "x ".repeat(limits::MAX_TEXT_BYTES / 2 + 1)];
    let error = local().await.embed_documents(&texts).await.unwrap_err();
    assert!(matches!(error, EmbedError::Input { index: 1, .. }), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn control_characters_and_unpaired_signs_are_embedded() {
    let embedder = local().await;
    for text in ["\0\0\0", "a\0b", "\u{feff}", "\u{202e}reversed", "\u{1f1e9}", "\r\n\r\n", &"\u{300}".repeat(5000)] {
        let vector = embedder.embed_query(text).await.unwrap();
        assert!(vector.iter().all(|value| value.is_finite()), "{text:?}");
    }
}

#[tokio::test]
async fn the_fingerprint_names_the_model() {
    let fingerprint = local().await.fingerprint();
    assert_eq!((fingerprint.provider.as_str(), fingerprint.dimension, fingerprint.normalized), ("local", 384, true));
    assert!(fingerprint.id().starts_with("local/all-MiniLM-L6-v2/384/"), "{}", fingerprint.id());
    let json = serde_json::to_string(fingerprint).unwrap();
    assert_eq!(serde_json::from_str::<coditect_ingest::embed::Fingerprint>(&json).unwrap(), *fingerprint);
}
