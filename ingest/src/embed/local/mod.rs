//! The local embedder: a sentence-transformers BERT model on ONNX Runtime, in this process.

mod batch;
mod graph;
mod lane;
mod matrix;
mod model_dir;
mod onnx;
mod session;
mod tokenize;
mod weights;

use std::sync::Arc;
use std::thread::available_parallelism;

use futures::{StreamExt, TryStreamExt, stream};

use self::lane::{Lane, Priority};
use self::model_dir::{ModelDir, Pooling};
use self::session::{Input, Output, Runner, Sessions, Wanted};
use self::tokenize::TextEncoder;
use self::weights::Weights;
use super::config::{LocalConfig, Precision};
use super::error::EmbedError;
use super::fingerprint::Fingerprint;
use super::limits::{DOCUMENT_QUEUE, INLINE_QUERY_BYTES, MAX_RUN_TEXTS, QUERY_QUEUE, RUNS_IN_FLIGHT_PER_WORKER};
use super::tokens::{EmbeddedQuery, EmbeddedText, TextTokens};
use crate::split::TokenCounter;

/// SHA-256 of the published all-MiniLM-L6-v2 weights, whose configuration names its base model.
const MINILM_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";

fn invalid(message: String) -> EmbedError {
    EmbedError::InvalidModel(message)
}

/// A model loaded in this process, with separate lanes for queries and documents.
pub(super) struct LocalEmbedder {
    fingerprint: Fingerprint,
    max_tokens: usize,
    encoder: Arc<TextEncoder>,
    documents: Lane,
    document_threads: usize,
    run_texts: usize,
    queries: Lane,
}

impl LocalEmbedder {
    /// Loads the model; takes about a second and blocks.
    pub(super) fn load(config: &LocalConfig) -> Result<Self, EmbedError> {
        let dir = ModelDir::open(model_dir::locate_model(config.model_dir.as_deref()))?;
        let library = model_dir::locate_runtime(config.onnxruntime.as_deref())?;
        let encoder = Arc::new(TextEncoder::open(&dir)?);
        let mut weights = Weights::open(&dir.path.join("model.safetensors"))?;
        let fingerprint = fingerprint(&dir, &weights.sha256()?, config.precision)?;
        let sessions = Sessions::new(&library, graph::build(&dir, &mut weights, config.precision)?)?;
        let processors = available_parallelism().map_or(1, usize::from);
        let document_threads = config.document_threads.unwrap_or(processors).max(1);
        let query_threads = config.query_threads.unwrap_or(processors / 4).max(1);
        // Eight-bit activations get one scale a run: a text alone gets the same vector every time.
        let run_texts = match config.precision {
            Precision::F32 => MAX_RUN_TEXTS,
            Precision::Int8 => 1,
        };
        let runners = |count: usize| -> Result<Vec<Runner>, EmbedError> {
            (0..count).map(|_| Ok(Runner::new(sessions.session()?, &dir))).collect()
        };
        Ok(Self {
            fingerprint,
            max_tokens: dir.max_tokens,
            encoder,
            documents: Lane::start(
                "embed-documents",
                Priority::Background,
                runners(document_threads)?,
                DOCUMENT_QUEUE,
            )?,
            document_threads,
            run_texts,
            queries: Lane::start("embed-queries", Priority::Normal, runners(query_threads)?, QUERY_QUEUE)?,
        })
    }

    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn counter(&self) -> Arc<dyn TokenCounter> {
        let counter: Arc<TextEncoder> = Arc::clone(&self.encoder);
        counter
    }

    pub(super) fn words(&self) -> Arc<[String]> {
        self.encoder.words()
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    pub(super) async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let prompt = self.fingerprint.document_prompt.as_str();
        let prompted: Vec<String> = texts.iter().map(|text| format!("{prompt}{text}")).collect();
        let input = |encoder: &TextEncoder, index: usize, text: &String| {
            encoder.encode(index, text).map(|ids| Input { ids, wanted: Wanted::Nothing })
        };
        let inputs = self.tokenize(prompted, input).await?;
        Ok(self.evaluate(inputs).await?.into_iter().map(|output| output.vector).collect())
    }

    /// As [`Self::embed_documents`], with the signs of each text's tokens.
    pub(super) async fn embed_with_tokens(&self, texts: &[String]) -> Result<Vec<EmbeddedText>, EmbedError> {
        let prompt = self.fingerprint.document_prompt.as_str();
        let prompted: Vec<(String, usize)> =
            texts.iter().map(|text| (format!("{prompt}{text}"), prompt.len())).collect();
        let input = |encoder: &TextEncoder, index: usize, (text, prompt): &(String, usize)| {
            let placed = encoder.encode_with_places(index, text)?;
            let kept = placed.behind(*prompt);
            let start = |place: &(usize, usize)| u32::try_from(place.0 - prompt).unwrap_or(u32::MAX);
            let tokens = TextTokens {
                ids: placed.ids[kept.clone()].to_vec(),
                starts: placed.places[kept.clone()].iter().map(start).collect(),
                signs: Vec::new(),
            };
            Ok((Input { ids: placed.ids, wanted: Wanted::Signs(kept) }, tokens))
        };
        let (inputs, tokens): (Vec<Input>, Vec<TextTokens>) = self.tokenize(prompted, input).await?.into_iter().unzip();
        let outputs = self.evaluate(inputs).await?.into_iter().zip(tokens);
        let embedded = |(output, tokens): (Output, TextTokens)| EmbeddedText {
            vector: output.vector,
            tokens: TextTokens { signs: output.signs, ..tokens },
        };
        Ok(outputs.map(embedded).collect())
    }

    pub(super) async fn embed_query(&self, text: &str) -> Result<EmbeddedQuery, EmbedError> {
        let prompt = self.fingerprint.query_prompt.len();
        let text = format!("{}{text}", self.fingerprint.query_prompt);
        let placed = if text.len() <= INLINE_QUERY_BYTES {
            self.encoder.encode_with_places(0, &text)?
        } else {
            let input = |encoder: &TextEncoder, index: usize, text: &String| encoder.encode_with_places(index, text);
            self.tokenize(vec![text], input).await?.pop().unwrap_or_default()
        };
        let kept = placed.behind(prompt);
        let ids = placed.ids[kept.clone()].to_vec();
        let byte = |at: usize| u32::try_from(at - prompt).unwrap_or(u32::MAX);
        let places = placed.places[kept.clone()].iter().map(|&(start, end)| (byte(start), byte(end))).collect();
        let input = Input { ids: placed.ids, wanted: Wanted::Vectors(kept) };
        let output = self.queries.run(vec![input]).await?.pop();
        let output = output.ok_or_else(|| EmbedError::Unavailable("the model gave no vector".to_owned()))?;
        Ok(EmbeddedQuery { vector: output.vector, ids, places, vectors: output.vectors })
    }

    /// What the model says of each text, in order.
    async fn evaluate(&self, mut inputs: Vec<Input>) -> Result<Vec<Output>, EmbedError> {
        let lengths: Vec<usize> = inputs.iter().map(|input| input.ids.len()).collect();
        let runs = batch::plan(&lengths, self.run_texts).into_iter().map(|run| {
            let texts = run.iter().map(|&index| std::mem::take(&mut inputs[index])).collect();
            async move { self.documents.run(texts).await.map(|outputs| (run, outputs)) }
        });
        let in_flight = self.document_threads * RUNS_IN_FLIGHT_PER_WORKER;
        let done: Vec<_> = stream::iter(runs).buffer_unordered(in_flight).try_collect().await?;
        let mut outputs: Vec<Output> = std::iter::repeat_with(Output::default).take(lengths.len()).collect();
        for (run, found) in done {
            run.into_iter().zip(found).for_each(|(index, output)| outputs[index] = output);
        }
        Ok(outputs)
    }

    /// Encodes every text, on a blocking thread.
    async fn tokenize<T: Send + 'static, E: Send + 'static>(
        &self,
        texts: Vec<T>,
        encode: fn(&TextEncoder, usize, &T) -> Result<E, EmbedError>,
    ) -> Result<Vec<E>, EmbedError> {
        let encoder = Arc::clone(&self.encoder);
        let work = move || texts.iter().enumerate().map(|(index, text)| encode(&encoder, index, text)).collect();
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| EmbedError::Unavailable(format!("tokenize: {error}")))?
    }
}

fn fingerprint(dir: &ModelDir, weights: &str, precision: Precision) -> Result<Fingerprint, EmbedError> {
    let base = dir.bert.name.rsplit('/').next().unwrap_or_default();
    let model = match (weights, base) {
        (MINILM_SHA256, _) => "all-MiniLM-L6-v2",
        (_, "") => "bert",
        (_, base) => base,
    };
    Ok(Fingerprint {
        provider: "local".to_owned(),
        model: model.to_owned(),
        dimension: dir.bert.hidden_size,
        normalized: dir.normalize,
        precision: precision.name().to_owned(),
        query_prompt: dir.query_prompt.clone(),
        document_prompt: dir.document_prompt.clone(),
        weights_hash: weights_hash(dir, weights)?,
    })
}

/// Covers the weights and everything beside them that changes vectors.
fn weights_hash(dir: &ModelDir, weights: &str) -> Result<String, EmbedError> {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    digest.update(weights);
    digest.update(Sha256::digest(model_dir::read_file(&dir.path.join("tokenizer.json"))?));
    digest.update((dir.max_tokens as u64).to_le_bytes());
    digest.update([u8::from(dir.pooling == Pooling::Mean)]);
    Ok(super::fingerprint::hex(&digest.finalize()))
}
