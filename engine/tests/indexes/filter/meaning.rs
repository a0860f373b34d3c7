//! What each operator means, on a few documents.

use coditect_engine::filter::{Columns, Fields, Filter};
use serde_json::{Value, json};

fn columns() -> Columns {
    let metadata = [
        json!({"n": 1, "tags": ["a", "b"], "author": {"name": "Ann", "age": 30}, "not": "x"}),
        json!({"n": 2.5, "tags": [], "flag": true, "title": "inner"}),
        json!({"n": "1", "tags": "b", "people": [{"name": "Bo", "age": 3}, {"name": "Cy", "age": 40}], "gone": null}),
        json!({"n": 9_007_199_254_740_993_i64, "author": {}, "m": [[1], [2, 3]]}),
        json!({"n": 9_007_199_254_740_992_i64, "flag": false}),
    ];
    let mut columns = Columns::new();
    for (slot, metadata) in (0u32..).zip(&metadata) {
        let id = format!("docs/{slot}.md");
        columns.put(
            slot,
            &Fields {
                document_id: Some(&id),
                kind: Some(if slot == 3 { "code" } else { "documentation" }),
                title: (slot != 4).then_some("Outer"),
                created_at: format!("2026-01-0{}T00:00:00Z", slot + 1).parse().ok(),
                metadata: metadata.as_object(),
                ..Fields::default()
            },
        );
    }
    columns
}

fn found(columns: &Columns, filter: &Value) -> Vec<u32> {
    columns.eval(&Filter::parse(filter).unwrap()).iter().collect()
}

#[test]
fn operators() {
    let columns = columns();
    let cases = [
        (json!({}), vec![0, 1, 2, 3, 4]),
        (json!({"n": 1}), vec![0]),
        (json!({"n": 1.0}), vec![0]),
        (json!({"n": "1"}), vec![2]),
        (json!({"n": {"ne": 1}}), vec![1, 2, 3, 4]),
        (json!({"n": {"gt": 1, "lte": 9_007_199_254_740_992_i64}}), vec![1, 4]),
        (json!({"n": {"gt": 9_007_199_254_740_992_i64}}), vec![3]),
        (json!({"n": {"lt": 1000}}), vec![0, 1]),
        (json!({"n": {"gte": "0"}}), vec![2]),
        (json!({"n": {"lt": "2"}}), vec![2]),
        (json!({"n": {"lt": ""}}), vec![]),
        (json!({"n": {"lt": -1e308}}), vec![]),
        (json!({"n": {"exists": true}}), vec![0, 1, 2, 3, 4]),
        (json!({"tags": "b"}), vec![0, 2]),
        (json!({"tags": {"in": ["a", "zz", 5]}}), vec![0]),
        (json!({"tags": {"ne": "b"}}), vec![1, 3, 4]),
        (json!({"tags": {"exists": true}}), vec![0, 1, 2]),
        (json!({"tags": {"exists": false}}), vec![3, 4]),
        (json!({"gone": {"exists": true}}), vec![]),
        (json!({"author": {"exists": true}}), vec![0, 3]),
        (json!({"author.name": "Ann"}), vec![0]),
        (json!({"author.name": {"prefix": "A"}}), vec![0]),
        (json!({"author.name": {"prefix": ""}}), vec![0]),
        (json!({"author.name": {"prefix": "a"}}), vec![]),
        (json!({"people.name": "Cy", "people.age": {"lt": 10}}), vec![2]),
        (json!({"m": 3}), vec![3]),
        (json!({"flag": true}), vec![1]),
        (json!({"flag": {"ne": true}}), vec![0, 2, 3, 4]),
        (json!({"kind": "code"}), vec![3]),
        (json!({"title": "inner"}), vec![]),
        (json!({"metadata.title": "inner"}), vec![1]),
        (json!({"metadata.not": "x"}), vec![0]),
        (json!({"title": {"exists": false}}), vec![4]),
        (json!({"document_id": {"prefix": "docs/"}}), vec![0, 1, 2, 3, 4]),
        (json!({"document_id": {"gt": "docs/2.md"}}), vec![3, 4]),
        (json!({"created_at": "2026-01-02T01:00:00+01:00"}), vec![1]),
        (json!({"created_at": {"gte": "2026-01-04T00:00:00Z"}}), vec![3, 4]),
        (json!({"created_at": {"lt": "2026-01-02T00:00:00Z"}}), vec![0]),
        (json!({"updated_at": {"lt": "2026-01-02T00:00:00Z"}}), vec![]),
        (json!({"not": {"nothing": 1}}), vec![0, 1, 2, 3, 4]),
        (json!({"or": [{"n": 1}, {"flag": false}]}), vec![0, 4]),
        (json!({"and": [{"tags": "a"}, {"tags": "b"}]}), vec![0]),
        (json!({"not": {"or": [{"n": 1}, {"flag": false}]}, "kind": "documentation"}), vec![1, 2]),
    ];
    for (filter, expected) in cases {
        assert_eq!(found(&columns, &filter), expected, "{filter}");
    }
}

#[test]
fn a_replaced_or_removed_slot_leaves_nothing_behind() {
    let mut columns = columns();
    let empty = Columns::new().memory_bytes();
    let metadata = json!({"n": 7});
    columns.put(0, &Fields { metadata: metadata.as_object(), ..Fields::default() });
    assert_eq!(found(&columns, &json!({"n": 1})), [0u32; 0]);
    assert_eq!(found(&columns, &json!({"tags": "a"})), [0u32; 0]);
    assert_eq!(found(&columns, &json!({"n": 7})), [0]);
    columns.put_all(&[2, 0, 9], &Fields { kind: Some("code"), ..Fields::default() });
    assert_eq!(found(&columns, &json!({"kind": "code"})), [0, 2, 3, 9]);
    for slot in 0..10 {
        assert_eq!(columns.remove(slot), slot < 5 || slot == 9);
    }
    assert_eq!(found(&columns, &json!({})), [0u32; 0]);
    assert_eq!(columns.memory_bytes(), empty);
}
