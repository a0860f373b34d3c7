//! Who is measured: our index and its peers, and over which of its search parameters each is swept.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Efforts of a graph: `ef`, or what the library calls it.
const WIDTHS: &[usize] = &[10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896];
/// Lists that are read of an inverted file.
const PROBES: &[usize] = &[2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/// One index.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// How hard a search tries.
    pub(crate) efforts: &'static [usize],
    /// How many times more than `k` are rescored, where that is a parameter of its own; 0 where it is not.
    pub(crate) depths: &'static [usize],
    /// Whether it takes part in a quick run.
    pub(crate) is_quick: bool,
    /// Whether it is a graph, whose build time ours is compared with.
    pub(crate) is_graph: bool,
    /// Whether it lives in this program or in Python.
    is_rust: bool,
}

const fn graph(name: &'static str, is_quick: bool) -> Contestant {
    Contestant { name, efforts: WIDTHS, depths: &[0], is_quick, is_graph: true, is_rust: false }
}

/// Name of our own index.
pub(crate) const OURS: &str = "ours";
/// The peer whose memory ours is compared with.
pub(crate) const FLAT: &str = "faiss-hnsw-flat";

/// Everyone, in the order of the tables.
pub(crate) const ALL: [Contestant; 15] = [
    Contestant { is_rust: true, ..graph(OURS, true) },
    Contestant { is_rust: true, ..graph("hnsw_rs", true) },
    graph("hnswlib", true),
    graph(FLAT, true),
    graph("faiss-hnsw-sq8", false),
    Contestant { efforts: PROBES, depths: &[3, 8], is_graph: false, ..graph("faiss-ivf-rabitq", false) },
    graph("usearch-f32", false),
    graph("usearch-bf16", true),
    graph("usearch-i8", false),
    graph("svs-f32", false),
    graph("svs-lvq8", true),
    Contestant { depths: &[1, 2], ..graph("svs-lvq4x8", true) },
    graph("zvec-hnsw", false),
    graph("zvec-hnsw-rabitq", false),
    graph("qdrant-edge", false),
];

/// Whether a name is that of a graph which is not ours.
pub(crate) fn is_peer_graph(name: &str) -> bool {
    ALL.iter().any(|it| it.name == name && it.is_graph && name != OURS)
}

/// Those of the names, everyone if there are none, or the ones of a quick run.
pub(crate) fn chosen(names: &[String], quick: bool) -> Result<Vec<&'static Contestant>> {
    for name in names {
        if !ALL.iter().any(|it| it.name == name) {
            bail!("no index is called {name}; there are {}", ALL.map(|it| it.name).join(", "));
        }
    }
    let is_named = |it: &&Contestant| names.iter().any(|name| name == it.name);
    let is_chosen = |it: &&Contestant| if names.is_empty() { it.is_quick || !quick } else { is_named(it) };
    Ok(ALL.iter().filter(is_chosen).collect())
}

impl Contestant {
    /// The command that starts its worker.
    pub(crate) fn command(&self, python: &Path, set: &Path, scratch: &Path) -> Result<Command> {
        let mut command = if self.is_rust {
            let mut command = Command::new(std::env::current_exe().context("find this program")?);
            command.arg("work");
            command
        } else {
            let mut command = Command::new(python);
            command.arg("benches/ann/peers.py");
            command
        };
        command.arg(self.name).arg(set).arg(scratch);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_and_unknown_ones_are_refused() {
        let names = |chosen: Vec<&Contestant>| chosen.iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(chosen(&[], false).unwrap().len(), ALL.len());
        assert_eq!(names(chosen(&["hnswlib".into()], true).unwrap()), ["hnswlib"]);
        assert!(names(chosen(&[], true).unwrap()).contains(&OURS));
        assert!(chosen(&["annoy".into()], false).is_err());
    }
}
