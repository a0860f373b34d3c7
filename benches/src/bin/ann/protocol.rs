//! What the driver says to a worker and what it hears, a line of JSON each. `benches/ann/peers.py` speaks it too.

use serde::{Deserialize, Serialize};

/// A command.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Ask<'a> {
    /// Build the index of the set's vectors.
    Build { threads: usize },
    /// Search for all queries and write the ids found to a file, as 32-bit numbers, row by row.
    Search { effort: usize, depth: usize, threads: usize, ids: &'a str },
    /// Write the index to a path that does not exist yet.
    Save { path: &'a str },
    /// Make the index of what was saved, and search once.
    Load { path: &'a str },
}

/// An answer; the order tells a longer one from a shorter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    /// It cannot be done.
    Error { error: String },
    /// Said unasked, once, after the start.
    Ready { ready: Description },
    /// Loaded: until it was there, and until it had answered a first query.
    Loaded { seconds: f64, first: f64, memory: Memory },
    /// Built.
    Built { seconds: f64, memory: Memory },
    /// Searched: the quickest of so many passes over all queries.
    Searched { seconds: f64, passes: usize },
    /// Saved.
    Saved { seconds: f64 },
}

/// What is measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) version: String,
    pub(crate) settings: String,
}

/// Bytes by which a process grew, as far as they are in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Its own: the system cannot take them back.
    pub(crate) own: i64,
    /// Of mapped files: the system can drop them and read them again.
    pub(crate) mapped: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn answers_are_told_apart() {
        assert!(matches!(reply(r#"{"error": "no"}"#), Reply::Error { .. }));
        assert!(matches!(reply(r#"{"seconds": 1.5}"#), Reply::Saved { .. }));
        assert!(matches!(reply(r#"{"seconds": 1.5, "passes": 2}"#), Reply::Searched { passes: 2, .. }));
        let built = r#"{"seconds": 1, "memory": {"own": 5, "mapped": -1}}"#;
        assert!(matches!(reply(built), Reply::Built { memory: Memory { own: 5, mapped: -1 }, .. }));
        let loaded = r#"{"seconds": 1, "first": 2, "memory": {"own": 5, "mapped": 0}}"#;
        assert!(matches!(reply(loaded), Reply::Loaded { .. }));
    }

    #[test]
    fn a_command_names_what_to_do() {
        let text = serde_json::to_string(&Ask::Build { threads: 2 }).unwrap();
        assert_eq!(text, r#"{"do":"build","threads":2}"#);
    }
}
