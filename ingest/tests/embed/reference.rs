//! The local model against vectors of an independent double-precision evaluation
//! (`tests/reference/make_reference.py`).

use serde::Deserialize;

use crate::model::{cosine, local};

#[derive(Deserialize)]
struct Reference {
    tokens: usize,
    vector: Vec<f32>,
}

fn reference() -> Vec<(String, Reference)> {
    let texts: Vec<String> = serde_json::from_str(include_str!("../reference/texts.json")).unwrap();
    let vectors: Vec<Reference> = serde_json::from_str(include_str!("../reference/vectors.json")).unwrap();
    assert_eq!((texts.len(), vectors.len()), (20, 20));
    texts.into_iter().zip(vectors).collect()
}

#[tokio::test]
async fn document_vectors_equal_the_reference() {
    let (texts, references): (Vec<_>, Vec<_>) = reference().into_iter().unzip();
    let vectors = local().await.embed_documents(&texts).await.unwrap();
    for ((text, reference), vector) in texts.iter().zip(&references).zip(&vectors) {
        let cosine = cosine(vector, &reference.vector);
        assert!(cosine >= 0.9999, "cosine {cosine} for {text:?}");
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "length {length} for {text:?}");
    }
}

#[tokio::test]
async fn query_vectors_equal_the_reference() {
    for (text, reference) in reference() {
        let vector = local().await.embed_query(&text).await.unwrap();
        let cosine = cosine(&vector, &reference.vector);
        assert!(cosine >= 0.9999, "cosine {cosine} for {text:?}");
    }
}

#[tokio::test]
async fn token_counts_equal_the_reference() {
    const SPECIAL: usize = 2;
    let embedder = local().await;
    for (text, reference) in reference() {
        let counted = (embedder.counter().count(&text) + SPECIAL).min(embedder.max_tokens());
        assert_eq!(counted, reference.tokens, "{text:?}");
    }
}
