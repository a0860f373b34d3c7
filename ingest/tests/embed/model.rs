//! The local model, loaded once for all tests that need it.

use coditect_ingest::embed::{Embedder, EmbedderConfig};
use tokio::sync::OnceCell;

static MODEL: OnceCell<Embedder> = OnceCell::const_new();

/// The local embedder with default settings. Panics with the command to run when it is not there.
pub(crate) async fn local() -> &'static Embedder {
    MODEL
        .get_or_init(|| async {
            Embedder::connect(EmbedderConfig::default()).await.unwrap_or_else(|error| panic!("{error}"))
        })
        .await
}

/// Cosine of the angle between two vectors.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |x: &[f32], y: &[f32]| -> f64 { x.iter().zip(y).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
