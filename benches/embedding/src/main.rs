//! Measures the runtimes that the product does not use, on the same work as `embed_bench`: texts of
//! a known number of tokens in, sentence vectors out, two threads.
//!
//!     cargo run --release --features candle -- candle <model directory> [seconds]
//!     cargo run --release --features tract -- tract <onnx file of make_onnx.py> [seconds]

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Evaluates one batch of equally long texts.
pub trait Runtime: Send {
    /// One sentence vector for each text.
    fn embed(&mut self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>>;
}

#[cfg(feature = "candle")]
mod candle_runtime;
#[cfg(feature = "tract")]
mod tract_runtime;

const THREADS: usize = 2;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, path, rest @ ..] = arguments.as_slice() else { bail!("usage: <candle|tract> <path> [seconds]") };
    let period = Duration::from_secs(rest.first().map_or(Ok(10), |text| text.parse())?);
    memory("before the model");
    let started = Instant::now();
    let mut runtimes = (0..THREADS).map(|_| open(name, Path::new(path))).collect::<Result<Vec<_>>>()?;
    println!("load {:.2} s for {THREADS} threads", started.elapsed().as_secs_f64());
    memory("model loaded");
    check(&mut *runtimes[0])?;
    query(&mut *runtimes[0], period)?;
    for tokens in [128, 250] {
        throughput(&mut runtimes, tokens, period)?;
    }
    memory("after the runs");
    Ok(())
}

fn open(name: &str, path: &Path) -> Result<Box<dyn Runtime>> {
    let _ = path;
    match name {
        #[cfg(feature = "candle")]
        "candle" => Ok(Box::new(candle_runtime::Candle::open(path)?)),
        #[cfg(feature = "tract")]
        "tract" => Ok(Box::new(tract_runtime::Tract::open(path)?)),
        other => bail!("no runtime `{other}` in this build"),
    }
}

/// Token ids of a text: any words will do.
fn ids(tokens: usize, seed: usize) -> Vec<u32> {
    let word = |index: usize| 2000 + ((index * 7919 + seed * 104_729) % 20_000) as u32;
    let mut ids: Vec<u32> = (0..tokens).map(word).collect();
    (ids[0], ids[tokens - 1]) = (101, 102);
    ids
}

/// The first text of `ingest/tests/reference`, so that a wrong model is not measured.
fn check(runtime: &mut dyn Runtime) -> Result<()> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../ingest/tests/reference/vectors.json"))?;
    let expected: Vec<f32> = serde_json::from_value(vectors[0]["vector"].clone())?;
    // "How do I reset my password?"
    let text = vec![101, 2129, 2079, 1045, 25141, 2026, 20786, 1029, 102];
    let found = runtime.embed(&[text])?.pop().context("no vector")?;
    let cosine: f32 = found.iter().zip(&expected).map(|(a, b)| a * b).sum();
    println!("cosine with the reference {cosine:.6}");
    Ok(())
}

fn query(runtime: &mut dyn Runtime, period: Duration) -> Result<()> {
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < period {
        let asked = Instant::now();
        runtime.embed(&[ids(12, times.len())])?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("query 12 tokens: p50 {:.2} ms, n {}", times[times.len() / 2], times.len());
    Ok(())
}

fn throughput(runtimes: &mut [Box<dyn Runtime>], tokens: usize, period: Duration) -> Result<()> {
    for batch in [1, 4] {
        let texts: Vec<Vec<u32>> = (0..batch).map(|seed| ids(tokens, seed)).collect();
        let (started, processor) = (Instant::now(), processor_seconds());
        let done: usize = std::thread::scope(|scope| -> Result<usize> {
            let workers: Vec<_> = runtimes
                .iter_mut()
                .map(|runtime| {
                    let texts = &texts;
                    scope.spawn(move || -> Result<usize> {
                        let mut done = 0;
                        while started.elapsed() < period {
                            done += runtime.embed(texts)?.len();
                        }
                        Ok(done)
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).sum()
        })?;
        let (wall, busy) = (started.elapsed().as_secs_f64(), processor_seconds() - processor);
        println!(
            "documents {tokens} tokens, batches of {batch}: {:.1} texts/s, {:.1} texts per processor second",
            done as f64 / wall,
            done as f64 / busy
        );
    }
    Ok(())
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / 100.0
}

fn memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("");
    let kibibytes: f64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0.0);
    println!("memory {when}: {:.0} MiB resident", kibibytes / 1024.0);
}
