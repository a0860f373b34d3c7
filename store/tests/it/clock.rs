//! The clock: a manual one stands still and repeats itself, ids grow on both.

use std::time::Duration;

use coditect_store::Clock;

use crate::support::manual_clock;

#[test]
fn manual_clocks_repeat_themselves() {
    let (one, two) = (manual_clock(), manual_clock());
    assert_eq!(one.now(), two.now());
    assert_eq!(one.monotonic(), Duration::ZERO);
    let ids: Vec<_> = (0..5).map(|_| one.uuid()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert_eq!(ids, (0..5).map(|_| two.uuid()).collect::<Vec<_>>());
    assert_eq!(one.random(), two.random());
    assert_ne!(one.random(), one.random());
    let before = one.now();
    let same = one.clone();
    same.advance(Duration::from_secs(3));
    assert_eq!(one.now().duration_since(before).as_secs(), 3);
    assert_eq!(one.monotonic(), Duration::from_secs(3));
    let later = one.uuid();
    assert!(later > ids[4]);
    assert_eq!(later.get_version_num(), 7);
}

#[test]
fn machine_clocks_go_on() {
    let clock = Clock::system();
    clock.advance(Duration::from_secs(1_000_000));
    let ids: Vec<_> = (0..1000).map(|_| clock.uuid()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "ids of one millisecond keep their order");
    assert!(clock.monotonic() < Duration::from_secs(1000));
}
