//! Field values by slot, as bitmaps, and the evaluation of filters over them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use roaring::{MultiOps, RoaringBitmap};
use serde_json::{Map, Value as Json};

use super::grammar::{Filter, Node, Test};
use super::value::Value;

/// What filters can ask of a slot: the built-in fields and the metadata of its document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// `document_id`
    pub document_id: Option<&'a str>,
    /// `kind`
    pub kind: Option<&'a str>,
    /// `language`
    pub language: Option<&'a str>,
    /// `title`
    pub title: Option<&'a str>,
    /// `source`
    pub source: Option<&'a str>,
    /// `path`
    pub path: Option<&'a str>,
    /// `created_at`
    pub created_at: Option<Timestamp>,
    /// `updated_at`
    pub updated_at: Option<Timestamp>,
    /// Everything under `metadata.`
    pub metadata: Option<&'a Map<String, Json>>,
}

impl Fields<'_> {
    /// All fields that are there, with their values; a field that is there without a scalar value comes with `None`.
    fn flatten(&self) -> Vec<(String, Option<Value>)> {
        let text = |value: Option<&str>| value.map(|text| Value::Text(text.into()));
        let built_in = [
            ("document_id", text(self.document_id)),
            ("kind", text(self.kind)),
            ("language", text(self.language)),
            ("title", text(self.title)),
            ("source", text(self.source)),
            ("path", text(self.path)),
            ("created_at", self.created_at.map(Value::Time)),
            ("updated_at", self.updated_at.map(Value::Time)),
        ];
        let built_in = built_in.into_iter().filter(|(_, value)| value.is_some());
        let mut flat: Vec<(String, Option<Value>)> = built_in.map(|(name, value)| (name.to_owned(), value)).collect();
        for (key, json) in self.metadata.into_iter().flatten() {
            flatten_json(&format!("metadata.{key}"), json, &mut flat);
        }
        flat.sort_unstable();
        flat.dedup();
        flat
    }
}

fn flatten_json(path: &str, json: &Json, into: &mut Vec<(String, Option<Value>)>) {
    match json {
        Json::Null => {}
        Json::Array(items) => {
            into.push((path.to_owned(), None));
            items.iter().for_each(|item| flatten_json(path, item, into));
        }
        Json::Object(object) => {
            into.push((path.to_owned(), None));
            object.iter().for_each(|(key, value)| flatten_json(&format!("{path}.{key}"), value, into));
        }
        scalar => into.push((path.to_owned(), Value::from_json(scalar))),
    }
}

/// One field: which slots have it, and with which values.
#[derive(Debug, Default)]
struct Column {
    exists: RoaringBitmap,
    values: BTreeMap<Value, RoaringBitmap>,
}

/// What a slot holds, shared by all slots of a document; needed to take it out again.
type Row = Arc<[(Arc<str>, Option<Value>)]>;

/// The fields of all slots.
#[derive(Debug, Default)]
pub struct Columns {
    live: RoaringBitmap,
    columns: HashMap<Arc<str>, Column>,
    rows: HashMap<u32, Row>,
}

impl Columns {
    /// Makes columns without slots.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the fields of `slot`, replacing what it had.
    pub fn put(&mut self, slot: u32, fields: &Fields<'_>) {
        self.put_all(&[slot], fields);
    }

    /// Sets the same fields for all of `slots` (the passages of a document), replacing what they had.
    pub fn put_all(&mut self, slots: &[u32], fields: &Fields<'_>) {
        for &slot in slots {
            self.remove(slot);
        }
        if slots.is_empty() {
            return;
        }
        let mut row = Vec::new();
        for (name, value) in fields.flatten() {
            let (name, value) = self.intern(name, value);
            if let Some(column) = self.columns.get_mut(&name) {
                column.exists.extend(slots);
                if let Some(value) = &value {
                    column.values.entry(value.clone()).or_default().extend(slots);
                }
            }
            row.push((name, value));
        }
        let row: Row = row.into();
        self.live.extend(slots);
        self.rows.extend(slots.iter().map(|&slot| (slot, Arc::clone(&row))));
    }

    /// Makes sure the column exists, and shares names and texts that are already known.
    fn intern(&mut self, name: String, value: Option<Value>) -> (Arc<str>, Option<Value>) {
        let name = match self.columns.get_key_value(name.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => {
                let name: Arc<str> = name.into();
                self.columns.insert(Arc::clone(&name), Column::default());
                name
            }
        };
        let known =
            |value: &Value| self.columns.get(&name)?.values.get_key_value(value).map(|(known, _)| known.clone());
        let value = value.map(|value| known(&value).unwrap_or(value));
        (name, value)
    }

    /// Takes `slot` out; false when it was not there.
    pub fn remove(&mut self, slot: u32) -> bool {
        let Some(row) = self.rows.remove(&slot) else {
            return false;
        };
        self.live.remove(slot);
        for (name, value) in row.iter() {
            let Some(column) = self.columns.get_mut(name) else {
                continue;
            };
            column.exists.remove(slot);
            if let Some(value) = value
                && let Some(slots) = column.values.get_mut(value)
            {
                slots.remove(slot);
                if slots.is_empty() {
                    column.values.remove(value);
                }
            }
            if column.exists.is_empty() {
                self.columns.remove(name);
            }
        }
        true
    }

    /// The slots that hold fields.
    #[must_use]
    pub fn slots(&self) -> &RoaringBitmap {
        &self.live
    }

    /// The slots that have a field of this name; `None` when there are none.
    #[must_use]
    pub fn having(&self, field: &str) -> Option<&RoaringBitmap> {
        self.columns.get(field).map(|column| &column.exists)
    }

    /// The slots that satisfy `filter`.
    #[must_use]
    pub fn eval(&self, filter: &Filter) -> RoaringBitmap {
        self.node(&filter.root)
    }

    fn node(&self, node: &Node) -> RoaringBitmap {
        match node {
            Node::And(nodes) => nodes
                .iter()
                .fold(self.live.clone(), |all, node| if all.is_empty() { all } else { all & self.node(node) }),
            Node::Or(nodes) => nodes.iter().map(|node| self.node(node)).union(),
            Node::Not(node) => &self.live - self.node(node),
            Node::Test { field, test } => {
                self.columns.get(field.as_str()).map(|column| column.test(test)).unwrap_or_default()
            }
        }
    }

    /// Bytes held, roughly: bitmaps and texts are counted, hash tables and trees estimated.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let column = |column: &Column| {
            let values = column.values.iter().map(|(value, slots)| value_bytes(value) + 64 + slots.serialized_size());
            values.sum::<usize>() + column.exists.serialized_size() + 160
        };
        let columns = self.columns.values().map(column).sum::<usize>();
        let rows = self.rows.values().map(|row| 32 + row.len() * 48 / Arc::strong_count(row)).sum::<usize>();
        columns + rows + self.live.serialized_size()
    }
}

fn value_bytes(value: &Value) -> usize {
    size_of::<Value>() + if let Value::Text(text) = value { text.len() + 16 } else { 0 }
}

impl Column {
    fn test(&self, test: &Test) -> RoaringBitmap {
        match test {
            Test::Exists => self.exists.clone(),
            Test::In(values) => values.iter().filter_map(|value| self.values.get(value)).union(),
            Test::Greater { than, or_equal } => {
                let from = if *or_equal { Bound::Included(than) } else { Bound::Excluded(than) };
                let range = self.values.range::<Value, _>((from, Bound::Unbounded));
                range.take_while(|(value, _)| value.is_like(than)).map(|(_, slots)| slots).union()
            }
            Test::Less { than, or_equal } => {
                let to = if *or_equal { Bound::Included(than) } else { Bound::Excluded(than) };
                let floor = than.floor();
                if floor > *than || (floor == *than && !or_equal) {
                    return RoaringBitmap::new();
                }
                self.values.range::<Value, _>((Bound::Included(&floor), to)).map(|(_, slots)| slots).union()
            }
            Test::Prefix(prefix) => {
                let from = Value::Text(prefix.as_str().into());
                let range = self.values.range::<Value, _>((Bound::Included(&from), Bound::Unbounded));
                let begins = |value: &Value| matches!(value, Value::Text(text) if text.starts_with(prefix.as_str()));
                range.take_while(|(value, _)| begins(value)).map(|(_, slots)| slots).union()
            }
        }
    }
}
