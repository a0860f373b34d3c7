//! Whatever a file may be called, its document is stored under that name and can be deleted by it.

use crate::gateway::Gateway;
use crate::harness::{Tree, run};

#[tokio::test]
async fn odd_names_go_there_and_back() {
    let long = format!("{}.md", "n".repeat(217));
    let names = [
        "a b.md",
        "100%.md",
        "%41.md",
        "%2F.md",
        "c:d.md",
        "wow!.md",
        "q?x=1&y#z.md",
        "ä/漢字 é.md",
        "+plus+.md",
        "back\\slash.md",
        "quote'\".md",
        "[x]{y}|z^`.md",
        ".claude/agents/a.md",
        "..x/y..md",
        "-rf",
        "a;b,c=d@e$.md",
        long.as_str(),
    ];
    let tree = Tree::new(&[]);
    for name in names {
        tree.write(name, format!("Text of {name}."));
    }
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let count = names.len() as u64;
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.numbers(["created", "failed", "skipped"]), [count, 0, 0]);
    let mut expected: Vec<_> = names.iter().map(ToString::to_string).collect();
    expected.sort_unstable();
    assert_eq!(gateway.ids("c"), expected);

    let again = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!(again.number("unchanged"), count, "{again:?}");

    for name in names {
        tree.remove(name);
    }
    tree.write("kept.md", "Kept.");
    let gone = run("sync", &tree, &serving.url(), &["--yes"]).await;
    assert_eq!(gone.numbers(["deleted", "created"]), [count, 1], "{gone:?}");
    assert_eq!(gateway.ids("c"), ["kept.md"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn names_that_are_not_text_go_there_and_back() {
    use std::os::unix::ffi::OsStrExt;

    let tree = Tree::new(&[("a.md", "One."), ("b.md", "Two.")]);
    let odd = tree.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.md"));
    std::fs::write(&odd, "Three.").unwrap();
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!((ran.code, ran.number("created")), (Some(0), 3), "{ran:?}");
    std::fs::remove_file(odd).unwrap();
    let ran = run("sync", &tree, &serving.url(), &[]).await;
    assert_eq!((ran.code, ran.number("deleted")), (Some(0), 1), "{ran:?}");
}
