//! Scoring given slots against a query, without searching.

use crossbeam_epoch as epoch;

use super::{VectorError, VectorIndex};

impl VectorIndex {
    /// The scores of `slots` against `query`, in their order; `None` for a slot that holds nothing.
    ///
    /// # Errors
    /// When the query is refused, as a search would refuse it.
    pub fn similarities(&self, query: &[f32], slots: &[u32]) -> Result<Vec<Option<f32>>, VectorError> {
        let metric = self.options.metric;
        let query = metric.prepare(query, self.options.dimension)?;
        let _guard = epoch::pin();
        let score = |slot: &u32| {
            let point = self.graph.points.of_slot(*slot)?;
            Some(metric.score(metric.distance(&query, self.graph.vector(point))))
        };
        Ok(slots.iter().map(score).collect())
    }
}
