//! Range reads: what they answer and what they conflict with.

use super::{Bed, kind, letters, put, put_letters};
use crate::{ErrorKind, RangeQuery, Transaction};

fn from_to(begin: &str, end: &str) -> RangeQuery {
    RangeQuery::from((begin.to_owned(), end.to_owned()))
}

/// Reads a range of a..i in one transaction, then another writes `written`: does the first conflict?
async fn conflicts(bed: &Bed, range: RangeQuery, written: &str) -> bool {
    let tx = bed.store.begin();
    tx.clear_range(b"", b"\xff");
    tx.commit().await.unwrap();
    put_letters(&bed.store, "abcdefghi").await;
    let tx = bed.store.begin();
    tx.get_range(range).await.unwrap();
    tx.set(b"z", b"1");
    put(&bed.store, written.as_bytes(), b"new").await;
    match tx.commit().await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Conflict);
            true
        }
    }
}

pub(super) async fn phantom_is_refused(bed: Bed) {
    assert!(conflicts(&bed, from_to("b", "d"), "bb").await, "inserted within");
    assert!(conflicts(&bed, from_to("b", "d"), "b").await, "first key");
    assert!(!conflicts(&bed, from_to("b", "d"), "d").await, "the end is excluded");
    assert!(!conflicts(&bed, from_to("b", "d"), "a").await, "before");
    assert!(conflicts(&bed, from_to("x", "y"), "xx").await, "empty range");
}

pub(super) async fn cleared_range_conflicts(bed: Bed) {
    put_letters(&bed.store, "abcdef").await;
    let reads = |key: &'static [u8]| {
        let tx = bed.store.begin();
        async move {
            tx.get(key).await.unwrap();
            tx.set(b"x", b"1");
            tx
        }
    };
    let (inside, outside) = (reads(b"c").await, reads(b"e").await);
    let tx = bed.store.begin();
    tx.clear_range(b"b", b"e");
    tx.commit().await.unwrap();
    assert_eq!(kind(inside.commit().await), ErrorKind::Conflict);
    outside.commit().await.unwrap();
    assert_eq!(letters(&bed.store.begin(), from_to("a", "h")).await, "aef");
}

pub(super) async fn limit_shortens_the_conflict(bed: Bed) {
    let range = || from_to("a", "z").limit(3);
    assert!(conflicts(&bed, range(), "b").await);
    assert!(conflicts(&bed, range(), "bb").await);
    assert!(conflicts(&bed, range(), "c").await, "the last item that was read");
    assert!(!conflicts(&bed, range(), "cc").await);
    assert!(!conflicts(&bed, range(), "h").await);
}

pub(super) async fn reverse_limit_shortens_the_conflict(bed: Bed) {
    let range = || from_to("a", "y").limit(3).reverse();
    assert!(conflicts(&bed, range(), "i").await);
    assert!(conflicts(&bed, range(), "w").await, "between the last key and the end");
    assert!(conflicts(&bed, range(), "g").await, "the last item that was read");
    assert!(!conflicts(&bed, range(), "ff").await);
    assert!(!conflicts(&bed, range(), "a").await);
}

pub(super) async fn ranges_are_in_order(bed: Bed) {
    put_letters(&bed.store, "hbdface").await;
    put(&bed.store, b"dd", b"").await;
    let tx = bed.store.begin();
    assert_eq!(letters(&tx, from_to("", "z")).await, "abcddefh".replace("dd", "ddd"));
    assert_eq!(letters(&tx, from_to("b", "e").reverse()).await, "dddcb");
    assert_eq!(letters(&tx, from_to("b", "f").limit(2)).await, "bc");
    assert_eq!(letters(&tx, from_to("b", "f").limit(2).reverse()).await, "edd");
    assert_eq!(letters(&tx, from_to("c", "c")).await, "");
    assert_eq!(letters(&tx, RangeQuery::prefix(b"d")).await, "ddd");
}

pub(super) async fn range_pages_join(bed: Bed) {
    put_letters(&bed.store, "abcdefg").await;
    for reverse in [false, true] {
        let mut query = from_to("a", "g").limit(2);
        query.reverse = reverse;
        let tx = bed.store.begin();
        let mut pages = Vec::new();
        let mut next = Some(query.clone());
        while let Some(query) = next {
            let page = tx.get_range(query.clone()).await.unwrap();
            next = query.rest(&page);
            pages.extend(page.items);
        }
        let mut all = tx.get_range(from_to("a", "g")).await.unwrap().items;
        if reverse {
            all.reverse();
        }
        assert_eq!(pages, all);
        let mut four = query;
        four.limit = 4;
        assert_eq!(tx.collect_range(four).await.unwrap().items, all[..4]);
    }
}

pub(super) async fn large_ranges_come_in_pages(bed: Bed) {
    const COUNT: u8 = 60;
    for chunk in (0..COUNT).collect::<Vec<_>>().chunks(20) {
        let tx = bed.store.begin();
        chunk.iter().for_each(|&number| tx.set(&[number], &vec![number; 100_000]));
        tx.commit().await.unwrap();
    }
    let tx = bed.store.begin();
    let page = tx.get_range(RangeQuery::prefix(b"")).await.unwrap();
    assert!(page.more && page.items.len() < usize::from(COUNT), "{} items", page.items.len());
    let all = tx.collect_range(RangeQuery::prefix(b"")).await.unwrap();
    let intact = |(number, item): (usize, &crate::KeyValue)| item.value == vec![number as u8; 100_000];
    assert_eq!(all.items.len(), usize::from(COUNT));
    assert!(all.items.iter().enumerate().all(intact) && !all.more);
}

pub(super) async fn odd_ranges_are_refused(bed: Bed) {
    let tx = bed.store.begin();
    assert_eq!(kind(tx.get_range(from_to("c", "b")).await), ErrorKind::Invalid);
    let refused: [fn(&Transaction); 4] = [
        |tx| tx.clear_range(b"c", b"b"),
        |tx| tx.add_read_conflict_range(b"c", b"b"),
        |tx| tx.add_write_conflict_range(b"c", b"b"),
        |tx| tx.clear_range(b"a", b"\xff\x01"),
    ];
    for refused in refused {
        let tx = bed.store.begin();
        refused(&tx);
        assert_eq!(kind(tx.commit().await), ErrorKind::Invalid);
    }
    let tx = bed.store.begin();
    tx.clear_range(b"b", b"b");
    tx.clear_range(b"", b"\xff");
    tx.commit().await.unwrap();
}
