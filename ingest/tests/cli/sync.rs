//! `sync`: what vanished from the tree goes, unless that looks like a mistake.

use crate::gateway::Gateway;
use crate::harness::{Tree, arguments, finish, ordinary, run};

fn tree() -> Tree {
    Tree::new(&[("a.md", "One."), ("b.md", "Two."), ("c 100%!.md", "Three."), ("d.md", "Four.")])
}

#[tokio::test]
async fn vanished_documents_are_deleted() {
    let tree = tree();
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    tree.remove("c 100%!.md");
    tree.write("a.md", "Other.");
    let preview = run("sync", &tree, &serving.url(), &["--dry-run"]).await;
    assert_eq!(preview.numbers(["updated", "deleted"]), [1, 1], "{preview:?}");
    assert_eq!(gateway.ids("c").len(), 4);

    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.numbers(["updated", "unchanged", "deleted"]), [1, 2, 1]);
    assert_eq!(gateway.ids("c"), ["a.md", "b.md", "d.md"]);
}

#[tokio::test]
async fn more_than_half_needs_a_yes() {
    let tree = tree();
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    gateway.take_sent();
    for path in ["a.md", "b.md", "c 100%!.md"] {
        tree.remove(path);
    }
    tree.write("new.md", "Five.");
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("--yes"), "{ran:?}");
    assert_eq!(ran.numbers(["deleted", "created", "not_sent"]), [0, 0, 4]);
    assert_eq!(gateway.ids("c").len(), 4);
    assert!(gateway.take_sent().is_empty());

    let ran = run("sync", &tree, &serving.url(), &["--yes"]).await;
    assert_eq!((ran.code, ran.number("deleted")), (Some(0), 3), "{ran:?}");
    assert_eq!(gateway.ids("c"), ["d.md", "new.md"]);
}

#[tokio::test]
async fn documents_outside_the_prefix_are_left_alone() {
    let (one, two) = (tree(), tree());
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &one, &serving.url(), &["--prefix", "one/"]).await;
    run("sync", &two, &serving.url(), &["--prefix", "two/"]).await;
    one.remove("a.md");
    let ran = run("sync", &one, &serving.url(), &["--prefix", "one/"]).await;
    assert_eq!((ran.code, ran.number("deleted")), (Some(0), 1), "{ran:?}");
    assert_eq!(gateway.ids("c").len(), 7);
}

#[tokio::test]
async fn a_deletion_that_is_refused_is_a_failure() {
    let tree = tree();
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    tree.remove("a.md");
    gateway.with(|inner| inner.refused_deletions = true);
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!((ran.code, ran.number("failed")), (Some(1), 1), "{ran:?}");
    assert!(ran.stderr.contains("a.md: not deleted"), "{ran:?}");
}

#[tokio::test]
async fn nothing_is_deleted_when_a_record_cannot_be_read() {
    let record = |id: &str| format!("{{\"document_id\": \"{id}\", \"text\": \"Text.\"}}\n");
    let whole = record("x") + &record("y") + &record("z");
    let tree = Tree::new(&[("ready.jsonl", &whole)]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    tree.write("ready.jsonl", record("x") + &record("y") + "{\"document_id\": \"z");
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.numbers(["deleted", "failed"]), [0, 1]);
    assert!(ran.stderr.contains("could not be read"), "{ran:?}");
    assert_eq!(gateway.ids("c"), ["x", "y", "z"]);
}

#[tokio::test]
async fn a_document_that_has_grown_too_large_is_kept_and_an_emptied_one_goes() {
    let tree = tree();
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    tree.write("a.md", "word ".repeat(100));
    tree.write("b.md", "");
    let ran = run("sync", &tree, &serving.url(), &["--max-bytes", "100"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.numbers(["deleted", "skipped"]), [1, 2]);
    assert_eq!(gateway.ids("c"), ["a.md", "c 100%!.md", "d.md"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_deleted_when_a_folder_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let tree = tree();
    tree.write("locked/e.md", "Five.");
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("sync", &tree, &serving.url(), &[]).await;
    tree.remove("a.md");
    let locked = tree.path().join("locked");
    let mode = |mode| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(mode));
    mode(0o000).unwrap();
    let url = serving.url();
    let child = ordinary(&arguments("sync", tree.path(), &url)).spawn().unwrap();
    let ran = finish(child).await;
    mode(0o755).unwrap();
    assert_eq!(ran.numbers(["deleted", "failed"]), [0, 1], "{ran:?}");
    assert_eq!(ran.code, Some(1));
    assert_eq!(gateway.ids("c").len(), 5);
}
