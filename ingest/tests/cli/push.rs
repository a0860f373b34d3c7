//! `push`: what is new or changed is sent, and nothing else.

use crate::gateway::Gateway;
use crate::harness::{Tree, command, finish, run};

const FATES: [&str; 5] = ["documents", "created", "updated", "unchanged", "failed"];

#[tokio::test]
async fn the_first_push_creates_the_second_sends_nothing_a_change_sends_one() {
    let tree =
        Tree::new(&[("a.md", "# A\n\nOne."), ("b/c.md", "# C\n\nTwo."), ("d.rs", "fn main() {}"), ("e.txt", "Three.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let first = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(first.numbers(FATES), [4, 4, 0, 0, 0]);
    assert_eq!(first.numbers(["passages", "deleted", "skipped"]), [8, 0, 0]);
    assert!(first.json()["seconds"].as_f64().unwrap() > 0.0);
    assert!(first.json()["passages_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(gateway.ids("c"), ["a.md", "b/c.md", "d.rs", "e.txt"]);
    assert_eq!(gateway.take_sent().len(), 4);

    let second = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.numbers(FATES), [4, 0, 0, 4, 0]);
    assert_eq!(second.number("passages"), 8);
    assert!(gateway.take_sent().is_empty());

    tree.write("b/c.md", "# C\n\nThree.");
    let third = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(third.numbers(FATES), [4, 0, 1, 3, 0], "{third:?}");
    assert_eq!(gateway.take_sent(), ["b/c.md"]);
    assert_eq!(gateway.text("c", "b/c.md").unwrap(), "# C\n\nThree.");
}

#[tokio::test]
async fn what_vanished_stays_without_sync() {
    let tree = Tree::new(&[("a.md", "One."), ("b.md", "Two.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("push", &tree, &serving.url(), &[]).await;
    tree.remove("b.md");
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!((ran.code, ran.number("deleted")), (Some(0), 0));
    assert_eq!(gateway.ids("c"), ["a.md", "b.md"]);
}

#[tokio::test]
async fn a_dry_run_tells_and_sends_nothing() {
    let tree = Tree::new(&[("a.md", "One."), ("b.md", "Two.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &["--dry-run"]).await;
    assert_eq!((ran.code, ran.number("created")), (Some(0), 2), "{ran:?}");
    assert!(ran.stderr.contains("create   a.md"), "{ran:?}");
    assert!(gateway.take_sent().is_empty());
}

#[tokio::test]
async fn a_prefix_keeps_trees_in_one_collection_apart() {
    let one = Tree::new(&[("a.md", "One.")]);
    let two = Tree::new(&[("a.md", "Two.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("push", &one, &serving.url(), &["--prefix", "one/"]).await;
    let ran = run("push", &two, &serving.url(), &["--prefix", "two/"]).await;
    assert_eq!(ran.numbers(FATES), [1, 1, 0, 0, 0], "{ran:?}");
    assert_eq!(gateway.ids("c"), ["one/a.md", "two/a.md"]);
}

#[tokio::test]
async fn lines_of_a_jsonl_file_are_documents() {
    let tree = Tree::new(&[(
        "ready.jsonl",
        "{\"document_id\": \"q/1\", \"text\": \"One.\", \"title\": \"First\", \"metadata\": {\"team\": \"x\"}}\n\
         {\"document_id\": \"q/2\", \"text\": \"Two.\"}\n",
    )]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.numbers(FATES), [2, 2, 0, 0, 0], "{ran:?}");
    let second = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(second.numbers(FATES), [2, 0, 0, 2, 0], "{second:?}");
    gateway.with(|inner| {
        let first = &inner.collections["c"]["q/1"];
        assert_eq!(first.title.as_deref(), Some("First"));
        assert_eq!(first.metadata["team"], "x");
    });
}

#[tokio::test]
async fn many_documents_arrive_once_each_in_bounded_batches() {
    let tree = Tree::new(&[]);
    for n in 0..300 {
        tree.write(&format!("{n:03}.md"), format!("Text {n}. {}", "word ".repeat(n)));
    }
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let more = ["--batch-documents", "7", "--batch-bytes", "4000", "--in-flight", "3"];
    let ran = run("push", &tree, &serving.url(), &more).await;
    assert_eq!(ran.numbers(FATES), [300, 300, 0, 0, 0], "{ran:?}");
    assert_eq!(gateway.take_sent().len(), 300);
    assert!(gateway.with(|inner| inner.batches) >= 300 / 7);
}

#[tokio::test]
async fn without_json_people_get_a_table() {
    let tree = Tree::new(&[("a.md", "One.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let path = tree.path().to_str().unwrap();
    let ran = finish(command(&["push", path, "--server", &serving.url()]).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(0));
    assert!(ran.stdout.contains("created"), "{ran:?}");
    assert_eq!(gateway.ids("default"), ["a.md"]);
}

#[tokio::test]
async fn wrong_usage_is_told_apart() {
    let cases: [&[&str]; 6] = [
        &[],
        &["pull"],
        &["push", "--in-flight", "0"],
        &["push", "--server", "localhost"],
        &["push", "--server", "http://user:secret@localhost"],
        &["push", "/no/such/folder", "--server", "http://127.0.0.1:1"],
    ];
    for arguments in cases {
        let ran = finish(command(arguments).spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.is_empty());
    }
}

#[tokio::test]
async fn every_command_explains_itself_with_examples() {
    for verb in ["push", "sync", "status", "watch"] {
        let ran = finish(command(&[verb, "--help"]).spawn().unwrap()).await;
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.contains(&format!("coditect-ingest {verb} ")), "{verb}");
    }
}
