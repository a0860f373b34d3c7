//! candle's own BERT.

use std::path::Path;

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::Runtime;

pub struct Candle {
    model: BertModel,
}

impl Candle {
    pub fn open(path: &Path) -> Result<Self> {
        let config: Config = serde_json::from_slice(&std::fs::read(path.join("config.json"))?)?;
        let weights = std::fs::read(path.join("model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        Ok(Self { model: BertModel::load(weights, &config)? })
    }
}

impl Runtime for Candle {
    fn embed(&mut self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let ids = Tensor::new(texts.to_vec(), &Device::Cpu)?;
        let kinds = ids.zeros_like()?;
        let hidden = self.model.forward(&ids, &kinds, None)?;
        let mean = hidden.mean(1)?;
        let length = mean.sqr()?.sum_keepdim(1)?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec2()?)
    }
}
