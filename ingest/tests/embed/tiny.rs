//! A model directory of a few kilobytes whose every file a test can spoil.

use std::fs;
use std::path::{Path, PathBuf};

use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, LocalConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

const HIDDEN: usize = 8;
const INNER: usize = 16;
const POSITIONS: usize = 32;
const WORDS: [&str; 12] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "on", "mat", "##s", ".", "dog"];

/// A directory in the sentence-transformers format with random weights.
pub(crate) struct TinyModel {
    dir: TempDir,
}

impl TinyModel {
    pub(crate) fn new() -> Self {
        let model = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(model.path("1_Pooling")).unwrap();
        let module =
            |kind: &str, path: &str| json!({ "type": format!("sentence_transformers.models.{kind}"), "path": path });
        model.write_json(
            "modules.json",
            &json!([module("Transformer", ""), module("Pooling", "1_Pooling"), module("Normalize", "2_Normalize")]),
        );
        model.write_json("1_Pooling/config.json", &json!({ "pooling_mode_mean_tokens": true }));
        model.write_json("sentence_bert_config.json", &json!({ "max_seq_length": 16 }));
        model.write_json("config.json", &bert());
        model.write_json("tokenizer.json", &tokenizer());
        model.write_weights("F32", "");
        model
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write_json(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// Changes one field of a JSON file.
    pub(crate) fn set(&self, name: &str, pointer: &str, value: Value) {
        let mut json: Value = serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        self.write_json(name, &json);
    }

    /// Writes `model.safetensors` in a number format, with a prefix before every name.
    pub(crate) fn write_weights(&self, dtype: &str, prefix: &str) {
        let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
        for (seed, (name, shape)) in tensors().into_iter().enumerate() {
            let begin = data.len();
            for index in 0..shape.iter().product::<usize>() {
                let value = value(&name, seed, index);
                match dtype {
                    "F32" => data.extend(value.to_le_bytes()),
                    "F16" => data.extend(half(value).to_le_bytes()),
                    _ => data.extend(&value.to_le_bytes()[2..]),
                }
            }
            let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, data.len()] });
            header.insert(format!("{prefix}{name}"), entry);
        }
        self.write_safetensors(&Value::Object(header).to_string(), &data);
    }

    pub(crate) fn write_safetensors(&self, header: &str, data: &[u8]) {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(data);
        fs::write(self.path("model.safetensors"), file).unwrap();
    }

    pub(crate) async fn connect(&self) -> Result<Embedder, EmbedError> {
        let local =
            LocalConfig { model_dir: Some(self.dir().to_owned()), document_threads: Some(1), ..LocalConfig::default() };
        Embedder::connect(EmbedderConfig { local, ..EmbedderConfig::default() }).await
    }
}

/// A weight without pattern; multiples of 1/64 below 1 are exact in every format.
fn value(name: &str, seed: usize, index: usize) -> f32 {
    if name.ends_with("bias") {
        return 0.0;
    }
    if name.contains("LayerNorm") {
        return 1.0;
    }
    let mut mixed = (index * 131 + seed + 1) as u32;
    for factor in [0x7feb_352d_u32, 0x846c_a68b] {
        mixed = (mixed ^ mixed >> 16).wrapping_mul(factor);
    }
    ((mixed >> 15) % 127) as f32 / 64.0 - 63.0 / 64.0
}

/// IEEE 754 binary16 of a number that it holds exactly.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    if value == 0.0 {
        return 0;
    }
    let exponent = ((bits >> 23) & 0xff) as u16 + 15 - 127;
    ((bits >> 16) & 0x8000) as u16 | exponent << 10 | ((bits >> 13) & 0x3ff) as u16
}

fn bert() -> Value {
    json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": HIDDEN, "intermediate_size": INNER,
        "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS, "num_attention_heads": 2,
        "num_hidden_layers": 2, "type_vocab_size": 2, "vocab_size": WORDS.len(),
    })
}

fn tokenizer() -> Value {
    let vocabulary: serde_json::Map<String, Value> =
        WORDS.iter().enumerate().map(|(id, word)| ((*word).to_owned(), json!(id))).collect();
    let special = |id: &str| json!({ "SpecialToken": { "id": id, "type_id": 0 } });
    let entry = |id: &str, number: usize| json!({ "id": id, "ids": [number], "tokens": [id] });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), { "Sequence": { "id": "A", "type_id": 0 } }, special("[SEP]")],
            "pair": [special("[CLS]"), { "Sequence": { "id": "A", "type_id": 0 } }, special("[SEP]")],
            "special_tokens": { "[CLS]": entry("[CLS]", 2), "[SEP]": entry("[SEP]", 3) },
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary },
    })
}

fn tensors() -> Vec<(String, Vec<usize>)> {
    let mut all: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS.len(), HIDDEN]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, HIDDEN]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![HIDDEN]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..2 {
        let mut dense = |name: &str, [rows, columns]: [usize; 2]| {
            let at = format!("encoder.layer.{layer}.{name}");
            all.push((format!("{at}.weight"), vec![rows, columns]));
            all.push((format!("{at}.bias"), vec![rows]));
        };
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
            dense(part, [HIDDEN, HIDDEN]);
        }
        dense("intermediate.dense", [INNER, HIDDEN]);
        dense("output.dense", [HIDDEN, INNER]);
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            let at = format!("encoder.layer.{layer}.{part}");
            all.push((format!("{at}.weight"), vec![HIDDEN]));
            all.push((format!("{at}.bias"), vec![HIDDEN]));
        }
    }
    all
}
