//! Who owns which field: server-side apply on leaves, lists taken as one value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::status::{Refusal, refusal};

/// The JSON pointers that each manager owns.
pub(crate) type Owners = BTreeMap<String, BTreeSet<String>>;

/// What an object is known by is nobody's.
const NOBODYS: [&str; 8] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/generation",
    "/metadata/creationTimestamp",
];

/// The pointers to the values of an object that are no objects.
pub(crate) fn leaves(object: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(object, String::new(), &mut found);
    found.retain(|path| !NOBODYS.contains(&path.as_str()));
    found
}

fn walk(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                walk(value, format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Null => {}
        _ => {
            found.insert(path);
        }
    }
}

/// The object after `manager` has applied `wanted`, and its owners then.
pub(crate) fn applied(
    old: &Value,
    wanted: &Value,
    owners: &Owners,
    manager: &str,
    is_forced: bool,
) -> Result<(Value, Owners), Refusal> {
    let (mut object, mut owners, mine) = (old.clone(), owners.clone(), leaves(wanted));
    let before = owners.remove(manager).unwrap_or_default();
    let conflicts: Vec<(String, String)> = mine
        .iter()
        .filter(|path| old.pointer(path).is_some_and(|value| Some(value) != wanted.pointer(path)))
        .flat_map(|path| {
            owners.iter().filter(|(_, paths)| paths.contains(path)).map(|(who, _)| (who.clone(), path.clone()))
        })
        .collect();
    if !conflicts.is_empty() && !is_forced {
        return Err(conflict(&conflicts));
    }
    for (_, path) in &conflicts {
        owners.values_mut().for_each(|paths| paths.retain(|it| it != path));
    }
    for path in before.iter().filter(|path| !mine.contains(*path) && !owners.values().any(|it| it.contains(*path))) {
        clear(&mut object, path);
    }
    for path in &mine {
        set(&mut object, path, wanted.pointer(path).cloned().unwrap_or_default());
    }
    owners.insert(manager.to_owned(), mine);
    Ok((object, owners))
}

fn conflict(conflicts: &[(String, String)]) -> Refusal {
    let causes = conflicts.iter().map(|(who, path)| {
        json!({"reason": "FieldManagerConflict", "message": format!("conflict with \"{who}\""), "field": path})
    });
    let mut told = refusal(409, "Conflict", format!("Apply failed with {} conflicts", conflicts.len()));
    told.body["details"] = json!({"causes": causes.collect::<Vec<_>>()});
    told
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for key in path.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().unwrap().entry(key).or_insert(Value::Null);
    }
    *at = value;
}

fn clear(object: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(fields)) = object.pointer_mut(parent) {
        fields.remove(&key);
    }
}

#[test]
fn a_field_of_another_is_changed_by_force_alone() {
    let old = json!({"spec": {"a": 1, "b": 2, "c": 3}});
    let owners = |who: &str, paths: &[&str]| (who.to_owned(), paths.iter().map(|it| (*it).to_owned()).collect());
    let before = Owners::from([owners("me", &["/spec/a", "/spec/b"]), owners("kubectl", &["/spec/c"])]);
    let same = json!({"spec": {"a": 1, "c": 3}});
    let (object, now) = applied(&old, &same, &before, "me", false).unwrap();
    assert_eq!(object, same, "what is no longer applied goes");
    assert_eq!(now, Owners::from([owners("me", &["/spec/a", "/spec/c"]), owners("kubectl", &["/spec/c"])]));
    let other = json!({"spec": {"a": 1, "c": 4}});
    assert_eq!(applied(&old, &other, &before, "me", false).unwrap_err().code, 409);
    let (object, now) = applied(&old, &other, &before, "me", true).unwrap();
    assert_eq!((object, now["kubectl"].len()), (other, 0));
}
