//! Random documents, changes and filters, against an evaluator that reads the JSON directly.

use std::collections::BTreeMap;

use coditect_engine::filter::{Columns, Fields, Filter};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-2i64..3).prop_map(|n| json!(n)),
        (-4i64..5).prop_map(|n| json!(n as f64 / 2.0)),
        (0u64..4).prop_map(|n| json!((1u64 << 53) + n)),
        any::<bool>().prop_map(|b| json!(b)),
        "[ab]{0,3}".prop_map(|s| json!(s)),
    ]
}

fn field_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![6 => scalar(), 1 => Just(Value::Null)];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map("[xy]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[xyz]", field_value(), 0..4).prop_map(|map| map.into_iter().collect())
}

fn test() -> impl Strategy<Value = Value> {
    prop_oneof![
        scalar().prop_map(|v| json!({"eq": v})),
        scalar().prop_map(|v| json!({"ne": v})),
        proptest::collection::vec(scalar(), 0..4).prop_map(|v| json!({"in": v})),
        (
            prop_oneof![Just("gt"), Just("gte"), Just("lt"), Just("lte")],
            scalar().prop_filter("ordered", |v| !v.is_boolean())
        )
            .prop_map(|(op, v)| json!({op: v})),
        any::<bool>().prop_map(|b| json!({"exists": b})),
        "[ab]{0,2}".prop_map(|s| json!({"prefix": s})),
        scalar(),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let field = prop_oneof!["[xyz]", "[xyz]\\.[xy]", "metadata\\.[xyz]"];
    let leaf = (field, test()).prop_map(|(field, test)| json!({field: test}));
    leaf.prop_recursive(3, 20, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|list| json!({"and": list})),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|list| json!({"or": list})),
            inner.prop_map(|inner| json!({"not": inner})),
        ]
    })
}

/// The values under a path, and whether anything is there at all.
fn values<'a>(value: &'a Value, path: &[&str], into: &mut Vec<&'a Value>, exists: &mut bool) {
    match (value, path) {
        (Value::Null, _) => {}
        (Value::Array(items), _) => {
            *exists |= path.is_empty();
            items.iter().for_each(|item| values(item, path, into, exists));
        }
        (Value::Object(object), [first, rest @ ..]) => {
            if let Some(inner) = object.get(*first) {
                values(inner, rest, into, exists);
            }
        }
        (scalar, []) => {
            *exists = true;
            if !scalar.is_object() {
                into.push(scalar);
            }
        }
        _ => {}
    }
}

fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => (a == b).then_some(std::cmp::Ordering::Equal),
        // All test numbers are multiples of a half below 2^54: twice their value is a whole number.
        (Value::Number(_), Value::Number(_)) => Some(twice(a).cmp(&twice(b))),
        _ => None,
    }
}

fn twice(number: &Value) -> i128 {
    number.as_i64().map_or_else(|| (number.as_f64().unwrap() * 2.0) as i128, |whole| i128::from(whole) * 2)
}

fn holds(filter: &Value, document: &Value) -> bool {
    filter.as_object().unwrap().iter().all(|(key, operand)| match key.as_str() {
        "and" => operand.as_array().unwrap().iter().all(|inner| holds(inner, document)),
        "or" => operand.as_array().unwrap().iter().any(|inner| holds(inner, document)),
        "not" => !holds(operand, document),
        field => {
            let path: Vec<&str> = field.strip_prefix("metadata.").unwrap_or(field).split('.').collect();
            let (mut found, mut exists) = (Vec::new(), false);
            values(document, &path, &mut found, &mut exists);
            let short = json!({"eq": operand});
            let tests = operand.as_object().unwrap_or_else(|| short.as_object().unwrap());
            tests.iter().all(|(operator, operand)| test_holds(operator, operand, &found, exists))
        }
    })
}

fn test_holds(operator: &str, operand: &Value, found: &[&Value], exists: bool) -> bool {
    let any = |test: fn(std::cmp::Ordering) -> bool| found.iter().any(|value| order(value, operand).is_some_and(test));
    match operator {
        "eq" => any(std::cmp::Ordering::is_eq),
        "ne" => !any(std::cmp::Ordering::is_eq),
        "gt" => any(std::cmp::Ordering::is_gt),
        "gte" => any(std::cmp::Ordering::is_ge),
        "lt" => any(std::cmp::Ordering::is_lt),
        "lte" => any(std::cmp::Ordering::is_le),
        "in" => operand.as_array().unwrap().iter().any(|one| test_holds("eq", one, found, exists)),
        "exists" => operand.as_bool().unwrap() == exists,
        "prefix" => {
            found.iter().any(|value| value.as_str().is_some_and(|text| text.starts_with(operand.as_str().unwrap())))
        }
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn columns_equal_a_naive_evaluator(
        changes in proptest::collection::vec((0..20u32, proptest::option::weighted(0.8, metadata())), 1..40),
        filters in proptest::collection::vec(filter(), 1..8),
    ) {
        let mut columns = Columns::new();
        let mut model: BTreeMap<u32, Value> = BTreeMap::new();
        for (slot, change) in changes {
            if let Some(metadata) = change {
                columns.put(slot, &Fields { metadata: Some(&metadata), ..Fields::default() });
                model.insert(slot, Value::Object(metadata));
            } else {
                prop_assert_eq!(columns.remove(slot), model.remove(&slot).is_some());
            }
        }
        for filter in filters {
            let found: Vec<u32> = columns.eval(&Filter::parse(&filter).unwrap()).iter().collect();
            let expected: Vec<u32> = model.iter().filter(|(_, document)| holds(&filter, document)).map(|(&slot, _)| slot).collect();
            prop_assert_eq!(found, expected, "{}", filter);
        }
    }
}
