//! Measures the local embedder: throughput, query latency, memory. Prints one line a measurement.
//!
//!     cargo run --release -p coditect-ingest --example embed_bench [seconds] [f32|int8]

use std::time::{Duration, Instant};

use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, Precision};

/// Words that are one word piece each, so that a text's length in tokens is known.
const WORDS: [&str; 12] =
    ["search", "engine", "index", "vector", "query", "result", "document", "table", "memory", "system", "key", "value"];

#[tokio::main]
async fn main() -> Result<(), EmbedError> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let period = Duration::from_secs(seconds);
    report_memory("before the model");
    let started = Instant::now();
    let mut config = EmbedderConfig::default();
    if std::env::args().nth(2).as_deref() == Some("int8") {
        config.local.precision = Precision::Int8;
    }
    let embedder = Embedder::connect(config).await?;
    line(&format!("load {:.2} s, {}", started.elapsed().as_secs_f64(), embedder.fingerprint().id()));
    report_memory("model loaded");
    query_latency(&embedder, period).await?;
    for tokens in [12, 64, 128, 250] {
        throughput(&embedder, tokens, period).await?;
    }
    report_memory("after the runs");
    query_latency_beside_documents(&embedder, period).await?;
    Ok(())
}

/// A text of `tokens` tokens, special tokens included.
fn text(tokens: usize, seed: usize) -> String {
    let word = |index: usize| WORDS[(index * 7 + seed * 5 + index * seed) % WORDS.len()];
    (0..tokens - 2).map(word).collect::<Vec<_>>().join(" ")
}

async fn throughput(embedder: &Embedder, tokens: usize, period: Duration) -> Result<(), EmbedError> {
    let texts: Vec<String> = (0..64).map(|seed| text(tokens, seed)).collect();
    assert_eq!(embedder.counter().count(&texts[0]), tokens - 2);
    let (started, processor) = (Instant::now(), processor_seconds());
    let mut done = 0;
    while started.elapsed() < period {
        done += embedder.embed_documents(&texts).await?.len();
    }
    let wall = started.elapsed().as_secs_f64();
    let busy = processor_seconds() - processor;
    let rate = done as f64 / wall;
    line(&format!(
        "documents {tokens} tokens: {rate:.1} texts/s, {:.1} texts per processor second",
        done as f64 / busy
    ));
    Ok(())
}

async fn query_latency(embedder: &Embedder, period: Duration) -> Result<(), EmbedError> {
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < period {
        let query = text(12, times.len());
        let asked = Instant::now();
        embedder.embed_query(&query).await?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    line(&format!("query 12 tokens: {}", percentiles(times)));
    Ok(())
}

/// Twenty queries a second while documents are embedded without pause.
async fn query_latency_beside_documents(embedder: &Embedder, period: Duration) -> Result<(), EmbedError> {
    let background = embedder.clone();
    let documents = tokio::spawn(async move {
        let texts: Vec<String> = (0..64).map(|seed| text(128, seed)).collect();
        let (started, mut done) = (Instant::now(), 0);
        loop {
            match background.embed_documents(&texts).await {
                Ok(vectors) => done += vectors.len(),
                Err(error) => return Err::<f64, _>(error),
            }
            if started.elapsed() > period {
                return Ok(done as f64 / started.elapsed().as_secs_f64());
            }
        }
    });
    let mut times = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while !documents.is_finished() {
        tick.tick().await;
        let asked = Instant::now();
        embedder.embed_query(&text(12, times.len())).await?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    let rate = documents.await.unwrap_or_else(|error| panic!("the document task: {error}"))?;
    line(&format!("query 12 tokens beside documents ({rate:.1} texts/s): {}", percentiles(times)));
    Ok(())
}

fn percentiles(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, n {}", at(0.5), at(0.9), at(0.99), times.len())
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / 100.0
}

fn report_memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let found = status.lines().find_map(|entry| entry.strip_prefix(name)).unwrap_or("");
        found.trim_matches([':', ' ', '\t']).split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
            / 1024.0
    };
    let (now, own, peak) = (field("VmRSS"), field("RssAnon"), field("VmHWM"));
    line(&format!("memory {when}: {now:.0} MiB resident ({own:.0} MiB of it anonymous), peak {peak:.0} MiB"));
}

#[allow(clippy::print_stdout, reason = "printing is what this program does")]
fn line(text: &str) {
    println!("{text}");
}
