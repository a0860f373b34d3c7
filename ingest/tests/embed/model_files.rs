//! Model directories: what may differ, and what a missing or damaged file is told to be.

use std::fs;

use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, LocalConfig};
use serde_json::json;

use crate::model::cosine;
use crate::tiny::TinyModel;

const TEXT: &str = "the cats sat on the mat.";

async fn refusal(model: &TinyModel) -> String {
    match model.connect().await {
        Err(EmbedError::InvalidModel(message)) => message,
        Err(other) => panic!("another kind of error: {other}"),
        Ok(_) => panic!("the model was accepted"),
    }
}

#[tokio::test]
async fn weights_may_come_in_other_formats_and_under_a_prefix() {
    let model = TinyModel::new();
    let plain = model.connect().await.unwrap().embed_query(TEXT).await.unwrap();
    assert_eq!(plain.len(), 8);
    for (dtype, prefix) in [("F16", ""), ("BF16", ""), ("F32", "bert."), ("F16", "bert.")] {
        model.write_weights(dtype, prefix);
        let other = model.connect().await.unwrap().embed_query(TEXT).await.unwrap();
        let cosine = cosine(&plain, &other);
        assert!(cosine > 0.999, "{dtype} {prefix}: {cosine}");
    }
}

#[tokio::test]
async fn pooling_and_normalisation_follow_the_directory() {
    let model = TinyModel::new();
    let mean = model.connect().await.unwrap();
    model.write_json(
        "1_Pooling/config.json",
        &json!({ "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false }),
    );
    let first = model.connect().await.unwrap();
    model.set("modules.json", "/2", json!({ "type": "sentence_transformers.models.Pooling", "path": "1_Pooling" }));
    let long = model.connect().await.unwrap();
    let vectors = [
        mean.embed_query(TEXT).await.unwrap(),
        first.embed_query(TEXT).await.unwrap(),
        long.embed_query(TEXT).await.unwrap(),
    ];
    assert!(cosine(&vectors[0], &vectors[1]) < 0.999);
    assert!(cosine(&vectors[1], &vectors[2]) > 0.999_999);
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>();
    assert!((length(&vectors[1]) - 1.0).abs() < 1e-5 && (length(&vectors[2]) - 1.0).abs() > 1e-3);
    assert!(!long.fingerprint().normalized);
    let ids = [mean.fingerprint().id(), first.fingerprint().id(), long.fingerprint().id()];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn prompts_are_part_of_the_text_and_of_the_fingerprint() {
    let model = TinyModel::new();
    let plain = model.connect().await.unwrap();
    model.write_json("config_sentence_transformers.json", &json!({ "prompts": { "query": "dog ", "document": "" } }));
    let prompted = model.connect().await.unwrap();
    let asked = prompted.embed_query("the mat").await.unwrap();
    assert!(cosine(&asked, &plain.embed_query("dog the mat").await.unwrap()) > 0.999_999);
    assert!(cosine(&asked, &plain.embed_query("the mat").await.unwrap()) < 0.999);
    assert_ne!(plain.fingerprint().id(), prompted.fingerprint().id());
}

#[tokio::test]
async fn a_missing_model_is_answered_with_the_command() {
    let model = TinyModel::new();
    fs::remove_file(model.path("model.safetensors")).unwrap();
    let error = model.connect().await.unwrap_err();
    assert!(matches!(error, EmbedError::ModelMissing { .. }), "{error}");
    for part in ["model.safetensors", "scripts/fetch_model.py", "CODITECT_MODEL_DIR"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_missing_runtime_is_answered_with_the_command() {
    let model = TinyModel::new();
    let local = LocalConfig {
        model_dir: Some(model.dir().to_owned()),
        onnxruntime: Some(model.path("libonnxruntime.so")),
        ..LocalConfig::default()
    };
    let error = Embedder::connect(EmbedderConfig { local, ..EmbedderConfig::default() }).await.unwrap_err();
    assert!(matches!(error, EmbedError::ModelMissing { what: "ONNX Runtime", .. }), "{error}");
    assert!(error.to_string().contains("CODITECT_ONNXRUNTIME"), "{error}");
}

#[tokio::test]
async fn a_runtime_that_is_no_library_is_refused() {
    let model = TinyModel::new();
    let library = model.path("libonnxruntime.so");
    fs::write(&library, "not a library").unwrap();
    let local =
        LocalConfig { model_dir: Some(model.dir().to_owned()), onnxruntime: Some(library), ..LocalConfig::default() };
    let error = Embedder::connect(EmbedderConfig { local, ..EmbedderConfig::default() }).await.unwrap_err();
    assert!(matches!(error, EmbedError::InvalidModel(_)), "{error}");
}

#[tokio::test]
async fn settings_files_that_ask_for_something_else_are_refused() {
    for (file, pointer, value, expected) in [
        ("config.json", "/model_type", json!("roberta"), "only BERT encoders"),
        ("config.json", "/hidden_act", json!("relu"), "only BERT encoders"),
        ("config.json", "/num_attention_heads", json!(3), "impossible sizes"),
        ("config.json", "/num_attention_heads", json!(0), "impossible sizes"),
        ("config.json", "/hidden_size", json!(1u64 << 40), "impossible sizes"),
        ("config.json", "/hidden_size", json!(16), "has shape"),
        ("config.json", "/num_hidden_layers", json!(3), "encoder.layer.2"),
        ("config.json", "/vocab_size", json!(11), "more tokens than the model"),
        ("config.json", "/vocab_size", json!("many"), "config.json"),
        ("modules.json", "/2/type", json!("sentence_transformers.models.Dense"), "`Dense`"),
        ("modules.json", "/1/type", json!("sentence_transformers.models.Normalize"), "no pooling module"),
        ("1_Pooling/config.json", "/pooling_mode_mean_tokens", json!(false), "pooling"),
        ("sentence_bert_config.json", "/max_seq_length", json!(2), "max_seq_length"),
        ("tokenizer.json", "/model/type", json!("Nonsense"), "tokenizer.json"),
    ] {
        let model = TinyModel::new();
        model.set(file, pointer, value);
        let message = refusal(&model).await;
        assert!(message.contains(expected), "{file} {pointer}: {message}");
    }
}

#[tokio::test]
async fn damaged_weights_are_refused() {
    let model = TinyModel::new();
    let whole = fs::read(model.path("model.safetensors")).unwrap();
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(model.path("model.safetensors"), &whole[..length]).unwrap();
        refusal(&model).await;
    }
    let name = "embeddings.position_embeddings.weight";
    let entry = |offsets: [u64; 2], dtype: &str| {
        json!({ name: { "dtype": dtype, "shape": [32, 8], "data_offsets": offsets } }).to_string()
    };
    for header in [
        "{}".to_owned(),
        "[]".to_owned(),
        "{\"a\":".to_owned(),
        entry([0, 1024], "F64"),
        entry([1024, 0], "F32"),
        entry([0, u64::MAX], "F32"),
        entry([u64::MAX - 1024, u64::MAX], "F32"),
    ] {
        model.write_safetensors(&header, &[0; 1024]);
        refusal(&model).await;
    }
}

#[tokio::test]
async fn a_text_of_unknown_words_still_gets_a_vector() {
    let embedder = TinyModel::new().connect().await.unwrap();
    let texts = ["\u{4e2d}\u{6587}".to_owned(), String::new(), "zebra ".repeat(500)];
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    assert!(vectors.iter().flatten().all(|value| value.is_finite()));
    assert_eq!(embedder.max_tokens(), 16);
}
