//! Key selectors.

use super::{Bed, letters, put, put_letters};
use crate::{ErrorKind, KeySelector, RangeQuery};

fn select(key: &str, or_equal: bool, offset: i32) -> KeySelector {
    KeySelector { key: key.to_owned().into(), or_equal, offset }
}

pub(super) async fn selectors_name_keys(bed: Bed) {
    put_letters(&bed.store, "bdfh").await;
    let tx = bed.store.begin();
    let table = [
        (KeySelector::first_greater_or_equal("d"), "d"),
        (KeySelector::first_greater_or_equal("e"), "f"),
        (KeySelector::first_greater_than("d"), "f"),
        (KeySelector::first_greater_than("e"), "f"),
        (KeySelector::last_less_than("d"), "b"),
        (KeySelector::last_less_than("e"), "d"),
        (KeySelector::last_less_or_equal("d"), "d"),
        (KeySelector::last_less_or_equal("e"), "d"),
        (select("b", false, 3), "f"),
        (select("h", true, -2), "d"),
        (select("a", true, 4), "h"),
    ];
    for (selector, expected) in table {
        assert_eq!(tx.get_key(&selector).await.unwrap(), expected, "{selector:?}");
        assert_eq!(tx.snapshot().get_key(&selector).await.unwrap(), expected, "{selector:?}");
    }
}

pub(super) async fn selectors_at_the_ends(bed: Bed) {
    put_letters(&bed.store, "bd").await;
    let tx = bed.store.begin();
    for (selector, expected) in [
        (KeySelector::first_greater_than("d"), &b"\xff"[..]),
        (KeySelector::last_less_than("b"), b""),
        (select("b", false, 100), b"\xff"),
        (select("d", false, -100), b""),
        (KeySelector::last_less_than(&b"\xff"[..]), b"d"),
        (KeySelector::first_greater_or_equal(""), b"b"),
    ] {
        assert_eq!(tx.get_key(&selector).await.unwrap(), expected, "{selector:?}");
    }
}

pub(super) async fn selector_conflicts_are_exact(bed: Bed) {
    let table = [
        (KeySelector::first_greater_or_equal("c"), "cc", true),
        (KeySelector::first_greater_or_equal("c"), "d", true),
        (KeySelector::first_greater_or_equal("c"), "dd", false),
        (KeySelector::first_greater_or_equal("c"), "b", false),
        (KeySelector::last_less_than("e"), "dd", true),
        (KeySelector::last_less_than("e"), "d", true),
        (KeySelector::last_less_than("e"), "e", false),
        (KeySelector::last_less_than("e"), "cc", false),
        (KeySelector::first_greater_than("h"), "x", true),
        (KeySelector::last_less_than("b"), "a", true),
    ];
    for (selector, written, expected) in table {
        let clean = bed.store.begin();
        clean.clear_range(b"", b"\xff");
        clean.commit().await.unwrap();
        put_letters(&bed.store, "bdfh").await;
        let tx = bed.store.begin();
        tx.get_key(&selector).await.unwrap();
        tx.set(b"zz", b"1");
        put(&bed.store, written.as_bytes(), b"new").await;
        let conflict = tx.commit().await.is_err_and(|error| error.kind() == ErrorKind::Conflict);
        assert_eq!(conflict, expected, "{selector:?} {written}");
    }
}

pub(super) async fn ranges_between_selectors(bed: Bed) {
    put_letters(&bed.store, "abcdefgh").await;
    let tx = bed.store.begin();
    let range = |begin, end| RangeQuery { begin, end, limit: 0, reverse: false };
    let after_c = KeySelector::first_greater_than("c");
    let last_f = KeySelector::last_less_or_equal("f");
    assert_eq!(letters(&tx, range(after_c.clone(), last_f.clone())).await, "de");
    assert_eq!(letters(&tx, range(last_f, after_c)).await, "");
    assert_eq!(letters(&tx, range(select("c", false, 3), select("c", false, 100))).await, "efgh");
}
