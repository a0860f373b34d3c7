//! Cluster files and connection strings: `description:id@host:port,…`, with comments behind `#`. The id begins with `standin`.

use std::path::PathBuf;

use crate::abi::ErrorCode;
use crate::errors;
use crate::faults::Faults;

/// Which database a client means, and what it meets on the way there.
#[derive(Debug)]
pub(crate) struct Connection {
    /// `description:id`.
    pub(crate) name: String,
    pub(crate) faults: Option<Faults>,
}

impl Connection {
    /// Reads the text of a cluster file.
    pub(crate) fn parse(text: &str) -> Result<Self, ErrorCode> {
        let plain: String = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
        let plain: String = plain.chars().filter(|character| !character.is_whitespace()).collect();
        let (name, addresses) = plain.split_once('@').ok_or(errors::CONNECTION_STRING_INVALID)?;
        let (description, id) = name.split_once(':').ok_or(errors::CONNECTION_STRING_INVALID)?;
        let word = |text: &str, also: &str| {
            !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || also.contains(it))
        };
        let address = |text: &str| {
            let text = text.strip_suffix(":tls").unwrap_or(text);
            text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if !word(description, "_") || !word(id, "") || !addresses.split(',').all(address) {
            return Err(errors::CONNECTION_STRING_INVALID);
        }
        // A real cluster is never mistaken for one that answers from memory.
        if !id.starts_with("standin") {
            return Err(errors::UNSUPPORTED_OPERATION);
        }
        Ok(Self { name: name.to_owned(), faults: Faults::in_comments(text)? })
    }

    /// Reads a cluster file; without a path, the one that `FDB_CLUSTER_FILE` names, or the first that is there of
    /// `fdb.cluster` and `/etc/foundationdb/fdb.cluster`.
    pub(crate) fn read(path: Option<&str>) -> Result<Self, ErrorCode> {
        let path = match path.filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => default_file().ok_or(errors::NO_CLUSTER_FILE)?,
        };
        let text = std::fs::read_to_string(path).map_err(|_| errors::NO_CLUSTER_FILE)?;
        Self::parse(&text)
    }
}

fn default_file() -> Option<PathBuf> {
    let named = std::env::var_os("FDB_CLUSTER_FILE").filter(|name| !name.is_empty()).map(PathBuf::from);
    let known = || ["fdb.cluster", "/etc/foundationdb/fdb.cluster"].map(PathBuf::from);
    named.or_else(|| known().into_iter().find(|path| path.exists()))
}
