//! Vectors of queries: embedded on the embedder's own lane for queries, kept in a cache, computed once for all who wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coditect_ingest::embed::Embedder;
use moka::future::Cache;

use crate::problem::{Problem, Result};

/// The vector of a query and what it took.
#[derive(Debug, Clone)]
pub struct QueryVector {
    /// Its numbers.
    pub values: Arc<[f32]>,
    /// How long the caller waited.
    pub took: Duration,
}

/// Why there is no vector.
#[derive(Debug, Clone)]
pub enum Missing {
    /// It did not come within the caller's budget. It is still being made, for the next caller.
    TooLate,
    /// The embedder cannot make it.
    Failed(Problem),
}

/// Makes and keeps vectors of queries.
#[derive(Clone)]
pub struct QueryVectors {
    embedder: Embedder,
    cache: Cache<String, Arc<[f32]>>,
}

impl QueryVectors {
    /// A cache of at most `bytes` before `embedder`.
    pub fn new(embedder: Embedder, bytes: u64) -> Self {
        let weight = |text: &String, vector: &Arc<[f32]>| {
            u32::try_from(text.len() + size_of_val::<[f32]>(vector) + 64).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weight).build();
        Self { embedder, cache }
    }

    /// The vector of `text`, within `budget` if there is one.
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn get(&self, text: &str, budget: Option<Duration>) -> Result<QueryVector, Missing> {
        let started = Instant::now();
        if let Some(values) = self.cache.get(text).await {
            metrics::counter!("query_cache_requests_total", "result" => "hit").increment(1);
            return Ok(QueryVector { values, took: started.elapsed() });
        }
        metrics::counter!("query_cache_requests_total", "result" => "miss").increment(1);
        // A task of its own: a caller that gives up leaves the vector to the next one.
        let (this, owned) = (self.clone(), text.to_owned());
        let mut made = tokio::spawn(async move { this.embed(owned).await });
        let joined = match budget {
            Some(budget) => tokio::time::timeout(budget, &mut made).await.map_err(|_| Missing::TooLate)?,
            None => made.await,
        };
        let values = joined.map_err(|error| Missing::Failed(Problem::internal(error)))?.map_err(Missing::Failed)?;
        Ok(QueryVector { values, took: started.elapsed() })
    }

    async fn embed(&self, text: String) -> Result<Arc<[f32]>> {
        let made = async {
            let started = Instant::now();
            let vector = self.embedder.embed_query(&text).await.map_err(|error| Problem::from(error).at("/query"))?;
            metrics::histogram!("search_stage_seconds", "stage" => "embed").record(started.elapsed());
            Ok(Arc::from(vector))
        };
        self.cache.try_get_with(text.clone(), made).await.map_err(|problem: Arc<Problem>| (*problem).clone())
    }
}
