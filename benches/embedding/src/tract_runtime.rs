//! tract on the graph of `make_onnx.py`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tract_onnx::prelude::*;

use crate::Runtime;

/// One optimised plan for each shape, as tract does best.
pub struct Tract {
    path: PathBuf,
    plans: Vec<((usize, usize), TypedRunnable)>,
}

type TypedRunnable = std::sync::Arc<TypedSimplePlan>;

impl Tract {
    pub fn open(path: &Path) -> Result<Self> {
        let mut tract = Self { path: path.to_owned(), plans: Vec::new() };
        tract.plan(1, 12)?;
        Ok(tract)
    }

    fn plan(&mut self, texts: usize, tokens: usize) -> Result<TypedRunnable> {
        if let Some((_, plan)) = self.plans.iter().find(|(shape, _)| *shape == (texts, tokens)) {
            return Ok(plan.clone());
        }
        let plan = tract_onnx::onnx()
            .model_for_path(&self.path)?
            .with_input_fact(0, i64::fact([texts, tokens]).into())?
            .into_optimized()?
            .into_runnable()?;
        self.plans.push(((texts, tokens), plan.clone()));
        Ok(plan)
    }
}

impl Runtime for Tract {
    fn embed(&mut self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let tokens = texts[0].len();
        let plan = self.plan(texts.len(), tokens)?;
        let ids: Vec<i64> = texts.iter().flatten().map(|&id| i64::from(id)).collect();
        let input: Tensor = tract_ndarray::Array2::from_shape_vec((texts.len(), tokens), ids)?.into();
        let output = plan.run(tvec!(input.into()))?;
        let hidden = output[0].to_plain_array_view::<f32>()?;
        let mean = hidden.mean_axis(tract_ndarray::Axis(1)).expect("texts have tokens");
        let rows = mean.outer_iter().map(|row| {
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            row.iter().map(|value| value / length).collect()
        });
        Ok(rows.collect())
    }
}
