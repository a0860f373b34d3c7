//! What a person reads: a table for each set, the growth of the generated ones, and a line to compare runs by.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

use coditect_benches::report::table;

use crate::contest::TARGETS;
use crate::contestants::{FLAT, OURS, is_peer_graph};
use crate::record::{Measured, Record, SetRecord};

/// Recall that the comparing line is about.
const TARGET: f64 = 0.99;
/// Sets of growing size.
const GROWING: [&str; 3] = ["generated-10k", "generated-100k", "generated-1m"];

/// Prints a set's table and why some are not in it.
pub(crate) fn set(record: &SetRecord) {
    let info = &record.set;
    println!(
        "\n{}: {} x {}, {:?}, {} queries, k=10",
        info.name, info.rows, info.dimension, info.metric, info.query_rows
    );
    println!("{}", info.made);
    let threads = record.threads;
    let head = ["", "build s", "own B", "mapped B", "load s", "q/s .95", "q/s .99", "all .95", "all .99", "recall"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(record.measured.iter().filter(|it| it.build.is_some()).map(|it| row(it, info.rows, threads)));
    print!("{}", table(&rows));
    println!(
        "own, mapped: resident bytes a vector that the system cannot, and can, take back; all: {threads} threads at once"
    );
    for measured in &record.measured {
        if let Some(reason) = &measured.failed {
            println!("{}: {reason}", measured.name);
        }
    }
}

fn row(measured: &Measured, vectors: usize, threads: usize) -> Vec<String> {
    let build = measured.build.as_ref();
    let bytes = |bytes: i64| format!("{:.0}", bytes as f64 / vectors as f64);
    let mut cells = vec![
        measured.name.clone(),
        build.map_or_else(none, |it| format!("{:.1}", it.seconds)),
        build.map_or_else(none, |it| bytes(it.memory.own)),
        build.map_or_else(none, |it| bytes(it.memory.mapped)),
        measured.load.as_ref().map_or_else(none, |it| format!("{:.2}", it.seconds)),
    ];
    for threads in [1, threads] {
        cells.extend(TARGETS.map(|recall| speed(measured.qps_at(threads, recall))));
    }
    cells.push(format!("{:.4}", measured.best_recall()));
    cells
}

fn none() -> String {
    "-".to_owned()
}

fn speed(qps: Option<f64>) -> String {
    qps.map_or_else(none, |it| format!("{it:.0}"))
}

/// Prints how speed at a recall of 0.95 falls as the generated set grows, where those sets were measured.
pub(crate) fn growth(record: &Record) {
    let sets: Vec<&SetRecord> =
        GROWING.iter().filter_map(|name| record.sets.iter().find(|it| it.set.name == *name)).collect();
    let (Some(last), true) = (sets.last(), sets.len() > 1) else { return };
    println!("\ngrowth: queries/s at recall .95, and how many times longer a query takes than in the set before");
    let mut head = vec![String::new()];
    sets.iter().for_each(|set| head.extend([set.set.name.clone(), "x".to_owned()]));
    let mut rows = vec![head];
    for measured in last.measured.iter().filter(|it| it.build.is_some()) {
        let mut cells = vec![measured.name.clone()];
        let mut before = None;
        for set in &sets {
            let qps = set.of(&measured.name).and_then(|it| it.qps_at(1, TARGETS[0]));
            let ratio = before.zip(qps).map_or_else(none, |(before, qps): (f64, f64)| format!("{:.2}", before / qps));
            cells.extend([speed(qps), ratio]);
            before = qps;
        }
        rows.push(cells);
    }
    print!("{}", table(&rows));
}

/// The line that a run is compared by.
pub(crate) fn summary(record: &SetRecord) -> String {
    let ours = record.of(OURS);
    let qps = ours.and_then(|it| it.qps_at(1, TARGET));
    let peers = record.measured.iter().filter(|it| it.name != OURS);
    let speeds = peers.filter_map(|it| Some((it.name.as_str(), it.qps_at(1, TARGET)?)));
    let best = speeds.max_by(|one, other| one.1.total_cmp(&other.1));
    let seconds = |it: &Measured| it.build.map(|build| build.seconds);
    let graphs = record.measured.iter().filter(|it| is_peer_graph(&it.name));
    let build = graphs.filter_map(seconds).min_by(f64::total_cmp);
    let bytes = |it: &Measured| it.build.map(|build| build.memory.own as f64);
    let ratio = |of: Option<f64>, to: Option<f64>| {
        of.zip(to).map_or_else(|| "none".to_owned(), |(of, to)| format!("{:.2}", of / to))
    };
    format!(
        "ann: {} recall@10>={TARGET} ours={} best_peer={} ratio={} build_ratio={} bytes_ratio={}",
        record.set.name,
        qps.map_or_else(|| "none".to_owned(), |it| format!("{it:.0}")),
        best.map_or_else(|| "none".to_owned(), |(name, qps)| format!("{name}:{qps:.0}")),
        ratio(qps, best.map(|it| it.1)),
        ratio(ours.and_then(seconds), build),
        ratio(ours.and_then(bytes), record.of(FLAT).and_then(bytes)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Memory;
    use crate::record::{Build, Run};
    use crate::sets::{Info, Metric};

    fn measured(name: &str, seconds: f64, own: i64, qps: f64) -> Measured {
        let build = Some(Build { seconds, memory: Memory { own, mapped: 7 } });
        let runs = vec![Run { effort: 10, depth: 0, threads: 1, recall: 0.995, qps: vec![qps] }];
        Measured { name: name.to_owned(), build, runs, ..Measured::default() }
    }

    fn record(measured: Vec<Measured>) -> SetRecord {
        let name = "fashion-mnist".to_owned();
        let (made, metric) = (String::new(), Metric::L2);
        let set = Info { name, made, metric, dimension: 1, rows: 10, query_rows: 1, truth_depth: 100, seed: 42 };
        SetRecord { set, quick: true, rounds: 1, threads: 2, measured }
    }

    #[test]
    fn the_line_compares_with_the_best_peer_the_fastest_graph_and_faiss() {
        let all = vec![
            measured(OURS, 9.0, 250, 30_000.0),
            measured(FLAT, 12.0, 1_000, 9_000.0),
            measured("svs-lvq8", 20.0, 300, 20_000.0),
            measured("faiss-ivf-rabitq", 3.0, 300, 100.0),
        ];
        assert_eq!(
            summary(&record(all)),
            "ann: fashion-mnist recall@10>=0.99 ours=30000 best_peer=svs-lvq8:20000 ratio=1.50 build_ratio=0.75 bytes_ratio=0.25"
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(
            summary(&record(vec![measured(OURS, 9.0, 250, 30_000.0)])),
            "ann: fashion-mnist recall@10>=0.99 ours=30000 best_peer=none ratio=none build_ratio=none bytes_ratio=none"
        );
    }
}
