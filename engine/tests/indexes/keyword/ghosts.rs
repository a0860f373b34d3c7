//! Deleted and overwritten passages leave no trace in the scores of the others.

use super::data::{hits, index, put, remove};

const TEXTS: [&str; 6] = [
    "the quick brown fox jumps over the lazy dog",
    "quick quick quick: a transaction is retried",
    "transactions commit, watches fire, the fox sleeps in set_retry_limit",
    "commit_unknown_result means that the commit may have happened",
    "lazy loading of dogs and foxes with quickSort",
    "nothing of interest",
];
const QUERIES: [&str; 5] = ["quick fox", "commit transactions", "set_retry_limit", "\"lazy dog\" quick", "sort dogs"];

#[test]
fn overwriting_a_thousand_times_changes_no_score() {
    let fresh = index(&TEXTS);
    let churned = index(&["old quick quick fox text that is long and says commit", "fox"]);
    for round in 0..1_000 {
        let slot = round % 6;
        churned.apply(&[put(slot, &format!("ghost quick fox commit transaction {round}"))]).unwrap();
        churned.apply(&[put(slot, TEXTS[slot as usize])]).unwrap();
        churned.apply(&[put(100 + slot, "quick fox commit lazy dog"), remove(100 + slot)]).unwrap();
        if round % 7 == 0 {
            churned.commit().unwrap();
        }
    }
    churned.commit().unwrap();
    assert_eq!(churned.len(), 6);
    for query in QUERIES {
        assert_eq!(hits(&churned, query), hits(&fresh, query), "{query}");
        assert_eq!(churned.evaluate(query).unwrap().profile(), fresh.evaluate(query).unwrap().profile(), "{query}");
    }
}

#[test]
fn deleted_passages_in_an_unmerged_segment_change_no_score() {
    let fresh = index(&TEXTS);
    let mut texts: Vec<&str> = TEXTS.to_vec();
    // Few enough that the segment is not rewritten.
    let ghosts = ["quick fox fox fox commit"; 1];
    texts.extend(ghosts);
    let deleted = index(&texts);
    deleted.apply(&[remove(6)]).unwrap();
    deleted.commit().unwrap();
    for query in QUERIES {
        assert_eq!(hits(&deleted, query), hits(&fresh, query), "{query}");
    }
}
