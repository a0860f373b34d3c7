//! The cluster file: found, checked, or written from a connection string.

use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::options::FdbCluster;
use crate::error::{Error, ErrorKind, Result};

/// Where the client library looks without being told, beside the working directory.
const DEFAULT_FILE: &str = "/etc/foundationdb/fdb.cluster";

/// A cluster file that can be read and has the form of one.
pub(super) struct ClusterFile {
    path: PathBuf,
    /// Keeps a temporary file.
    _directory: Option<TempDir>,
}

impl ClusterFile {
    pub(super) fn find(cluster: &FdbCluster) -> Result<Self> {
        match cluster {
            FdbCluster::File(path) => Self::read(path.clone()),
            FdbCluster::Default => {
                let known = [PathBuf::from("fdb.cluster"), PathBuf::from(DEFAULT_FILE)];
                let found = known.into_iter().find(|path| path.exists());
                Self::read(found.ok_or_else(|| {
                    let message = format!(
                        "no cluster is named: set FDB_CLUSTER_FILE or FDB_CLUSTER_STRING (there is no {DEFAULT_FILE} either)"
                    );
                    Error::new(ErrorKind::Io, message)
                })?)
            }
            FdbCluster::ConnectionString(string) => Self::write(string),
        }
    }

    fn read(path: PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let message = match error.kind() {
                IoKind::NotFound => format!("cluster file {} is not there: check FDB_CLUSTER_FILE", path.display()),
                _ => format!("read the cluster file {}", path.display()),
            };
            Error::with_source(ErrorKind::Io, message, error)
        })?;
        check(&text).map_err(|message| Error::invalid(format!("cluster file {}: {message}", path.display())))?;
        Ok(Self { path, _directory: None })
    }

    fn write(string: &str) -> Result<Self> {
        check(string).map_err(|message| Error::invalid(format!("FDB_CLUSTER_STRING: {message}")))?;
        let io = |error| Error::with_source(ErrorKind::Io, "write a temporary cluster file", error);
        // Only this user can enter the directory.
        let directory = tempfile::Builder::new().prefix("coditect-fdb-").tempdir().map_err(io)?;
        let path = directory.path().join("fdb.cluster");
        std::fs::write(&path, string).map_err(io)?;
        Ok(Self { path, _directory: Some(directory) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Fails unless the text is `description:id@host:port,…`, comments behind `#` left out.
fn check(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "is not of the form description:id@host:port,host:port";
    let plain = text.lines().filter_map(|line| line.split('#').next()).collect::<String>();
    let (name, addresses) = plain.trim().split_once('@').ok_or(FORM)?;
    let (description, id) = name.split_once(':').ok_or(FORM)?;
    let word = |text: &str| !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    let port = |address: &str| {
        let address = address.trim();
        let address = address.strip_suffix(":tls").unwrap_or(address);
        address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    let fits = word(description) && word(id) && addresses.split(',').all(port);
    if fits { Ok(()) } else { Err(FORM) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn cluster_files_have_a_form() {
        for fine in ["a:b@127.0.0.1:4500", "a_1:b2@[::1]:4500:tls,h.example:4501\n", "# note\na:b@h:1 # more"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for odd in ["", "a", "a:b", "a@h:1", "a:b@", "a:b@h", "a:b@h:x", ":b@h:1", "a b:c@h:1"] {
            assert!(check(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn connection_strings_are_kept_from_others_and_removed() {
        let file = ClusterFile::find(&FdbCluster::ConnectionString("a:b@h:1".into())).unwrap();
        let path = file.path().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a:b@h:1");
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        drop(file);
        assert!(!path.exists());
    }
}
