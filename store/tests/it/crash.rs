//! A writer process is killed at random moments: what it acknowledged is there, whole, and nothing is there in part.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use coditect_store::{AtomicOp, Error, RangeQuery, Store};

use crate::support::{child, get, open};

const KILLS: u64 = 20;
const TASKS: usize = 4;
const PARTS: u64 = 5;

fn key(task: u64, number: u64, part: u64) -> Vec<u8> {
    [b"t".as_slice(), &task.to_be_bytes(), &number.to_be_bytes(), &part.to_be_bytes()].concat()
}

#[tokio::test]
async fn killed_writer_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut there = [0; TASKS];
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let delay = Duration::from_millis((kill * 37) % 120);
        let path = dir.path().to_owned();
        let seen = tokio::task::spawn_blocking(move || write_and_kill(&path, there, delay)).await.unwrap();
        acknowledged += (0..TASKS).map(|task| seen[task] - there[task]).sum::<u64>();
        let store = open(dir.path()).await;
        there = contents(&store).await;
        for task in 0..TASKS {
            assert!(there[task] >= seen[task], "task {task}: {} acknowledged, {} there", seen[task], there[task]);
            assert!(there[task] <= seen[task] + 1, "at most the one under way came on top");
        }
        store.close().await.unwrap();
    }
    assert!(acknowledged >= KILLS * TASKS as u64, "{acknowledged} acknowledged: the test shows little");
}

/// Runs a writer that goes on behind the first `there` transactions of each task, kills it `delay` after each task has been
/// acknowledged one, and answers how many of each were acknowledged in all.
fn write_and_kill(dir: &Path, there: [u64; TASKS], delay: Duration) -> [u64; TASKS] {
    let starts = there.map(|number| number.to_string()).join(",");
    let mut command = child("crash::writes_until_it_is_killed");
    command.env("STORE_DIR", dir).env("STORE_STARTS", starts).stdout(Stdio::piped());
    let mut writer = command.spawn().unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut seen = there;
    let mut deadline = None;
    for line in lines.map_while(Result::ok) {
        // The test harness of the child prints lines of its own.
        if let Some((task, number)) = line.strip_prefix("ack ").and_then(|ack| ack.split_once(' ')) {
            seen[task.parse::<usize>().unwrap()] = number.parse::<u64>().unwrap() + 1;
        }
        if deadline.is_none() && (0..TASKS).all(|task| seen[task] > there[task]) {
            deadline = Some(Instant::now() + delay);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            // Once killed, the rest of the pipe is still read: those were acknowledged as well.
            writer.kill().unwrap();
        }
    }
    writer.wait().unwrap();
    seen
}

/// Checks that every transaction is there whole, in step with the counter and the log that it writes too; answers how many each
/// task has.
async fn contents(store: &Store) -> [u64; TASKS] {
    let items = store.begin().collect_range(RangeQuery::prefix(b"t")).await.unwrap().items;
    let mut there = [0; TASKS];
    for whole in items.chunks(PARTS as usize) {
        let task = u64::from_be_bytes(whole[0].key[1..9].try_into().unwrap());
        let number = there[task as usize];
        for part in 0..PARTS {
            let item = &whole[part as usize];
            assert_eq!(item.key, key(task, number, part), "every part of every transaction, without a gap");
            assert_eq!(item.value, vec![number as u8; 300]);
        }
        there[task as usize] += 1;
    }
    let log = store.begin().collect_range(RangeQuery::prefix(b"log/")).await.unwrap().items;
    assert_eq!(log.len() as u64, there.iter().sum::<u64>());
    let count = get(store, b"count").await.map_or(0, |count| u64::from_le_bytes(count.try_into().unwrap()));
    assert_eq!(count, there.iter().sum::<u64>());
    there
}

#[allow(clippy::print_stdout, reason = "the killing process reads what was acknowledged")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of killed_writer_loses_nothing_that_it_acknowledged that is killed"]
async fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("STORE_DIR") else {
        return;
    };
    let starts = std::env::var("STORE_STARTS").unwrap();
    let store = open(Path::new(&dir)).await;
    let tasks = starts.split(',').enumerate().map(|(task, start)| {
        let (store, start) = (store.clone(), start.parse::<u64>().unwrap());
        tokio::spawn(async move {
            for number in start.. {
                write(&store, task as u64, number).await;
                println!("ack {task} {number}");
            }
        })
    });
    futures::future::join_all(tasks).await;
}

async fn write(store: &Store, task: u64, number: u64) {
    let write = store.run(|tx| async move {
        for part in 0..PARTS {
            tx.set(&key(task, number, part), &vec![number as u8; 300]);
        }
        tx.atomic(AtomicOp::Add, b"count", &1u64.to_le_bytes());
        tx.atomic(AtomicOp::SetVersionstampedKey, b"log/..........\x04\0\0\0", b"");
        Ok::<_, Error>(())
    });
    write.await.unwrap();
}
