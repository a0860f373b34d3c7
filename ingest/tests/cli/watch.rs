//! `watch`: changes of the tree reach the server while it runs.

use crate::gateway::Gateway;
use crate::harness::{Background, Tree};

fn three() -> Tree {
    Tree::new(&[("a.md", "One."), ("b.md", "Two."), ("c/d.md", "Three.")])
}

async fn watching(tree: &Tree, gateway: &Gateway, url: &str, more: &[&str]) -> Background {
    let mut background = Background::start("watch", tree, url, more);
    background.until_says("watching").await;
    assert_eq!(gateway.ids("c").len(), 3);
    gateway.take_sent();
    background
}

#[tokio::test]
async fn changes_new_files_and_deletions_are_followed() {
    let (tree, gateway) = (three(), Gateway::new());
    let serving = gateway.serve().await;
    let background = watching(&tree, &gateway, &serving.url(), &[]).await;
    tree.write("a.md", "Changed.");
    let changed = |text: &'static str| {
        move |inner: &mut crate::gateway::Inner| inner.collections["c"].get("a.md").is_some_and(|of| of.text == text)
    };
    gateway.until("the change arrives", changed("Changed.")).await;
    assert_eq!(gateway.take_sent(), ["a.md"]);

    tree.write("new/folder/e f.md", "New.");
    gateway.until("the new file arrives", |inner| inner.collections["c"].contains_key("new/folder/e f.md")).await;
    tree.write("new/folder/g.md", "Beside it.");
    gateway
        .until("a file in the new folder arrives", |inner| inner.collections["c"].contains_key("new/folder/g.md"))
        .await;

    tree.remove("b.md");
    gateway.until("the deletion arrives", |inner| !inner.collections["c"].contains_key("b.md")).await;
    let (from, to) = (tree.path().join("c"), tree.path().join("moved"));
    std::fs::rename(from, to).unwrap();
    gateway
        .until("the move arrives", |inner| {
            let documents = &inner.collections["c"];
            documents.contains_key("moved/d.md") && !documents.contains_key("c/d.md")
        })
        .await;

    background.signal("INT");
    let ran = background.finish().await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test]
async fn a_file_that_is_refused_is_told_once_and_stops_nothing() {
    let (tree, gateway) = (three(), Gateway::new());
    let serving = gateway.serve().await;
    let mut background = watching(&tree, &gateway, &serving.url(), &[]).await;
    gateway.with(|inner| inner.refused.insert("bad.md".into()));
    tree.write("bad.md", "Bad.");
    background.until_says("failed   bad.md").await;
    tree.write("good.md", "Good.");
    gateway.until("the good one arrives", |inner| inner.collections["c"].contains_key("good.md")).await;
    assert_eq!(gateway.take_sent(), ["bad.md", "good.md"]);
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for() {
    let (tree, gateway) = (three(), Gateway::new());
    let serving = gateway.serve().await;
    let url = serving.url();
    let mut background = watching(&tree, &gateway, &url, &["--retry-for", "1"]).await;
    let address = serving.stop().await;
    tree.write("a.md", "While it is away.");
    background.until_says("next try in").await;
    let _serving = gateway.serve_at(address).await;
    gateway
        .until("the change arrives after all", |inner| inner.collections["c"]["a.md"].text == "While it is away.")
        .await;
}

#[tokio::test]
async fn a_tree_that_disappears_keeps_its_documents() {
    let (tree, gateway) = (three(), Gateway::new());
    for n in 0..30 {
        tree.write(&format!("c/{n}.md"), format!("Text {n}."));
    }
    let serving = gateway.serve().await;
    let mut background = Background::start("watch", &tree, &serving.url(), &[]);
    background.until_says("watching").await;
    std::fs::remove_dir_all(tree.path().join("c")).unwrap();
    background.until_says("are kept on the server").await;
    assert_eq!(gateway.ids("c").len(), 33);
    tree.write("e.md", "New.");
    gateway.until("the rest goes on", |inner| inner.collections["c"].contains_key("e.md")).await;
    assert_eq!(gateway.ids("c").len(), 34);
}

#[tokio::test]
async fn a_single_file_is_followed_through_replacement() {
    let tree = Tree::new(&[("ready.jsonl", "{\"document_id\": \"x\", \"text\": \"One.\"}\n")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let file = tree.path().join("ready.jsonl");
    let (url, path) = (serving.url(), file.to_str().unwrap());
    let mut background = Background::start_at("watch", path, &url, &[]);
    background.until_says("watching").await;
    let beside = tree.write("beside", "{\"document_id\": \"x\", \"text\": \"Two.\"}\n");
    std::fs::rename(beside, &file).unwrap();
    gateway.until("the replacement arrives", |inner| inner.collections["c"]["x"].text == "Two.").await;
}
