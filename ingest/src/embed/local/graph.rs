//! Turns a BERT encoder's weights into an ONNX graph of ONNX Runtime's fused operators
//! (<https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>).
//!
//! Input `ids` is `[texts, tokens]`, padded on the right, and `lengths` says how many tokens of
//! each text are real; output `tokens` is the last hidden state, `[texts, tokens, hidden]`.

use std::path::{Path, PathBuf};

use prost::Message;

use super::super::config::Precision;
use super::super::error::EmbedError;
use super::matrix::Matrix;
use super::model_dir::ModelDir;
use super::onnx::{Extent, External, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo, data_type};
use super::weights::Weights;

pub(super) const INPUT_IDS: &str = "ids";
pub(super) const INPUT_LENGTHS: &str = "lengths";
pub(super) const OUTPUT_TOKENS: &str = "tokens";

const ONNX_OPSET: i64 = 17;
const EXTENSIONS: &str = "com.microsoft";

/// A graph and the weights that its session needs beside it.
pub(super) struct Encoder {
    pub(super) model: Vec<u8>,
    /// The directory that the graph's external data is relative to.
    pub(super) folder: PathBuf,
    pub(super) weights: Vec<Weight>,
}

pub(super) struct Weight {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

/// A weight's numbers.
pub(super) enum Values {
    F32(Vec<f32>),
    I8(Vec<i8>),
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<i8>> for Values {
    fn from(values: Vec<i8>) -> Self {
        Self::I8(values)
    }
}

/// Builds the encoder's graph, reading the weights once.
pub(super) fn build(dir: &ModelDir, source: &mut Weights, precision: Precision) -> Result<Encoder, EmbedError> {
    let prefix = if source.has("embeddings.word_embeddings.weight") { "" } else { "bert." };
    let location = source.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut builder =
        Builder { dir, source, precision, prefix, location, graph: GraphProto::default(), weights: Vec::new() };
    builder.embeddings()?;
    for layer in 0..dir.bert.num_hidden_layers {
        builder.layer(layer)?;
    }
    Ok(builder.finish())
}

struct Builder<'a> {
    dir: &'a ModelDir,
    source: &'a mut Weights,
    precision: Precision,
    prefix: &'static str,
    location: String,
    graph: GraphProto,
    weights: Vec<Weight>,
}

impl Builder<'_> {
    /// Token, position and segment vectors, summed and normalised. Every token is in segment 0, so
    /// that segment's vector is folded into the position vectors.
    fn embeddings(&mut self) -> Result<(), EmbedError> {
        let bert = &self.dir.bert;
        let (hidden, positions, kept) = (bert.hidden_size, bert.max_position_embeddings, self.dir.max_tokens);
        let (vocabulary, kinds) = (bert.vocab_size, bert.type_vocab_size);
        let mut position = self.read("embeddings.position_embeddings.weight", &[positions, hidden])?;
        let segment = self.read("embeddings.token_type_embeddings.weight", &[kinds, hidden])?;
        position.truncate(kept * hidden);
        for row in position.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&segment).for_each(|(value, add)| *value += add);
        }
        self.words(&[vocabulary, hidden])?;
        self.weight("positions", &[kept, hidden], position);
        let [gamma, beta] = self.layer_norm("embeddings.LayerNorm", "embed")?;
        let inputs = [INPUT_IDS, "", "words", "positions", "", &gamma, &beta];
        let node = NodeProto::new(EXTENSIONS, "EmbedLayerNormalization", &inputs, &["hidden.0", "unused"]);
        self.graph.node.push(node.float("epsilon", self.dir.bert.layer_norm_eps));
        Ok(())
    }

    /// The vocabulary's vectors, half of the model: used in place in the weights file where their
    /// format allows, so that only the pages of words that occur are ever in memory.
    fn words(&mut self, shape: &[usize]) -> Result<(), EmbedError> {
        let name = format!("{}embeddings.word_embeddings.weight", self.prefix);
        let Some(bytes) = self.source.in_place(&name, shape)? else {
            let values = self.source.read(&name, shape)?;
            self.weight("words", shape, values);
            return Ok(());
        };
        let place = External { location: &self.location, offset: bytes.start, bytes: bytes.end - bytes.start };
        self.graph.initializer.push(TensorProto::external("words", data_type::FLOAT, shape, &place));
        Ok(())
    }

    fn layer(&mut self, layer: usize) -> Result<(), EmbedError> {
        let name = |part: &str| format!("{part}.{layer}");
        let input = name("hidden");
        let output = if layer + 1 == self.dir.bert.num_hidden_layers {
            OUTPUT_TOKENS.to_owned()
        } else {
            format!("hidden.{}", layer + 1)
        };
        let (hidden, inner) = (self.dir.bert.hidden_size, self.dir.bert.intermediate_size);
        let at = format!("encoder.layer.{layer}.");

        self.attention(&at, &input, &name("attended"), layer)?;
        let dense = format!("{at}attention.output");
        self.project(&dense, &name("attended"), &name("mixed"), [hidden, hidden])?;
        self.add_and_normalize(&dense, [&name("mixed"), &input], &name("middle"))?;

        let dense = format!("{at}intermediate");
        self.project(&dense, &name("middle"), &name("wide"), [hidden, inner])?;
        let bias = self.copy(&format!("{dense}.dense.bias"), &[inner])?;
        let gelu = NodeProto::new(EXTENSIONS, "BiasGelu", &[&name("wide"), &bias], &[&name("gelu")]);
        self.graph.node.push(gelu);

        let dense = format!("{at}output");
        self.project(&dense, &name("gelu"), &name("narrow"), [inner, hidden])?;
        self.add_and_normalize(&dense, [&name("narrow"), &name("middle")], &output)
    }

    /// Multi-head attention over the real tokens, with query, key and value in one product.
    fn attention(&mut self, at: &str, input: &str, output: &str, layer: usize) -> Result<(), EmbedError> {
        let hidden = self.dir.bert.hidden_size;
        let mut matrix = Matrix::zero(hidden, 3 * hidden);
        let mut bias = Vec::with_capacity(3 * hidden);
        for (column, part) in ["query", "key", "value"].into_iter().enumerate() {
            let rows = self.read(&format!("{at}attention.self.{part}.weight"), &[hidden, hidden])?;
            matrix.set_transposed(&rows, column * hidden);
            bias.extend(self.read(&format!("{at}attention.self.{part}.bias"), &[hidden])?);
        }
        let (name, bias_name) = (format!("qkv.{layer}"), format!("qkv_bias.{layer}"));
        self.weight(&bias_name, &[3 * hidden], bias);
        let heads = self.dir.bert.num_attention_heads as i64;
        let node = match self.precision {
            Precision::F32 => {
                self.weight(&name, &[hidden, 3 * hidden], matrix.values);
                let inputs = [input, &name, &bias_name, INPUT_LENGTHS];
                NodeProto::new(EXTENSIONS, "Attention", &inputs, &[output])
            }
            Precision::Int8 => {
                let joined = format!("{name}.product");
                self.product(&name, matrix, input, &joined);
                let parts = ["q", "k", "v"].map(|part| format!("{part}.{layer}"));
                let [query, key, value] = [&*parts[0], &*parts[1], &*parts[2]];
                let split = NodeProto::new("", "Split", &[&joined], &[query, key, value]);
                self.graph.node.push(split.int("axis", 2));
                let inputs = [query, key, value, &bias_name, INPUT_LENGTHS];
                NodeProto::new(EXTENSIONS, "MultiHeadAttention", &inputs, &[output])
            }
        };
        self.graph.node.push(node.int("num_heads", heads));
        Ok(())
    }

    /// `output = input x W`, with W turned from `[out, in]` to `[in, out]`.
    fn project(
        &mut self,
        dense: &str,
        input: &str,
        output: &str,
        [rows, columns]: [usize; 2],
    ) -> Result<(), EmbedError> {
        let name = format!("{dense}.dense.weight");
        let source = self.read(&name, &[columns, rows])?;
        let mut matrix = Matrix::zero(rows, columns);
        matrix.set_transposed(&source, 0);
        self.product(&name, matrix, input, output);
        Ok(())
    }

    /// `output = input x matrix`, in the configured precision.
    fn product(&mut self, name: &str, matrix: Matrix, input: &str, output: &str) {
        let shape = [matrix.rows, matrix.columns];
        let node = match self.precision {
            Precision::F32 => {
                self.weight(name, &shape, matrix.values);
                NodeProto::new("", "MatMul", &[input, name], &[output])
            }
            Precision::Int8 => {
                let (values, scales) = matrix.quantize();
                let scale_name = format!("{name}.scale");
                self.weight(name, &shape, values);
                self.weight(&scale_name, &[shape[1]], scales);
                NodeProto::new(EXTENSIONS, "DynamicQuantizeMatMul", &[input, name, &scale_name], &[output])
            }
        };
        self.graph.node.push(node);
    }

    /// `output = LayerNorm(a + b + bias)`.
    fn add_and_normalize(&mut self, at: &str, [a, b]: [&str; 2], output: &str) -> Result<(), EmbedError> {
        let bias = self.copy(&format!("{at}.dense.bias"), &[self.dir.bert.hidden_size])?;
        let [gamma, beta] = self.layer_norm(&format!("{at}.LayerNorm"), at)?;
        let node = NodeProto::new(EXTENSIONS, "SkipLayerNormalization", &[a, b, &gamma, &beta, &bias], &[output]);
        self.graph.node.push(node.float("epsilon", self.dir.bert.layer_norm_eps));
        Ok(())
    }

    fn layer_norm(&mut self, source: &str, at: &str) -> Result<[String; 2], EmbedError> {
        let hidden = self.dir.bert.hidden_size;
        // Checkpoints converted from the first BERT release call the two vectors gamma and beta.
        let old = self.source.has(&format!("{}{source}.gamma", self.prefix));
        let parts = if old { ["gamma", "beta"] } else { ["weight", "bias"] };
        let mut names = [format!("{at}.gamma"), format!("{at}.beta")];
        for (part, name) in parts.into_iter().zip(&mut names) {
            let values = self.read(&format!("{source}.{part}"), &[hidden])?;
            self.weight(name, &[hidden], values);
        }
        Ok(names)
    }

    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
        self.source.read(&format!("{}{name}", self.prefix), shape)
    }

    fn copy(&mut self, name: &str, shape: &[usize]) -> Result<String, EmbedError> {
        let values = self.read(name, shape)?;
        self.weight(name, shape, values);
        Ok(name.to_owned())
    }

    fn weight(&mut self, name: &str, shape: &[usize], values: impl Into<Values>) {
        let values = values.into();
        let (kind, bytes) = match &values {
            Values::F32(values) => (data_type::FLOAT, values.len() * 4),
            Values::I8(values) => (data_type::INT8, values.len()),
        };
        // The values are handed to the session; ONNX Runtime wants to see a file all the same.
        let place = External { location: &self.location, offset: 0, bytes: bytes as u64 };
        self.graph.initializer.push(TensorProto::external(name, kind, shape, &place));
        self.weights.push(Weight { name: name.to_owned(), shape: shape.to_vec(), values });
    }

    fn finish(mut self) -> Encoder {
        let named = |name: &str| Extent::Named(name.to_owned());
        let hidden = self.dir.bert.hidden_size as i64;
        self.graph.name = "encoder".to_owned();
        self.graph.input = vec![
            ValueInfo::tensor(INPUT_IDS, data_type::INT32, vec![named("texts"), named("tokens")]),
            ValueInfo::tensor(INPUT_LENGTHS, data_type::INT32, vec![named("texts")]),
        ];
        let extents = vec![named("texts"), named("tokens"), Extent::Fixed(hidden)];
        self.graph.output = vec![ValueInfo::tensor(OUTPUT_TOKENS, data_type::FLOAT, extents)];
        let model = ModelProto::new(self.graph, ONNX_OPSET, EXTENSIONS).encode_to_vec();
        let folder = self.source.path().parent().map(Path::to_path_buf).unwrap_or_default();
        Encoder { model, folder, weights: self.weights }
    }
}
