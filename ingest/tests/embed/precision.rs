//! The eight-bit form of the local model: close to the published one, and its own vector space.

use coditect_ingest::embed::{Embedder, EmbedderConfig, LocalConfig, Precision};

use crate::model::{cosine, local};

async fn eight_bit() -> Embedder {
    let local = LocalConfig { precision: Precision::Int8, ..LocalConfig::default() };
    let config = EmbedderConfig { local, ..EmbedderConfig::default() };
    Embedder::connect(config).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn eight_bit_vectors_are_close_and_do_not_depend_on_their_neighbours() {
    let texts: Vec<String> = (0..24)
        .map(|n| format!("How does setting {n} change the way of a request? ") + &"It is read at start-up. ".repeat(n))
        .collect();
    let (full, embedder) = (local().await, eight_bit().await);
    let expected = full.embed_documents(&texts).await.unwrap();
    let together = embedder.embed_documents(&texts).await.unwrap();
    for ((text, expected), vector) in texts.iter().zip(&expected).zip(&together) {
        let cosine = cosine(expected, vector);
        assert!(cosine > 0.97, "cosine {cosine} for {text:?}");
        assert_eq!(&embedder.embed_query(text).await.unwrap(), vector);
    }
    assert_ne!(full.fingerprint().id(), embedder.fingerprint().id());
}
