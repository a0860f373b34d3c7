//! Many commits: few segments, flat memory, nothing missed or doubled in between.

use std::sync::atomic::{AtomicBool, Ordering};

use coditect_engine::keyword::{KeywordIndex, KeywordOptions, limits};

use super::data::{empty, index, put, remove, slots};

#[test]
fn two_thousand_tiny_commits_leave_few_segments() {
    let index = empty();
    for slot in 0..2_000 {
        index.apply(&[put(slot, &format!("commit number {slot}"))]).unwrap();
        index.commit().unwrap();
        assert!(index.segments() <= limits::MAX_SEGMENTS, "{} segments after {slot}", index.segments());
    }
    assert_eq!(index.len(), 2_000);
    assert_eq!(slots(&index, "1234"), [1_234]);
}

#[test]
fn updates_of_constant_size_keep_memory_flat() {
    let index = empty();
    let text = |i: u32| format!("passage {i} of some words {} that change {}", i % 17, i.wrapping_mul(2_654_435_769));
    for slot in 0..200 {
        index.apply(&[put(slot, &text(slot))]).unwrap();
    }
    index.commit().unwrap();
    index.release_idle().unwrap();
    let before = index.memory_bytes();
    for round in 0..600 {
        index.apply(&[put(round % 200, &text(round))]).unwrap();
        index.commit().unwrap();
    }
    index.release_idle().unwrap();
    let after = index.memory_bytes();
    assert!(after < before * 2, "{before} bytes became {after}");
    assert_eq!(index.len(), 200);
    for slot in 0..200 {
        index.apply(&[remove(slot)]).unwrap();
    }
    index.commit().unwrap();
    index.release_idle().unwrap();
    assert!(index.is_empty() && index.memory_bytes() < before / 4, "{} bytes for nothing", index.memory_bytes());
}

#[test]
fn an_idle_index_is_compact_and_goes_on() {
    let index = index(&["one"]);
    for i in 1..20 {
        index.apply(&[put(i, "two")]).unwrap();
        index.commit().unwrap();
    }
    index.apply(&[put(20, "three")]).unwrap();
    index.release_idle().unwrap();
    assert_eq!(slots(&index, "one three"), [0, 20], "what was waiting is committed");
    index.release_idle().unwrap();
    index.apply(&[remove(0), put(21, "three")]).unwrap();
    index.commit().unwrap();
    assert_eq!(slots(&index, "one three"), [20, 21]);
}

#[test]
fn a_commit_of_one_passage_is_quick() {
    // No timing, but the bound that makes it so: what a waiting passage takes before the commit.
    let index = index(&["one"]);
    let before = index.memory_bytes();
    index.apply(&[put(1, "two")]).unwrap();
    index.commit().unwrap();
    assert!(index.memory_bytes() - before < 64 * 1024, "{} bytes for one passage", index.memory_bytes() - before);
}

#[test]
fn options_out_of_range_are_refused() {
    let bad = |change: fn(&mut KeywordOptions)| {
        let mut options = KeywordOptions::default();
        change(&mut options);
        KeywordIndex::new(options).is_err()
    };
    assert!(bad(|options| options.saturation = 0.0) && bad(|options| options.saturation = f32::NAN));
    assert!(bad(|options| options.text.length = 1.5) && bad(|options| options.title.weight = -1.0));
    assert!(bad(|options| options.spelling = 2.0) && bad(|options| options.phrase = f32::INFINITY));
}

#[test]
fn searches_between_commits_and_merges_see_each_passage_once() {
    let index = empty();
    for slot in 0..100 {
        index.apply(&[put(slot, "stable words")]).unwrap();
    }
    index.commit().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let searcher = scope.spawn(|| {
            let mut searches = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(slots(&index, "stable"), (0..100).collect::<Vec<_>>());
                searches += 1;
            }
            searches
        });
        for round in 0..300u32 {
            // Every passage is overwritten by its equal, which must neither vanish nor appear twice.
            let changes: Vec<_> =
                (0..100).filter(|slot| slot % 7 == round % 7).map(|slot| put(slot, "stable words")).collect();
            index.apply(&changes).unwrap();
            index.commit().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(searcher.join().unwrap() > 0);
    });
}

#[test]
fn a_large_merge_goes_on_beside_commits() {
    let index = empty();
    let mut slot = 0;
    for _ in 0..14 {
        for _ in 0..limits::INLINE_MERGE_DOCS / 4 + 10 {
            index.apply(&[put(slot, &format!("word{} common", slot % 1_000))]).unwrap();
            slot += 1;
        }
        index.commit().unwrap();
    }
    index.apply(&[remove(5)]).unwrap();
    index.commit().unwrap();
    assert_eq!(index.len(), slot as usize - 1);
    index.release_idle().unwrap();
    assert_eq!(index.len(), slot as usize - 1);
    assert!(index.segments() <= 6, "{} segments", index.segments());
    assert!(!slots(&index, "word5").contains(&5));
}
