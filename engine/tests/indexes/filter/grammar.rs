//! What the grammar refuses, and where it points.

use coditect_engine::filter::{Filter, limits};
use serde_json::{Value, json};

#[test]
fn errors_point_at_the_place_and_say_what_is_allowed() {
    let long = "x".repeat(limits::MAX_STRING + 1);
    let cases = [
        (json!(null), "", "object"),
        (json!([]), "", "object"),
        (json!("kind"), "", "object"),
        (json!({"a": null}), "/a", "exists"),
        (json!({"a": [1]}), "/a", "in"),
        (json!({"a": {}}), "/a", "operator"),
        (json!({"a": {"equals": 1}}), "/a/equals", "expected one of eq, ne, in"),
        (json!({"a": {"eq": null}}), "/a/eq", "exists"),
        (json!({"a": {"eq": [1]}}), "/a/eq", "string, number or boolean"),
        (json!({"a": {"eq": {"b": 1}}}), "/a/eq", "string, number or boolean"),
        (json!({"a": {"in": 1}}), "/a/in", "list"),
        (json!({"a": {"in": [1, [2]]}}), "/a/in/1", "string, number or boolean"),
        (json!({"a": {"in": vec![1; limits::MAX_IN + 1]}}), "/a/in", "1000"),
        (json!({"a": {"gt": true}}), "/a/gt", "number or a string"),
        (json!({"a": {"exists": "yes"}}), "/a/exists", "true or false"),
        (json!({"a": {"prefix": 3}}), "/a/prefix", "string"),
        (json!({"": 1}), "/", "1 to 512"),
        (json!({"metadata.": 1}), "/metadata.", "1 to 512"),
        (json!({"f".repeat(513): 1}), &format!("/{}", "f".repeat(513)), "1 to 512"),
        (json!({"a": long}), "/a", "8192"),
        (json!({"kind": 3}), "/kind", "string"),
        (json!({"title": {"in": ["a", true]}}), "/title/in/1", "string"),
        (json!({"created_at": "yesterday"}), "/created_at", "RFC 3339"),
        (json!({"created_at": {"gt": 5}}), "/created_at/gt", "RFC 3339"),
        (json!({"updated_at": {"prefix": "2026"}}), "/updated_at/prefix", "gte"),
        (json!({"and": []}), "/and", "at least one"),
        (json!({"or": {"a": 1}}), "/or", "list"),
        (json!({"not": [{"a": 1}]}), "/not", "object"),
        (
            json!({"and": [{"a": 1}, {"or": [{"x/y~z": {"no": 1}}]}]}),
            "/and/1/or/0/x~1y~0z/no",
            "unknown operator \"no\"",
        ),
    ];
    for (filter, pointer, part) in cases {
        let error = Filter::parse(&filter).unwrap_err();
        assert_eq!(error.pointer, pointer, "{filter}");
        assert!(error.message.contains(part), "{filter}: {}", error.message);
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({"a": 1}), |inner, _| json!({"not": inner}))
}

#[test]
fn depth_and_size_are_bounded() {
    assert!(Filter::parse(&nested(limits::MAX_DEPTH)).is_ok());
    let error = Filter::parse(&nested(limits::MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.pointer, "/not".repeat(limits::MAX_DEPTH + 1));
    let wide = |count: usize| json!({"or": (0..count).map(|i| json!({"a": i})).collect::<Vec<_>>()});
    assert!(Filter::parse(&wide(limits::MAX_NODES - 1)).is_ok());
    assert!(Filter::parse(&wide(limits::MAX_NODES)).is_err());
    assert!(Filter::parse(&json!({"a": {"in": vec![1; limits::MAX_IN]}})).is_ok());
}

#[test]
fn good_filters_are_read() {
    for filter in [
        json!({}),
        json!({"kind": "code", "year": {"gte": 2020, "lt": 2026}}),
        json!({"created_at": {"gt": "2026-01-31T12:00:00+02:00"}}),
        json!({"tags": {"in": []}}),
        json!({"and": [{"or": [{"a": 1}]}, {"not": {"b": {"exists": true}}}], "c": true}),
        json!({"metadata.not": "x", "metadata.title": "y"}),
    ] {
        assert!(Filter::parse(&filter).is_ok(), "{filter}");
    }
}
