//! `restore` and `verify` of the binary, on what a server left behind.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use crate::faults::binary;
use crate::harness::{PATIENCE, Running};

fn url(bucket: &Path) -> String {
    format!("file://{}", bucket.display())
}

/// Runs the binary with a bucket; answers its exit code, its standard output and its error output.
fn run(arguments: &[&str], data: &Path, bucket: Option<&Path>) -> (Option<i32>, String, String) {
    let mut command = binary();
    command.args(arguments).arg("--data-dir").arg(data).args(["--log-level", "warn"]);
    if let Some(bucket) = bucket {
        command.env("KNOWLEDGE_BUCKET", url(bucket));
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn until_there(path: &Path) {
    let there = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, there).await.unwrap_or_else(|_| panic!("{} does not come", path.display()));
}

/// Waits until the backup has everything that was stored, and has written down that it has. That is sure once two more documents are there of which each was stored when the
/// one before had come: what comes first is written down before what comes next is looked for.
async fn until_backed_up(server: &Running, bucket: &Path) {
    for mark in ["mark-1", "mark-2"] {
        server.store("docs", mark, "A mark.").await;
        until_there(&bucket.join(format!("docs/default/docs/{mark}.json"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_data_folder_is_restored_and_verified() {
    let bucket = tempfile::tempdir().unwrap();
    let server = Running::start_with(|settings| settings.bucket = Some(url(bucket.path()))).await;
    server.store("docs", "guide/a.md", "# Restarting\n\nThe scheduler restarts a pod that failed.").await;
    server.store("docs", "b", "Where nobody looks.").await;
    until_there(&bucket.path().join("docs/default/docs/guide/a.md.json")).await;
    until_there(&bucket.path().join("docs/default/docs/b.json")).await;
    until_backed_up(&server, bucket.path()).await;
    let before = server.get("/documents/docs/guide/a.md").await.expect(200);
    let data = server.data_dir();
    let running = run(&["verify"], &data, None);
    assert_eq!(running.0, Some(3), "{running:?}");
    assert!(running.2.contains("another server has it open"), "{}", running.2);
    let (dir, embedder) = server.stop().await;

    let verified = run(&["verify"], &data, Some(bucket.path()));
    assert_eq!(verified.0, Some(0), "{verified:?}");
    assert!(verified.1.ends_with("verify: ok, 0 differences\n"), "{}", verified.1);
    assert!(verified.1.contains("4 objects of the backup"), "{}", verified.1);
    let from = url(bucket.path());
    let refused = run(&["restore", "--from", &from], &data, None);
    assert_eq!(refused.0, Some(3), "{refused:?}");
    assert!(refused.2.contains("default/docs") && refused.2.contains("--overwrite"), "{}", refused.2);

    std::fs::remove_dir_all(&data).unwrap();
    let restored = run(&["restore", "--from", &from], &data, Some(bucket.path()));
    assert_eq!(restored.0, Some(0), "{restored:?}");
    assert!(restored.1.contains("1 collections, 4 documents"), "{}", restored.1);
    assert!(restored.1.ends_with("restore: ok, every document compared with its object\n"), "{}", restored.1);
    let verified = run(&["verify"], &data, Some(bucket.path()));
    assert_eq!(verified.0, Some(0), "{verified:?}");
    let server = Running::start_in(dir, embedder, |settings| settings.bucket = Some(from.clone())).await;
    assert_eq!(server.get("/documents/docs/guide/a.md").await.expect(200), before);
    // Where the bucket holds the store's own backup, that goes on.
    server.store("docs", "c", "What came after.").await;
    until_there(&bucket.path().join("docs/default/docs/c.json")).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_named_with_an_exit_code_of_its_own() {
    let bucket = tempfile::tempdir().unwrap();
    let server = Running::start_with(|settings| settings.bucket = Some(url(bucket.path()))).await;
    server.store("docs", "a", "One.").await;
    server.store("docs", "b", "Two.").await;
    let object = bucket.path().join("docs/default/docs/b.json");
    until_there(&bucket.path().join("docs/default/docs/a.json")).await;
    until_there(&object).await;
    until_backed_up(&server, bucket.path()).await;
    let data = server.data_dir();
    let (_dir, _embedder) = server.stop().await;
    std::fs::write(&object, "{}").unwrap();

    let verified = run(&["verify"], &data, Some(bucket.path()));
    assert_eq!(verified.0, Some(5), "{verified:?}");
    assert!(verified.1.contains("default/docs/b") && verified.1.contains("damaged"), "{}", verified.1);
    assert!(verified.2.contains("verify: 1 differences"), "{}", verified.2);
    let other = tempfile::tempdir().unwrap();
    let restored = run(&["restore", "--from", &url(bucket.path())], other.path(), None);
    assert_eq!(restored.0, Some(5), "{restored:?}");
    assert!(restored.1.contains("docs/default/docs/b.json"), "{}", restored.1);

    let nothing = tempfile::tempdir().unwrap();
    let none = run(&["restore", "--from", &url(nothing.path())], &other.path().join("new"), None);
    assert_eq!(none.0, Some(2), "{none:?}");
    assert!(none.2.contains("holds no backup"), "{}", none.2);
    let odd = run(&["restore", "--from", &url(bucket.path()), "--at", "yesterday"], &other.path().join("new"), None);
    assert_eq!(odd.0, Some(2), "{odd:?}");
    assert!(odd.2.contains("--at") && odd.2.contains("20 hexadecimal digits"), "{}", odd.2);
}
