//! Any sequence of changes and commits, against BM25F computed from the definition.

use std::collections::{BTreeMap, BTreeSet};

use coditect_engine::keyword::{FieldWeight, KeywordChange, KeywordIndex, KeywordOptions, PassageFields};
use proptest::prelude::*;

/// Words that the stemmer leaves alone and that are no stop words.
const WORDS: [&str; 6] = ["fox", "dog", "cat", "hen", "cow", "pig"];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..12).prop_map(|words| words.join(" "))
}

#[derive(Debug, Clone)]
enum Step {
    Put(u32, PassageFields),
    Remove(u32),
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let fields = (text(), text()).prop_map(|(title, text)| PassageFields { title, text, ..PassageFields::default() });
    prop_oneof![
        5 => (0..25u32, fields).prop_map(|(slot, fields)| Step::Put(slot, fields)),
        2 => (0..25u32).prop_map(Step::Remove),
        1 => Just(Step::Commit),
    ]
}

fn count(text: &str, word: &str) -> f64 {
    text.split(' ').filter(|other| *other == word).count() as f64
}

fn length(text: &str) -> f64 {
    text.split_whitespace().count() as f64
}

fn bm25f(model: &BTreeMap<u32, PassageFields>, options: &KeywordOptions, query: &BTreeSet<&str>, slot: u32) -> f64 {
    let all = model.len() as f64;
    let part = |weight: FieldWeight, get: fn(&PassageFields) -> &String, word: &str| {
        let mean = model.values().map(|fields| length(get(fields))).sum::<f64>() / all;
        let field = get(&model[&slot]);
        let (w, b) = (f64::from(weight.weight), f64::from(weight.length));
        if count(field, word) == 0.0 { 0.0 } else { w * count(field, word) / (1.0 - b + b * length(field) / mean) }
    };
    let k1 = f64::from(options.saturation);
    let score = |word: &&str| {
        let holding =
            model.values().filter(|fields| count(&fields.title, word) + count(&fields.text, word) > 0.0).count() as f64;
        let frequency = part(options.title, |f| &f.title, word) + part(options.text, |f| &f.text, word);
        (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln() * (k1 + 1.0) * frequency / (k1 + frequency)
    };
    query.iter().map(score).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn scores_equal_the_definition(steps in proptest::collection::vec(step(), 1..60), query in proptest::collection::btree_set(proptest::sample::select(&WORDS[..]), 1..4)) {
        let options = KeywordOptions { spelling: 0.0, ..KeywordOptions::default() };
        let index = KeywordIndex::new(options.clone()).unwrap();
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(slot, fields) => {
                    index.apply(&[KeywordChange::Put { slot, fields: fields.clone() }]).unwrap();
                    model.insert(slot, fields);
                }
                Step::Remove(slot) => {
                    index.apply(&[KeywordChange::Remove { slot }]).unwrap();
                    model.remove(&slot);
                }
                Step::Commit => index.commit().unwrap(),
            }
        }
        index.commit().unwrap();
        prop_assert_eq!(index.len(), model.len());
        let text: Vec<&str> = query.iter().copied().collect();
        let hits = index.search(&text.join(" "), 100, None).unwrap();
        let expected: BTreeMap<u32, f64> =
            model.keys().map(|&slot| (slot, bm25f(&model, &options, &query, slot))).filter(|&(_, score)| score > 0.0).collect();
        prop_assert_eq!(hits.iter().map(|hit| hit.slot).collect::<BTreeSet<_>>(), expected.keys().copied().collect::<BTreeSet<_>>());
        for hit in hits {
            let expected = expected[&hit.slot];
            prop_assert!((f64::from(hit.score) - expected).abs() < 1e-4 * expected.max(1.0), "{} is not {}", hit.score, expected);
        }
    }
}
