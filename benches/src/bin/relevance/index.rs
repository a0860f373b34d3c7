//! Brings a judged set into the server: trees through `coditect-ingest`, ready documents through
//! the API. What is there already is not embedded again.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use coditect_benches::client::{Client, DocumentInput};
use coditect_benches::dataset::{Collection, Content, Dataset};
use coditect_benches::limits;
use coditect_benches::push::push;
use futures::{StreamExt, TryStreamExt, stream};

use crate::record::Lengths;

/// File in the data folder that names the server which made the index.
const MADE_BY: &str = "bench-made-by";

/// Names of files that belong to a set but not to its searchable text.
const NOT_INDEXED: &[&str] = &["LICENSE"];

/// Version of each collection after indexing, by the order of the set.
pub(crate) type Indexed = Vec<String>;

/// Says so when an index of an earlier run was made by another build of the server: documents that
/// have not changed are not split or embedded again.
pub(crate) fn warn_if_stale(folder: &Path, program: &Path) -> Result<()> {
    let bytes = std::fs::read(program).with_context(|| format!("read {}", program.display()))?;
    let this = blake3::hash(&bytes).to_hex().to_string();
    let path = folder.with_extension(MADE_BY);
    let empty = std::fs::read_dir(folder).context("look into the data folder")?.next().is_none();
    if empty {
        std::fs::write(&path, &this).with_context(|| format!("write {}", path.display()))?;
    } else if std::fs::read_to_string(&path).unwrap_or_default() != this {
        println!("note: reusing an index made by another build of the server; FRESH=1 makes it anew");
    }
    Ok(())
}

/// Indexes every collection of the set.
pub(crate) async fn index(client: &Client, set: &Dataset, format: Option<&str>) -> Result<Indexed> {
    let mut versions = Vec::new();
    for collection in &set.collections {
        let started = Instant::now();
        match &collection.content {
            Content::Tree(path) => tree(client, collection, path).await?,
            Content::Documents(documents) => ready(client, documents, format).await?,
        }
        let info = client.collection(&collection.name).await?;
        let info = info.with_context(|| format!("find the collection {} after indexing", collection.name))?;
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "indexed {}: {} documents, {} passages in {seconds:.1} s",
            collection.name, info.documents, info.passages
        );
        versions.push(info.version);
    }
    Ok(versions)
}

async fn tree(client: &Client, collection: &Collection, path: &Path) -> Result<()> {
    let copy = tempfile::tempdir().context("make a temporary folder")?;
    copy_tree(path, copy.path())?;
    let summary = push(client, &collection.name, copy.path()).await?;
    ensure!(summary.failed == 0, "{} documents of {} failed", summary.failed, collection.name);
    Ok(())
}

/// Copies a tree without the files that are not to be indexed.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry.with_context(|| format!("list {}", from.display()))?;
        let name = entry.file_name();
        let target = to.join(&name);
        if entry.path().is_dir() {
            std::fs::create_dir(&target).with_context(|| format!("create {}", target.display()))?;
            copy_tree(&entry.path(), &target)?;
        } else if !NOT_INDEXED.iter().any(|it| name.as_os_str() == *it) {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
            std::fs::write(&target, bytes).with_context(|| format!("write {}", target.display()))?;
        }
    }
    Ok(())
}

async fn ready(client: &Client, documents: &[DocumentInput], format: Option<&str>) -> Result<()> {
    let batches: Vec<Vec<DocumentInput>> = documents.chunks(limits::BATCH).map(<[_]>::to_vec).collect();
    let sending = stream::iter(batches).map(|mut batch| async move {
        for document in &mut batch {
            document.format = format.map(str::to_owned);
        }
        send(client, &batch).await
    });
    sending.buffer_unordered(limits::BATCHES_IN_FLIGHT).try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn send(client: &Client, batch: &[DocumentInput]) -> Result<()> {
    let answer = client.put_batch(batch).await?;
    ensure!(answer.outcomes.len() == batch.len(), "a batch of {} got {} outcomes", batch.len(), answer.outcomes.len());
    match answer.outcomes.iter().find(|outcome| outcome.status == "failed") {
        None => Ok(()),
        Some(failed) => anyhow::bail!("{} failed: {:?}", failed.document_id, failed.error),
    }
}

/// Mean length of all indexed passages.
pub(crate) async fn lengths(client: &Client, set: &Dataset) -> Result<Lengths> {
    let mut total = Lengths::default();
    for collection in &set.collections {
        let documents = client.list(&collection.name).await?;
        let reading =
            stream::iter(documents).map(|it| async move { client.get(&collection.name, &it.document_id).await });
        let read: Vec<_> = reading.buffer_unordered(limits::REQUESTS_IN_FLIGHT).try_collect().await?;
        for passage in read.into_iter().flatten().flat_map(|document| document.passages) {
            total.passages += 1;
            total.mean_lines += f64::from(passage.line_end + 1 - passage.line_start);
            total.mean_characters += passage.text.chars().count() as f64;
        }
    }
    let count = total.passages.max(1) as f64;
    Ok(Lengths {
        passages: total.passages,
        mean_lines: total.mean_lines / count,
        mean_characters: total.mean_characters / count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_left_out() {
        let from = tempfile::tempdir().unwrap();
        std::fs::create_dir(from.path().join("docs")).unwrap();
        std::fs::write(from.path().join("LICENSE"), "x").unwrap();
        std::fs::write(from.path().join("docs/a.md"), "x").unwrap();
        let to = tempfile::tempdir().unwrap();
        copy_tree(from.path(), to.path()).unwrap();
        assert!(to.path().join("docs/a.md").is_file());
        assert!(!to.path().join("LICENSE").exists());
    }
}
