//! A sentence-transformers directory: where it is, and what its small JSON files say.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::error::EmbedError;
use super::super::limits::MAX_MODEL_JSON_BYTES;
use super::invalid;

/// The model that `scripts/fetch_model.py` installs.
const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";
/// The version of ONNX Runtime that `scripts/fetch_model.py` installs.
const RUNTIME_VERSION: &str = "1.32.0";

/// The two special tokens and one of text.
const SHORTEST_LIMIT: usize = 3;

/// What a model directory says about its model.
pub(super) struct ModelDir {
    pub(super) path: PathBuf,
    pub(super) bert: BertConfig,
    pub(super) pooling: Pooling,
    pub(super) normalize: bool,
    /// Longest input in tokens, special tokens included.
    pub(super) max_tokens: usize,
    pub(super) query_prompt: String,
    pub(super) document_prompt: String,
}

/// How token vectors become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    FirstToken,
}

/// `config.json` of a BERT encoder.
#[derive(Deserialize)]
pub(super) struct BertConfig {
    #[serde(rename = "_name_or_path", default)]
    pub(super) name: String,
    model_type: String,
    hidden_act: String,
    #[serde(default)]
    position_embedding_type: Option<String>,
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) layer_norm_eps: f32,
    pub(super) max_position_embeddings: usize,
    pub(super) num_attention_heads: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) type_vocab_size: usize,
    pub(super) vocab_size: usize,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptConfig {
    prompts: std::collections::HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PoolingConfig {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
}

impl ModelDir {
    /// Reads the directory's configuration and refuses what the local runtime cannot evaluate.
    pub(super) fn open(path: PathBuf) -> Result<Self, EmbedError> {
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            require(path.join(name))?;
        }
        let bert: BertConfig = read_json(&path.join("config.json"))?;
        check_bert(&bert)?;
        let modules: Vec<Module> = read_json(&path.join("modules.json"))?;
        let (pooling, normalize) = read_modules(&path, &modules)?;
        let sentence: SentenceConfig = read_optional(&path.join("sentence_bert_config.json"))?;
        let max_tokens = sentence.max_seq_length.unwrap_or(usize::MAX).min(bert.max_position_embeddings);
        if max_tokens < SHORTEST_LIMIT {
            return Err(invalid(format!("max_seq_length is {max_tokens}, too short for any text")));
        }
        let PromptConfig { mut prompts } = read_optional(&path.join("config_sentence_transformers.json"))?;
        let mut prompt = |names: [&str; 2]| names.iter().find_map(|&name| prompts.remove(name)).unwrap_or_default();
        Ok(Self {
            bert,
            pooling,
            normalize,
            max_tokens,
            query_prompt: prompt(["query", "search_query"]),
            document_prompt: prompt(["document", "passage"]),
            path,
        })
    }
}

fn check_bert(bert: &BertConfig) -> Result<(), EmbedError> {
    let absolute = bert.position_embedding_type.as_deref().is_none_or(|kind| kind == "absolute");
    if bert.model_type != "bert" || bert.hidden_act != "gelu" || !absolute {
        return Err(invalid(format!(
            "only BERT encoders with gelu and absolute positions are supported, config.json says {}, {}, {}",
            bert.model_type,
            bert.hidden_act,
            bert.position_embedding_type.as_deref().unwrap_or("absolute"),
        )));
    }
    let sizes = [bert.hidden_size, bert.intermediate_size, bert.max_position_embeddings, bert.num_attention_heads];
    let more = [bert.num_hidden_layers, bert.type_vocab_size, bert.vocab_size];
    if sizes.iter().chain(&more).any(|&size| size == 0 || size > 1 << 20)
        || !bert.hidden_size.is_multiple_of(bert.num_attention_heads)
    {
        return Err(invalid("config.json has impossible sizes".to_owned()));
    }
    Ok(())
}

fn read_modules(path: &Path, modules: &[Module]) -> Result<(Pooling, bool), EmbedError> {
    let mut pooling = None;
    let mut normalize = false;
    for module in modules {
        match module.kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" if module.path.is_empty() => {}
            "Pooling" => {
                pooling = Some(read_pooling(&path.join(&module.path).join("config.json"))?);
            }
            "Normalize" => normalize = true,
            other => {
                return Err(invalid(format!("modules.json uses an unsupported module `{other}`")));
            }
        }
    }
    let pooling = pooling.ok_or_else(|| invalid("modules.json has no pooling module".to_owned()))?;
    Ok((pooling, normalize))
}

fn read_pooling(path: &Path) -> Result<Pooling, EmbedError> {
    let config: PoolingConfig = read_json(path)?;
    let other = config.pooling_mode_max_tokens || config.pooling_mode_mean_sqrt_len_tokens;
    match (config.pooling_mode_cls_token, config.pooling_mode_mean_tokens, other) {
        (false, true, false) => Ok(Pooling::Mean),
        (true, false, false) => Ok(Pooling::FirstToken),
        _ => Err(invalid("only mean or first-token pooling is supported".to_owned())),
    }
}

fn require(path: PathBuf) -> Result<PathBuf, EmbedError> {
    if path.is_file() {
        return Ok(path);
    }
    Err(EmbedError::ModelMissing { what: "embedding model", path, variable: "CODITECT_MODEL_DIR" })
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, EmbedError> {
    let fail = |error: std::io::Error| invalid(format!("read {}: {error}", path.display()));
    if std::fs::metadata(path).map_err(fail)?.len() > MAX_MODEL_JSON_BYTES {
        return Err(invalid(format!("{} is larger than {MAX_MODEL_JSON_BYTES} bytes", path.display())));
    }
    std::fs::read(path).map_err(fail)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EmbedError> {
    serde_json::from_slice(&read_file(path)?).map_err(|error| invalid(format!("{}: {error}", path.display())))
}

fn read_optional<T: DeserializeOwned + Default>(path: &Path) -> Result<T, EmbedError> {
    if path.exists() { read_json(path) } else { Ok(T::default()) }
}

/// The model directory: as configured, or from the environment, or where set-up puts it.
pub(super) fn locate_model(configured: Option<&Path>) -> PathBuf {
    configured
        .map(Path::to_path_buf)
        .or_else(|| variable("CODITECT_MODEL_DIR"))
        .unwrap_or_else(|| cache_root().join("models").join(DEFAULT_MODEL))
}

/// ONNX Runtime's library: as configured, or from the environment, or where set-up puts it.
pub(super) fn locate_runtime(configured: Option<&Path>) -> Result<PathBuf, EmbedError> {
    let path = configured
        .map(Path::to_path_buf)
        .or_else(|| variable("CODITECT_ONNXRUNTIME"))
        .or_else(|| variable("ORT_DYLIB_PATH"))
        .unwrap_or_else(|| cache_root().join("onnxruntime").join(RUNTIME_VERSION).join(runtime_file()));
    if path.is_file() {
        return Ok(path);
    }
    Err(EmbedError::ModelMissing { what: "ONNX Runtime", path, variable: "CODITECT_ONNXRUNTIME" })
}

fn runtime_file() -> String {
    if cfg!(target_os = "macos") {
        format!("libonnxruntime.{RUNTIME_VERSION}.dylib")
    } else {
        format!("libonnxruntime.so.{RUNTIME_VERSION}")
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache_root() -> PathBuf {
    variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .unwrap_or_default()
        .join("coditect")
}
