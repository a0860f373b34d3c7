//! Faults happen when they are asked for, and do what they say.

use std::time::Instant;

use crate::api::Database;

fn commit(database: &Database, key: &[u8]) -> Result<(), i32> {
    let tx = database.begin();
    tx.set(key, b"");
    tx.commit().done()
}

#[test]
fn commits_meet_their_faults() {
    let database = Database::fresh();
    database.set_faults("not_committed=1");
    assert_eq!(commit(&database, b"refused"), Err(1020));
    database.set_faults("commit_too_old=1");
    assert_eq!(commit(&database, b"old"), Err(1007));
    database.set_faults("unknown_committed=1");
    assert_eq!(commit(&database, b"there"), Err(1021));
    database.set_faults("unknown_not_committed=1");
    assert_eq!(commit(&database, b"lost"), Err(1021));
    database.set_faults("");
    assert!(database.value(b"there").is_some(), "committed, though nobody was told");
    for key in [&b"refused"[..], b"old", b"lost"] {
        assert_eq!(database.value(key), None);
    }
}

#[test]
fn an_unknown_commit_is_settled_before_it_is_reported() {
    let database = Database::fresh();
    for round in 0..100u8 {
        database.set_faults("unknown_committed=1,latency_ms=1");
        assert_eq!(commit(&database, &[round]), Err(1021));
        database.set_faults("");
        assert!(database.value(&[round]).is_some());
    }
}

#[test]
fn reads_meet_their_faults() {
    let database = Database::fresh();
    database.put_letters("abcdefgh");
    for (plan, code) in [("too_old=1", 1007), ("process_behind=1", 1037), ("future_version=1", 1009)] {
        database.set_faults(plan);
        assert_eq!(database.begin().get(b"k").done(), Err(code));
    }
    database.set_faults("small_pages=1,seed=1");
    let (items, more) = database.begin().get_range(crate::api::range(b"", b"\xff")).items().unwrap();
    assert!((1..=3).contains(&items.len()) && more);
}

#[test]
fn plans_repeat_by_their_seed() {
    let results = |seed: u32| {
        let database = Database::fresh();
        database.set_faults(&format!("seed={seed},not_committed=0.3,unknown_committed=0.3"));
        (0..64u8).map(|round| commit(&database, &[round])).collect::<Vec<_>>()
    };
    assert_eq!(results(1), results(1));
    assert_ne!(results(1), results(2));
    let ok = results(3).iter().filter(|result| result.is_ok()).count();
    assert!((15..50).contains(&ok), "{ok} of 64");
}

#[test]
fn a_partition_cuts_off_one_client() {
    let cut_off = Database::named("partition");
    let other = Database::named("partition");
    let began = Instant::now();
    cut_off.set_faults("seed=1,partition_ms=0-300");
    let tx = cut_off.begin();
    let read = tx.get(b"k");
    other.put(b"k", b"1");
    assert!(!read.is_ready(), "the other client goes on meanwhile");
    assert_eq!(read.value().unwrap().as_deref(), Some(&b"1"[..]));
    assert!(began.elapsed().as_millis() >= 300);
}

#[test]
fn a_commit_in_a_partition_has_an_unknown_result() {
    let other = Database::fresh();
    let mut there = 0;
    for seed in 0..20u8 {
        let (name, began) = (format!("cut{seed}"), Instant::now());
        let cut_off = Database::named(&name);
        cut_off.set_faults(&format!("seed={seed},partition_ms=0-40"));
        assert_eq!(commit(&cut_off, b"k"), Err(1021));
        assert!(began.elapsed().as_millis() >= 40);
        there += u32::from(Database::named(&name).value(b"k").is_some());
    }
    assert!((2..19).contains(&there), "{there} of 20 took place");
    other.put(b"k", b"");
}

#[test]
fn watches_can_be_lost() {
    let database = Database::fresh();
    database.set_faults("watch_lost=1");
    let tx = database.begin();
    let watch = tx.watch(b"k");
    tx.commit().done().unwrap();
    database.put(b"k", b"1");
    database.begin().get(b"k").done().unwrap();
    assert!(!watch.is_ready());
}

#[test]
fn odd_plans_are_refused() {
    let database = Database::fresh();
    for odd in ["not_committed", "not_committed=2", "unknown=1", "partition_ms=5", "seed=x"] {
        assert_eq!(database.set_faults(odd), 2006, "{odd}");
    }
    let by_file = Database::connect("planned:standin@127.0.0.1:4500\n# faults: not_committed=1\n");
    assert_eq!(commit(&by_file, b"k"), Err(1020));
    let odd = Database::connect("planned:standin@127.0.0.1:4500\n# faults: nonsense\n");
    assert_eq!(commit(&odd, b"k"), Err(2006));
}
