//! A server that holds a judged set, ready to be asked.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use coditect_benches::dataset::Dataset;
use coditect_benches::server::{OUTPUT, Server, ServerOptions};

use crate::ask::Asking;
use crate::index::{self, Indexed};

/// What to index.
#[derive(Args)]
pub(crate) struct Indexing {
    /// Folder of the judged set
    #[arg(long)]
    data: PathBuf,
    /// Index from nothing, even if an index of an earlier run is there
    #[arg(long)]
    fresh: bool,
    /// Format of ready documents, such as `python`; guessed by the server when absent
    #[arg(long)]
    format: Option<String>,
    /// Fold copies into one result; by default only where passages are judged
    #[arg(long)]
    fold_copies: Option<bool>,
}

/// A running server with a judged set in it.
pub(crate) struct Session {
    pub(crate) set: Dataset,
    pub(crate) server: Server,
    indexed: Indexed,
    fold_copies: Option<bool>,
}

impl Session {
    /// Starts a server and brings the set into it.
    pub(crate) async fn start(indexing: &Indexing) -> Result<Self> {
        let set = Dataset::read(&indexing.data).with_context(|| format!("read the set {}", indexing.data.display()))?;
        let folder = PathBuf::from(OUTPUT).join("relevance-data").join(&set.name);
        if indexing.fresh && folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
        }
        let options = ServerOptions::new(&folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        index::warn_if_stale(&folder, &options.program)?;
        println!("{}: {} questions, {} collections", set.name, set.questions.len(), set.collections.len());
        let server = Server::start(&options).await?;
        let indexed = index::index(&server.client()?, &set, indexing.format.as_deref()).await?;
        Ok(Self { set, server, indexed, fold_copies: indexing.fold_copies })
    }

    /// Its questions, to be asked.
    pub(crate) fn asking(&self) -> Result<Asking<'_>> {
        Ok(Asking::new(self.server.client()?, &self.set, &self.indexed, self.fold_copies))
    }

    /// Stops the server.
    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}
