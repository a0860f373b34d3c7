//! Churn: rounds that remove a hundredth of the vectors and insert as many others, at random and in the order of the set; then recall beside
//! a fresh build of what is left.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use coditect_benches::report::table;
use coditect_engine::vector::{VectorIndex, VectorOptions, VectorQuery};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use super::{MUCH, index, insert, mean, recall, search};
use crate::sets::{SEED, Set, Vectors};

const ROUNDS: usize = 1_000;
/// Vectors that live at a time, at most: half of the set waits to come in.
const LIVE: usize = 10_000;
/// Vectors that go and come in a round: one of so many.
const SHARE: usize = 100;
const EFFORTS: [usize; 3] = [20, 64, 128];

/// Which vectors go.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Random,
    /// The oldest, in an order by which near vectors go and come together.
    Clustered,
}

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    order: Order,
    rounds: usize,
    live: usize,
    removed_per_second: f64,
    inserted_per_second: f64,
    /// Bytes in memory over those at the start.
    memory_ratio: f64,
    /// Live vectors that a search for themselves misses with the usual effort, and in the fresh build.
    missed: usize,
    missed_fresh: usize,
    /// The same with much effort: nothing leads to them.
    unreachable: usize,
    recalls: Vec<Recall>,
}

#[derive(Debug, Serialize)]
struct Recall {
    ef: usize,
    churned: f64,
    fresh: f64,
}

pub(super) fn run(set: &Set, options: VectorOptions) -> Result<Vec<Outcome>> {
    let (base, queries) = (set.base()?, set.queries()?);
    let mut outcomes = Vec::new();
    for order in [Order::Random, Order::Clustered] {
        let base = if let Order::Clustered = order { by_neighbourhood(&base) } else { base.clone() };
        outcomes.push(churn(&base, &queries, &options, order)?);
    }
    print(&set.info.name, &outcomes);
    Ok(outcomes)
}

/// The vectors in the order of the nearest of a few of them, so that neighbours stand together.
fn by_neighbourhood(base: &Vectors) -> Vectors {
    const CENTRES: usize = 100;
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let step = (base.rows() / CENTRES).max(1);
    let centres: Vec<&[f32]> = (0..base.rows()).step_by(step).map(|row| base.row(row)).collect();
    let nearest = |vector: &[f32]| {
        let distances = centres.iter().map(|centre| distance(vector, centre));
        distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
    };
    let mut rows: Vec<usize> = (0..base.rows()).collect();
    rows.sort_by_cached_key(|&row| nearest(base.row(row)));
    base.pick(&rows)
}

/// The vectors that live, by slot and row, oldest first.
struct Live(VecDeque<(u32, usize)>);

fn churn(base: &Vectors, queries: &Vectors, options: &VectorOptions, order: Order) -> Result<Outcome> {
    let count = LIVE.min(base.rows() / 2);
    let part = count / SHARE;
    let churned = index(options.clone())?;
    insert(&churned, base, 0..count)?;
    let before = churned.memory_bytes() as f64;
    let mut live = Live((0..count).map(|row| (row as u32, row)).collect());
    let mut waiting: VecDeque<usize> = (count..base.rows()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut removing, mut inserting) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let gone: Vec<(u32, usize)> = (0..part).filter_map(|_| live.take(order, &mut random)).collect();
        let started = Instant::now();
        for &(slot, _) in &gone {
            ensure!(churned.remove(slot), "slot {slot} was empty");
        }
        removing += started.elapsed().as_secs_f64();
        let started = Instant::now();
        for (slot, row) in gone {
            waiting.push_back(row);
            let row = waiting.pop_front().context("no vector waits")?;
            churned.insert(slot, base.row(row))?;
            live.0.push_back((slot, row));
        }
        inserting += started.elapsed().as_secs_f64();
    }
    let changed = (ROUNDS * part) as f64;
    let memory_ratio = churned.memory_bytes() as f64 / before;
    let fresh = live.fresh(base, options)?;
    Ok(Outcome {
        order,
        rounds: ROUNDS,
        live: count,
        removed_per_second: changed / removing,
        inserted_per_second: changed / inserting,
        memory_ratio,
        missed: live.missed(&churned, base, None)?,
        missed_fresh: live.missed(&fresh, base, None)?,
        unreachable: live.missed(&churned, base, Some(MUCH))?,
        recalls: recalls(&churned, &fresh, queries)?,
    })
}

impl Live {
    fn take(&mut self, order: Order, random: &mut ChaCha8Rng) -> Option<(u32, usize)> {
        match order {
            Order::Random => self.0.swap_remove_back(random.random_range(0..self.0.len())),
            Order::Clustered => self.0.pop_front(),
        }
    }

    fn fresh(&self, base: &Vectors, options: &VectorOptions) -> Result<VectorIndex> {
        let fresh = index(options.clone())?;
        let all: Vec<(u32, &[f32])> = self.0.iter().map(|&(slot, row)| (slot, base.row(row))).collect();
        fresh.insert_batch(&all).context("build the fresh index")?;
        Ok(fresh)
    }

    /// Live vectors that a search for themselves does not find.
    fn missed(&self, index: &VectorIndex, base: &Vectors, ef: Option<usize>) -> Result<usize> {
        let mut lost = 0;
        for &(slot, row) in &self.0 {
            let hits = search(index, base.row(row), &VectorQuery { ef, ..VectorQuery::default() })?.0;
            let best = hits.first().map_or(f32::INFINITY, |hit| hit.score);
            // Equal vectors at several slots are all as near.
            let is_found = hits.iter().any(|hit| hit.slot == slot) || hits.last().is_some_and(|it| it.score >= best);
            lost += usize::from(!is_found);
        }
        Ok(lost)
    }
}

fn recalls(churned: &VectorIndex, fresh: &VectorIndex, queries: &Vectors) -> Result<Vec<Recall>> {
    let of = |index: &VectorIndex, ef: usize| -> Result<f64> {
        let mut recalls = Vec::new();
        for query in queries.iter() {
            let truth = search(index, query, &VectorQuery { exact: true, ..VectorQuery::default() })?.0;
            let hits = search(index, query, &VectorQuery { ef: Some(ef), ..VectorQuery::default() })?.0;
            recalls.push(recall(&hits, &truth));
        }
        Ok(mean(&recalls))
    };
    EFFORTS.iter().map(|&ef| Ok(Recall { ef, churned: of(churned, ef)?, fresh: of(fresh, ef)? })).collect()
}

fn print(name: &str, outcomes: &[Outcome]) {
    println!(
        "\n{name}: {ROUNDS} rounds that replace one of {SHARE} vectors; recall@10 and missed by a search for itself, churned / fresh"
    );
    let mut head: Vec<String> =
        ["order", "live", "removed/s", "inserted/s", "memory", "missed", "unreachable"].map(str::to_owned).to_vec();
    head.extend(EFFORTS.iter().map(|ef| format!("ef {ef}")));
    let mut rows = vec![head];
    for it in outcomes {
        let mut row = vec![
            format!("{:?}", it.order).to_lowercase(),
            it.live.to_string(),
            format!("{:.0}", it.removed_per_second),
            format!("{:.0}", it.inserted_per_second),
            format!("{:.2}x", it.memory_ratio),
            format!("{} / {}", it.missed, it.missed_fresh),
            it.unreachable.to_string(),
        ];
        row.extend(it.recalls.iter().map(|recall| format!("{:.4} / {:.4}", recall.churned, recall.fresh)));
        rows.push(row);
    }
    print!("{}", table(&rows));
}
