//! A run that is stopped tells what it did, and the next one finishes it with the same result.

use crate::gateway::Gateway;
use crate::harness::{Background, Tree, run};

const SLOW: [&str; 4] = ["--batch-documents", "4", "--in-flight", "2"];

fn forty() -> Tree {
    let tree = Tree::new(&[]);
    for n in 0..40 {
        tree.write(&format!("{n:02}.md"), format!("Text {n}."));
    }
    tree
}

async fn finishes(gateway: &Gateway, tree: &Tree, url: &str, done: usize) {
    gateway.take_sent();
    let ran = run("push", tree, url, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let done = done as u64;
    assert_eq!(ran.numbers(["documents", "created", "unchanged"]), [40, 40 - done, done]);
    assert_eq!(gateway.ids("c").len(), 40);
    assert_eq!(gateway.take_sent().len() as u64, 40 - done);
    let last = run("push", tree, url, &[]).await;
    assert_eq!(last.number("unchanged"), 40);
}

#[tokio::test]
async fn ctrl_c_finishes_what_is_under_way_and_no_more() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (tree, gateway) = (forty(), Gateway::new());
        let serving = gateway.serve().await;
        gateway.let_through(2);
        let mut background = Background::start("push", &tree, &serving.url(), &SLOW);
        gateway.until("two answered, two under way", |inner| inner.batches == 4 && inner.sent.len() == 8).await;
        background.signal(signal);
        background.until_says("requests under way are finished").await;
        gateway.open();
        let ran = background.finish().await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.numbers(["created", "not_sent", "failed"]), [16, 24, 0]);
        assert_eq!(gateway.ids("c").len(), 16);
        finishes(&gateway, &tree, &serving.url(), 16).await;
    }
}

#[tokio::test]
async fn a_second_ctrl_c_ends_at_once() {
    let (tree, gateway) = (forty(), Gateway::new());
    let serving = gateway.serve().await;
    gateway.let_through(0);
    let mut background = Background::start("push", &tree, &serving.url(), &SLOW);
    gateway.until("two under way", |inner| inner.batches == 2).await;
    background.signal("INT");
    background.until_says("requests under way are finished").await;
    background.signal("INT");
    let ran = background.finish().await;
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(gateway.ids("c").is_empty());
}

#[tokio::test]
async fn a_killed_run_is_finished_by_the_next() {
    let (tree, gateway) = (forty(), Gateway::new());
    let serving = gateway.serve().await;
    gateway.let_through(3);
    let background = Background::start("push", &tree, &serving.url(), &SLOW);
    gateway.until("three answered, two under way", |inner| inner.batches == 5 && inner.sent.len() == 12).await;
    background.signal("KILL");
    let ran = background.finish().await;
    assert_eq!(ran.code, None);
    // Those under way may or may not have been stored when their sender was killed.
    gateway.open();
    let stored = gateway.ids("c").len();
    assert!(stored >= 12);
    finishes_from_any(&gateway, &tree, &serving.url()).await;
}

async fn finishes_from_any(gateway: &Gateway, tree: &Tree, url: &str) {
    let ran = run("push", tree, url, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(gateway.ids("c").len(), 40);
    let [created, unchanged] = ran.numbers(["created", "unchanged"]);
    assert_eq!(created + unchanged, 40);
    for n in 0..40 {
        let text = gateway.text("c", &format!("{n:02}.md")).unwrap();
        assert_eq!(text, format!("Text {n}."));
    }
    let last = run("push", tree, url, &[]).await;
    assert_eq!(last.number("unchanged"), 40, "{last:?}");
}
