//! Vectors and tokens of queries: embedded on the embedder's own lane for queries, kept in a cache, computed once for all who wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coditect_engine::search::QueryTokens;
use moka::future::Cache;

use crate::models::{Models, QueryEmbedding};
use crate::problem::{Problem, Result};

/// The vector and tokens of a query, and what they took.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// Vector and tokens.
    pub query: Arc<QueryEmbedding>,
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

/// Makes and keeps vectors and tokens of queries.
#[derive(Clone)]
pub struct QueryVectors {
    models: Models,
    cache: Cache<String, Arc<QueryEmbedding>>,
}

impl QueryVectors {
    /// A cache of at most `bytes` before `models`.
    pub fn new(models: Models, bytes: u64) -> Self {
        let weight = |text: &String, query: &Arc<QueryEmbedding>| {
            let tokens = query.tokens.as_ref().map_or(0, QueryTokens::bytes);
            u32::try_from(text.len() + size_of_val::<[f32]>(&query.vector) + tokens + 64).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weight).build();
        Self { models, cache }
    }

    /// Vector and tokens of `text`, within `budget` if there is one.
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn get(&self, text: &str, budget: Option<Duration>) -> Result<Embedded, Missing> {
        let started = Instant::now();
        if let Some(query) = self.cache.get(text).await {
            metrics::counter!("query_cache_requests_total", "result" => "hit").increment(1);
            return Ok(Embedded { query, took: started.elapsed() });
        }
        metrics::counter!("query_cache_requests_total", "result" => "miss").increment(1);
        // A task of its own: a caller that gives up leaves the vector to the next one.
        let (this, owned) = (self.clone(), text.to_owned());
        let mut made = tokio::spawn(async move { this.embed(owned).await });
        let joined = match budget {
            Some(budget) => tokio::time::timeout(budget, &mut made).await.map_err(|_| Missing::TooLate)?,
            None => made.await,
        };
        let query = joined.map_err(|error| Missing::Failed(Problem::internal(error)))?.map_err(Missing::Failed)?;
        Ok(Embedded { query, took: started.elapsed() })
    }

    async fn embed(&self, text: String) -> Result<Arc<QueryEmbedding>> {
        let made = async {
            let started = Instant::now();
            let query = self.models.embed_query(&text).await.map_err(|error| Problem::from(error).at("/query"))?;
            metrics::histogram!("search_stage_seconds", "stage" => "embed").record(started.elapsed());
            Ok(Arc::new(query))
        };
        self.cache.try_get_with(text.clone(), made).await.map_err(|problem: Arc<Problem>| (*problem).clone())
    }
}
