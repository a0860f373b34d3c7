//! Prints a run: tables, the worst questions, and one line a mode for machines.

use std::collections::BTreeMap;

use coditect_benches::metrics::Metrics;
use coditect_benches::report::table;

use crate::record::{Asked, Mode, Record};

/// Results shown beside a question that went wrong.
const SHOWN: usize = 3;

/// Prints all of the run; the lines of the modes come last.
pub(crate) fn print(record: &Record, worst: usize) {
    let lengths = record.lengths;
    println!(
        "\n{} passages, mean length {:.1} lines, {:.0} characters; server {:.0} MB resident",
        lengths.passages,
        lengths.mean_lines,
        lengths.mean_characters,
        record.resident_bytes as f64 / 1e6
    );
    for mode in &record.modes {
        println!("\n{}", tables(mode).trim_end());
    }
    if let Some(mode) = record.modes.iter().find(|it| it.mode == crate::ask::LATE).or(record.modes.last()) {
        print_worst(mode, worst);
    }
    println!();
    for mode in &record.modes {
        println!("relevance: mode={} {}", mode.mode, mode.all.line());
    }
}

fn tables(mode: &Mode) -> String {
    let mut rows = vec![
        [mode.mode.as_str(), "success@1", "success@3", "success@5", "success@10", "mrr@10", "ndcg@10", "doc_success@5"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(groups(&mode.by_collection));
    rows.extend(groups(&mode.by_kind));
    rows.push(row("all", &mode.all));
    let returned = mode.returned;
    format!(
        "{}latency p50 {:.1} ms, p99 {:.1} ms, of it late interaction {:.1} and {:.1} ms; returned passages {:.1} lines, {:.0} characters\n",
        table(&rows),
        mode.latency_ms.p50,
        mode.latency_ms.p99,
        mode.late_ms.p50,
        mode.late_ms.p99,
        returned.mean_lines,
        returned.mean_characters
    )
}

/// Groups are of interest where there are several.
fn groups(groups: &BTreeMap<String, Metrics>) -> Vec<Vec<String>> {
    if groups.len() < 2 {
        return Vec::new();
    }
    groups.iter().map(|(name, metrics)| row(name, metrics)).collect()
}

fn row(name: &str, metrics: &Metrics) -> Vec<String> {
    let values = [
        metrics.success_1,
        metrics.success_3,
        metrics.success_5,
        metrics.success_10,
        metrics.mrr_10,
        metrics.ndcg_10,
        metrics.doc_success_5,
    ];
    let cells = values.iter().map(|value| format!("{value:.3}"));
    std::iter::once(name.to_owned()).chain(cells).collect()
}

fn print_worst(mode: &Mode, count: usize) {
    let mut questions: Vec<&Asked> = mode.questions.iter().collect();
    questions.sort_by(|a, b| {
        let rank = |asked: &Asked| (asked.metrics.ndcg_10, asked.metrics.doc_success_5);
        rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.id.cmp(&b.id))
    });
    println!("\nworst {} of {} in mode {}:", count.min(questions.len()), questions.len(), mode.mode);
    for asked in questions.into_iter().take(count) {
        println!("\n{} [{}] ndcg@10 {:.3}: {}", asked.id, asked.collection, asked.metrics.ndcg_10, asked.query);
        println!("  judged   {}", asked.judged.join(", "));
        for result in asked.results.iter().take(SHOWN) {
            let mark = if result.relevant { "right" } else { "instead" };
            let (first, last) = result.lines;
            let heading = &result.heading;
            println!("  {mark:<8} {}:{first}-{last} {:.3} {heading}", result.document_id, result.score);
        }
    }
}
