//! ONNX Runtime sessions over one set of weights: any number of sessions, one copy of the model.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, Tensor, TensorRef};
use parking_lot::Mutex;

use super::super::error::EmbedError;
use super::graph::{Encoder, INPUT_IDS, INPUT_LENGTHS, OUTPUT_TOKENS, Values};
use super::invalid;
use super::model_dir::{ModelDir, Pooling};

/// ONNX Runtime allows one library and one environment a process.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

fn environment(library: &Path) -> Result<Environment, EmbedError> {
    let fail = |error: &dyn std::fmt::Display| invalid(format!("load ONNX Runtime: {error}"));
    let library = library.canonicalize().map_err(|error| fail(&error))?;
    let mut loaded = LOADED.lock();
    match &*loaded {
        Some((path, environment)) if *path == library => return Ok(environment.clone()),
        Some((path, _)) => {
            let (path, library) = (path.display(), library.display());
            return Err(invalid(format!("{path} is loaded already, this process cannot load {library} too")));
        }
        None => {}
    }
    let environment = ort::init_from(&library)
        .map_err(|error| fail(&error))?
        .with_name("coditect")
        .with_telemetry(false)
        .build()
        .map_err(|error| fail(&error))?;
    *loaded = Some((library, environment.clone()));
    Ok(environment)
}

/// Makes sessions that share weights, packed weights included.
pub(super) struct Sessions {
    environment: Environment,
    model: Vec<u8>,
    folder: PathBuf,
    weights: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
}

impl Sessions {
    pub(super) fn new(library: &Path, encoder: Encoder) -> Result<Self, EmbedError> {
        let environment = environment(library)?;
        let weights = encoder
            .weights
            .into_iter()
            .map(|weight| {
                let tensor = match weight.values {
                    Values::F32(values) => Tensor::from_array((weight.shape, values))?.into_dyn(),
                    Values::I8(values) => Tensor::from_array((weight.shape, values))?.into_dyn(),
                };
                Ok((weight.name, Arc::new(tensor)))
            })
            .collect::<ort::Result<_>>()
            .map_err(failed)?;
        Ok(Self { environment, model: encoder.model, folder: encoder.folder, weights, packed: PrepackedWeights::new() })
    }

    /// A session that computes on the thread that runs it.
    pub(super) fn session(&self) -> Result<Session, EmbedError> {
        self.builder().and_then(|mut builder| builder.commit_from_memory(&self.model)).map_err(failed)
    }

    fn builder(&self) -> ort::Result<SessionBuilder> {
        let mut builder = Session::builder(&self.environment)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_prepacked_weights(&self.packed)?
            .with_config_entry("session.model_external_initializers_file_folder_path", self.folder.to_string_lossy())?;
        for (name, value) in &self.weights {
            builder = builder.with_initializer(name, Arc::clone(value))?;
        }
        Ok(builder)
    }
}

fn failed(error: impl std::fmt::Display) -> EmbedError {
    invalid(format!("set up the model in ONNX Runtime: {error}"))
}

/// A text of a run.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Its token ids, at least one.
    pub(super) ids: Vec<u32>,
    /// What is wanted besides its vector.
    pub(super) wanted: Wanted,
}

/// What is wanted of a range of a text's tokens.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing.
    #[default]
    Nothing,
    /// The signs of their vectors.
    Signs(Range<usize>),
    /// Their vectors.
    Vectors(Range<usize>),
}

/// What the model says of a text.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Its vector.
    pub(super) vector: Vec<f32>,
    /// The signs of the wanted tokens' vectors, eight to a byte, the first in the lowest bit.
    pub(super) signs: Vec<u8>,
    /// The wanted tokens' vectors.
    pub(super) vectors: Vec<f32>,
}

/// One session with what it needs to turn token ids into text vectors.
pub(super) struct Runner {
    session: Session,
    pooling: Pooling,
    normalize: bool,
}

impl Runner {
    pub(super) fn new(session: Session, dir: &ModelDir) -> Self {
        Self { session, pooling: dir.pooling, normalize: dir.normalize }
    }

    /// Embeds the texts of one run together; each is at least one token long.
    pub(super) fn run(&mut self, texts: &[Input]) -> Result<Vec<Output>, EmbedError> {
        self.evaluate(texts).map_err(|error| EmbedError::Unavailable(format!("evaluate the model: {error}")))
    }

    fn evaluate(&mut self, texts: &[Input]) -> ort::Result<Vec<Output>> {
        let width = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let mut ids = vec![0_i32; texts.len() * width];
        for (row, text) in ids.chunks_exact_mut(width.max(1)).zip(texts) {
            row.iter_mut().zip(&text.ids).for_each(|(slot, &id)| *slot = id as i32);
        }
        let lengths: Vec<i32> = texts.iter().map(|text| text.ids.len() as i32).collect();
        let outputs = self.session.run(ort::inputs![
            INPUT_IDS => TensorRef::from_array_view(([texts.len(), width], ids.as_slice()))?,
            INPUT_LENGTHS => TensorRef::from_array_view(([texts.len()], lengths.as_slice()))?,
        ])?;
        let (shape, hidden) = outputs[OUTPUT_TOKENS].try_extract_tensor::<f32>()?;
        let dimension = shape.last().map_or(1, |&last| last as usize);
        let rows = hidden.chunks_exact(width * dimension).zip(texts);
        let (pooling, normalize) = (self.pooling, self.normalize);
        let output = |(row, text): (&[f32], &Input)| Output {
            vector: pool(&row[..text.ids.len() * dimension], dimension, pooling, normalize),
            signs: text.wanted.signs(row, dimension),
            vectors: text.wanted.vectors(row, dimension),
        };
        Ok(rows.map(output).collect())
    }
}

impl Wanted {
    fn signs(&self, row: &[f32], dimension: usize) -> Vec<u8> {
        let Self::Signs(tokens) = self else { return Vec::new() };
        let byte = |eight: &[f32]| (0..).zip(eight).fold(0_u8, |byte, (bit, &x)| byte | (u8::from(x > 0.0) << bit));
        let vectors = row[tokens.start * dimension..tokens.end * dimension].chunks_exact(dimension);
        vectors.flat_map(|vector| vector.chunks(8)).map(byte).collect()
    }

    fn vectors(&self, row: &[f32], dimension: usize) -> Vec<f32> {
        let Self::Vectors(tokens) = self else { return Vec::new() };
        row[tokens.start * dimension..tokens.end * dimension].to_vec()
    }
}

/// One vector from the token vectors of one text.
fn pool(tokens: &[f32], dimension: usize, pooling: Pooling, normalize: bool) -> Vec<f32> {
    let mut vector = match pooling {
        Pooling::FirstToken => tokens[..dimension].to_vec(),
        Pooling::Mean => mean(tokens, dimension),
    };
    if normalize {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

fn mean(tokens: &[f32], dimension: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimension];
    for token in tokens.chunks_exact(dimension) {
        sum.iter_mut().zip(token).for_each(|(total, value)| *total += value);
    }
    let count = (tokens.len() / dimension) as f32;
    sum.iter_mut().for_each(|total| *total /= count);
    sum
}
