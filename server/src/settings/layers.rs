//! Settings from one place: values by key, nested as the file would nest them.

use std::collections::BTreeMap;

use figment::value::{Dict, Map, Num, Value};
use figment::{Metadata, Profile, Provider};

use super::table::{Kind, Setting};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File,
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Variable(name) => write!(f, "environment, {name}"),
            Self::Flag(name) => write!(f, "flag, {name}"),
        }
    }
}

/// Values from one kind of place.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Layer {
    /// Adds a setting that was given as text.
    pub(super) fn put_text(&mut self, setting: &Setting, text: &str, origin: Origin) {
        self.put(setting.key, typed(setting.kind, text), origin);
    }

    /// Adds a value.
    pub(super) fn put(&mut self, key: &str, value: Value, origin: Origin) {
        self.values.insert(key.to_owned(), (value, origin));
    }

    /// Its values and where each came from.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), value, origin))
    }
}

/// A text that is no number stays one: the type error that follows shows it.
fn typed(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Text => Value::from(text),
        Kind::Number => match text.trim().parse::<u64>() {
            Ok(number) => Value::from(Num::U64(number)),
            Err(_) => Value::from(text),
        },
        Kind::Decimal => match text.trim().parse::<f64>() {
            Ok(number) => Value::from(Num::F64(number)),
            Err(_) => Value::from(text),
        },
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("settings")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (key, value, _) in self.iter() {
            insert(&mut root, key, value.clone());
        }
        Ok(Map::from([(Profile::Default, root)]))
    }
}

fn insert(dict: &mut Dict, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        dict.insert(key.to_owned(), value);
        return;
    };
    let inner = dict.entry(first.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, inner) = inner {
        insert(inner, rest, value);
    }
}

/// The leaves of a nested table, by their keys.
pub(super) fn leaves(dict: &Dict) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in dict {
        match value {
            Value::Dict(_, inner) => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key.clone(), value.clone())),
        }
    }
    found
}
