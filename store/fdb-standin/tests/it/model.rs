//! Random transactions that overlap, each operation compared at once with a small model: whole copies of the database, one for each
//! commit, and sets of keys for what was read and written.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{
    ADD, APPEND_IF_FITS, BYTE_MIN, COMPARE_AND_CLEAR, Code, Database, MAX, MIN, Range, STAMPED_VALUE, Selector,
    Transaction, XOR, range,
};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
type Keys = BTreeSet<Vec<u8>>;

/// All keys that the test uses: of one or two of five letters.
fn universe() -> Vec<Vec<u8>> {
    let letters = b"abcde";
    let mut keys: Vec<_> = letters.iter().map(|&one| vec![one]).collect();
    keys.extend(letters.iter().flat_map(|&one| letters.map(|two| vec![one, two])));
    keys.sort();
    keys
}

/// The keys of a range, and the places behind them: ranges conflict there too, although nobody writes such keys.
fn between(begin: &[u8], end: &[u8]) -> Keys {
    let places = universe().into_iter().flat_map(|key| [after(&key), key]);
    places.filter(|key| key.as_slice() >= begin && key.as_slice() < end).collect()
}

/// The model of a database: its content after each commit, and what each commit wrote.
#[derive(Default)]
struct Model {
    commits: Vec<(Map, Keys)>,
}

impl Model {
    fn state(&self, commit: usize) -> Map {
        commit.checked_sub(1).map_or_else(Map::new, |index| self.commits[index].0.clone())
    }
}

/// The model of a transaction.
struct Open {
    tx: Transaction,
    /// Commits that it sees.
    since: usize,
    /// What it sees, own writes included.
    view: Map,
    /// The changes, to be made again on the newest content.
    changes: Vec<Change>,
    /// Keys whose content it knows without the database.
    known: Keys,
    /// Keys that wait for a stamp.
    unreadable: Keys,
    read: Keys,
    written: Keys,
    /// A read of it could not be done: it cannot commit any more.
    failed: bool,
}

#[derive(Clone)]
enum Change {
    Set(Vec<u8>, Vec<u8>),
    Clear(Keys),
    Apply(i32, Vec<u8>, Vec<u8>),
    /// A value that only the commit knows.
    Stamp(Vec<u8>),
}

/// The value that an operation with a parameter of one byte leaves.
fn applied(op: i32, before: Option<&Vec<u8>>, param: &[u8]) -> Option<Vec<u8>> {
    let Some(before) = before else {
        return (op != COMPARE_AND_CLEAR).then(|| param.to_vec());
    };
    let (old, new) = (before.first().copied().unwrap_or(0), param[0]);
    Some(match op {
        ADD => vec![old.wrapping_add(new)],
        XOR => vec![old ^ new],
        MAX => vec![old.max(new)],
        MIN => vec![old.min(new)],
        BYTE_MIN => before.clone().min(param.to_vec()),
        APPEND_IF_FITS => [before, param].concat(),
        COMPARE_AND_CLEAR if before == param => return None,
        _ => before.clone(),
    })
}

fn make(change: &Change, map: &mut Map, stamp: Option<&[u8]>) {
    match change {
        Change::Set(key, value) => drop(map.insert(key.clone(), value.clone())),
        Change::Clear(keys) => keys.iter().for_each(|key| drop(map.remove(key))),
        Change::Stamp(key) => drop(map.insert(key.clone(), stamp.unwrap_or_default().to_vec())),
        Change::Apply(op, key, param) => match applied(*op, map.get(key), param) {
            Some(value) => drop(map.insert(key.clone(), value)),
            None => drop(map.remove(key)),
        },
    }
}

impl Open {
    fn begin(database: &Database, model: &Model) -> Self {
        let tx = database.begin();
        tx.read_version().done().unwrap();
        let since = model.commits.len();
        let (known, unreadable, read, written) = Default::default();
        let failed = false;
        Self { tx, since, view: model.state(since), changes: Vec::new(), known, unreadable, read, written, failed }
    }

    fn change(&mut self, change: Change, written: Keys) {
        make(&change, &mut self.view, None);
        self.written.extend(written);
        self.changes.push(change);
    }

    /// Notes a read of everything in a range, or says that it cannot be done.
    fn note(&mut self, begin: &[u8], end: &[u8], snapshot: bool) -> Result<(), Code> {
        let keys = between(begin, end);
        if !keys.is_disjoint(&self.unreadable) {
            self.failed = true;
            return Err(1036);
        }
        if !snapshot {
            self.read.extend(keys.difference(&self.known).cloned());
        }
        Ok(())
    }

    fn get(&mut self, key: &[u8], snapshot: bool) {
        let found = self.tx.read(key, snapshot).value();
        let noted = self.note(key, &after(key), snapshot);
        assert_eq!(found, noted.map(|()| self.view.get(key).cloned()), "get {key:?}");
    }

    fn get_range(&mut self, begin: &[u8], end: &[u8], limit: usize, reverse: bool, snapshot: bool) {
        let query = Range { limit: i32::try_from(limit).unwrap(), reverse, snapshot, ..range(begin, end) };
        let found = self.tx.get_range(query).items();
        let inside = self.view.range(begin.to_vec()..end.to_vec().max(begin.to_vec()));
        let inside = inside.map(|(key, value)| (key.clone(), value.clone()));
        let mut items: Vec<_> = if reverse { inside.rev().collect() } else { inside.collect() };
        let full = limit > 0 && items.len() >= limit;
        if full {
            items.truncate(limit);
        }
        let last = items.last().map(|(key, _)| key.clone()).filter(|_| full);
        let noted = match (last, reverse) {
            (Some(last), false) => self.note(begin, &after(&last), snapshot),
            (Some(last), true) => self.note(&last, end, snapshot),
            (None, _) => self.note(begin, end, snapshot),
        };
        assert_eq!(found, noted.map(|()| (items, full)), "range {begin:?} {end:?} {limit} {reverse}");
    }

    fn get_key(&mut self, selector: Selector<'_>) {
        let (key, or_equal, offset) = selector;
        let found = self.tx.get_key(selector).key();
        let bound = if or_equal { after(key) } else { key.to_vec() };
        let (expected, begin, end) = if offset > 0 {
            let place = self.view.range(bound.clone()..).nth(usize::try_from(offset - 1).unwrap());
            let place = place.map_or_else(|| b"\xff".to_vec(), |(key, _)| key.clone());
            (place.clone(), bound, after(&place))
        } else {
            let place = self.view.range(..bound.clone()).rev().nth(usize::try_from(-offset).unwrap());
            let place = place.map_or_else(Vec::new, |(key, _)| key.clone());
            (place.clone(), place, bound)
        };
        let noted = self.note(&begin, &end, false);
        assert_eq!(found, noted.map(|()| expected), "selector {selector:?}");
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.tx.set(key, value);
        self.known.insert(key.to_vec());
        self.change(Change::Set(key.to_vec(), value.to_vec()), [key.to_vec()].into());
    }

    fn clear(&mut self, begin: &[u8], end: &[u8]) {
        self.tx.clear_range(begin, end);
        let keys = between(begin, end);
        self.unreadable = self.unreadable.difference(&keys).cloned().collect();
        self.known.extend(keys.clone());
        self.change(Change::Clear(keys.clone()), keys);
    }

    fn apply(&mut self, op: i32, key: &[u8], param: &[u8]) {
        self.tx.atomic(op, key, param);
        self.change(Change::Apply(op, key.to_vec(), param.to_vec()), [key.to_vec()].into());
    }

    fn stamp(&mut self, key: &[u8]) {
        self.tx.atomic(STAMPED_VALUE, key, &[0; 14]);
        self.unreadable.insert(key.to_vec());
        self.known.insert(key.to_vec());
        self.change(Change::Stamp(key.to_vec()), [key.to_vec()].into());
    }

    fn add_conflict(&mut self, begin: &[u8], end: &[u8], write: bool) {
        assert_eq!(self.tx.add_conflict(begin, end, write), 0);
        let keys = between(begin, end);
        match write {
            true => self.written.extend(keys),
            false => self.read.extend(keys.difference(&self.known).cloned()),
        }
    }

    /// Commits, and says whether it should have worked.
    fn commit(self, model: &mut Model) -> bool {
        let stamp = self.tx.versionstamp();
        let result = self.tx.commit().done();
        if self.failed {
            assert_eq!(result, Err(1036));
            return false;
        }
        if self.changes.is_empty() && self.written.is_empty() {
            assert_eq!(result, Ok(()));
            return true;
        }
        let overwritten = model.commits[self.since..].iter().any(|(_, written)| !written.is_disjoint(&self.read));
        assert_eq!(result, if overwritten { Err(1020) } else { Ok(()) }, "{:?} {:?}", self.read, self.written);
        if !overwritten {
            let stamp = stamp.key().unwrap();
            let mut map = model.state(model.commits.len());
            self.changes.iter().for_each(|change| make(change, &mut map, Some(&stamp)));
            model.commits.push((map, self.written));
        }
        !overwritten
    }
}

fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

fn step(open: &mut Open, keys: &[Vec<u8>], numbers: &mut Numbers) {
    let one = keys[numbers.below(keys.len())].clone();
    let two = keys[numbers.below(keys.len())].clone();
    let (begin, end) = if one <= two { (one.clone(), two) } else { (two, one.clone()) };
    let yes = |numbers: &mut Numbers| numbers.below(2) == 0;
    match numbers.below(16) {
        0..=2 => open.get(&one, numbers.below(3) == 0),
        3..=5 => open.get_range(&begin, &end, numbers.below(4), yes(numbers), numbers.below(3) == 0),
        6 | 7 => open.get_key((&one, yes(numbers), i32::try_from(numbers.below(7)).unwrap() - 3)),
        8 | 9 => open.set(&one, &[numbers.below(256) as u8]),
        10 => open.clear(&one, &after(&one)),
        11 if begin < end => open.clear(&begin, &end),
        12 if yes(numbers) => open.stamp(&one),
        13 => open.add_conflict(&begin, &end, yes(numbers)),
        _ => {
            let op = [ADD, XOR, MAX, MIN, BYTE_MIN, APPEND_IF_FITS, COMPARE_AND_CLEAR][numbers.below(7)];
            open.apply(op, &one, &[numbers.below(4) as u8]);
        }
    }
}

/// Runs the transactions of one seed; answers how many committed and how many were refused.
fn run(seed: u64) -> (u32, u32) {
    const OPEN: usize = 4;
    let (database, keys) = (Database::fresh(), universe());
    let (mut model, mut numbers) = (Model::default(), Numbers(seed));
    let (mut committed, mut refused) = (0, 0);
    let mut open: Vec<(Open, usize)> = Vec::new();
    for _ in 0..1500 {
        if open.len() < OPEN {
            open.push((Open::begin(&database, &model), 2 + numbers.below(9)));
        }
        let chosen = numbers.below(open.len());
        if open[chosen].1 > 0 {
            open[chosen].1 -= 1;
            step(&mut open[chosen].0, &keys, &mut numbers);
            continue;
        }
        match open.swap_remove(chosen).0.commit(&mut model) {
            true => committed += 1,
            false => refused += 1,
        }
    }
    let (stored, _) = database.begin().get_range(range(b"", b"\xff")).items().unwrap();
    assert_eq!(stored.into_iter().collect::<Map>(), model.state(model.commits.len()));
    (committed, refused)
}

#[test]
fn agrees_with_whole_copies() {
    let (mut committed, mut refused) = (0, 0);
    for seed in 0..30 {
        eprintln!("seed {seed}");
        let (more_committed, more_refused) = run(seed);
        committed += more_committed;
        refused += more_refused;
    }
    assert!(committed > 1000 && refused > 1000, "{committed} committed, {refused} refused: the test shows little");
}
