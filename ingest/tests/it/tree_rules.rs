//! Links, permissions, odd files, ignore rules of repositories, and JSONL files of documents.

use std::fs;
use std::path::Path;

use coditect_ingest::walk::{SkipReason, WalkError, WalkItem, WalkOptions, walk};

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    fs::write(path, bytes).expect("file");
}

/// Each item in order: `id` of a document, or `id (reason)`.
fn shown(root: &Path, options: &WalkOptions) -> Vec<String> {
    let show = |item| match item {
        WalkItem::Document(walked) => walked.document.document_id,
        WalkItem::Skipped(skipped) => format!("{} ({})", skipped.path, skipped.reason.code()),
    };
    walk(root, options).expect("root").map(show).collect()
}

#[cfg(unix)]
#[test]
fn links_are_followed_to_files_of_the_tree_only() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().expect("tempdir");
    put(outside.path(), "secret.md", "secret\n");
    let root = tempfile::tempdir().expect("tempdir");
    let at = |path: &str| root.path().join(path);
    put(root.path(), "docs/a.md", "# A\n");
    put(root.path(), ".git/config", "[core]\n");
    symlink("docs/a.md", at("alias.md")).expect("link");
    symlink("../docs", at("docs/loop")).expect("link");
    symlink("self", at("self")).expect("link");
    symlink("nowhere", at("dangling")).expect("link");
    symlink(outside.path().join("secret.md"), at("leak.md")).expect("link");
    symlink(outside.path(), at("leaks")).expect("link");
    symlink(".git/config", at("config")).expect("link");
    let expected = [
        "alias.md",
        "config (link)",
        "dangling (link)",
        "docs/a.md",
        "docs/loop (link)",
        "leak.md (link)",
        "leaks (link)",
        "self (link)",
    ];
    assert_eq!(shown(root.path(), &WalkOptions::default()), expected);
}

#[cfg(unix)]
#[test]
fn sockets_and_the_like_are_reported_and_never_opened() {
    let root = tempfile::tempdir().expect("tempdir");
    put(root.path(), "a.md", "# A\n");
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("s.sock")).expect("socket");
    assert_eq!(shown(root.path(), &WalkOptions::default()), ["a.md", "s.sock (not_a_file)"]);
}

/// Begins the test `name` again in a process that permissions hold for, where this one is the superuser's, who reads
/// everything; true when that was done, and the test is over.
#[cfg(unix)]
fn was_run_as_ordinary(name: &str) -> bool {
    const AGAIN: &str = "CODITECT_TEST_WITHOUT_PRIVILEGES";
    if !rustix::process::geteuid().is_root() || std::env::var_os(AGAIN).is_some() {
        return false;
    }
    let mut command = std::process::Command::new("setpriv");
    command.arg("--bounding-set=-dac_override,-dac_read_search").arg(std::env::current_exe().expect("this program"));
    let output = command.args(["--exact", name]).env(AGAIN, "1").output().expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    true
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    if was_run_as_ordinary("tree_rules::what_may_not_be_read_is_reported") {
        return;
    }
    let root = tempfile::tempdir().expect("tempdir");
    put(root.path(), "a.md", "# A\n");
    put(root.path(), "closed.md", "# Closed\n");
    put(root.path(), "folder/b.md", "# B\n");
    let forbid = |path: &str, mode: u32| {
        fs::set_permissions(root.path().join(path), fs::Permissions::from_mode(mode)).expect("permissions");
    };
    forbid("closed.md", 0);
    forbid("folder", 0);
    let items = shown(root.path(), &WalkOptions::default());
    forbid("folder", 0o755);
    assert_eq!(items, ["a.md", "closed.md (unreadable)", "folder (unreadable)"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_written_reversibly() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().expect("tempdir");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 %FF.md");
    fs::write(root.path().join(name), "# A\n").expect("file");
    let items = shown(root.path(), &WalkOptions::default());
    assert_eq!(items, ["caf%E9 %25FF.md"]);
    assert_eq!(coditect_ingest::walk::path_of(&items[0]), Path::new(name));
}

#[test]
fn rules_of_the_repository_around_the_root_count() {
    let outer = tempfile::tempdir().expect("tempdir");
    put(outer.path(), ".gitignore", "*.log\n/sub/gone.md\n");
    put(outer.path(), "sub/a.md", "# A\n");
    put(outer.path(), "sub/gone.md", "# Gone\n");
    put(outer.path(), "sub/x.log", "log\n");
    let sub = outer.path().join("sub");
    assert_eq!(shown(&sub, &WalkOptions::default()), ["a.md", "gone.md", "x.log"]);
    fs::create_dir(outer.path().join(".git")).expect("folder");
    assert_eq!(shown(&sub, &WalkOptions::default()), ["a.md"]);
}

#[test]
fn a_root_may_be_a_file_and_must_exist() {
    let root = tempfile::tempdir().expect("tempdir");
    put(root.path(), "one.md", "# One\n");
    assert_eq!(shown(&root.path().join("one.md"), &WalkOptions::default()), ["one.md"]);
    let missing = walk(&root.path().join("missing"), &WalkOptions::default());
    assert!(matches!(missing, Err(WalkError::Root { .. })));
}

#[test]
fn lines_of_ready_documents_are_documents() {
    let root = tempfile::tempdir().expect("tempdir");
    let lines = [
        r#"{"document_id": "one", "text": "First.", "metadata": {"team": "a"}}"#,
        "",
        r#"{"document_id": "two", "text": "Second.", "collection": "other", "kind": "note"}"#,
        r#"{"document_id": "three"}"#,
        "not JSON",
        r#"{"document_id": "four", "text": " "}"#,
        r#"{"document_id": "five", "text": "Fifth.", "surprise": 1}"#,
        r#"{"document_id": "six", "text": "Sixth."}"#,
    ];
    let long = format!(r#"{{"document_id": "long", "text": "{}"}}"#, "x".repeat(600));
    put(
        root.path(),
        "all.jsonl",
        format!("{}\n{long}\n{}", lines.join("\n"), r#"{"document_id": "last", "text": "Last."}"#),
    );
    let options = WalkOptions { collection: "mine".into(), max_bytes: 500 };
    let expected = [
        "one",
        "two",
        "all.jsonl:4 (bad_record)",
        "all.jsonl:5 (bad_record)",
        "all.jsonl:6 (empty)",
        "all.jsonl:7 (bad_record)",
        "six",
        "all.jsonl:9 (too_large)",
        "last",
    ];
    assert_eq!(shown(root.path(), &options), expected);
    let documents = walk(root.path(), &options).expect("root").filter_map(|item| match item {
        WalkItem::Document(walked) => Some(walked.document),
        WalkItem::Skipped(_) => None,
    });
    let collections: Vec<String> = documents.map(|document| document.collection).collect();
    assert_eq!(collections, ["mine", "other", "mine", "mine"]);
}

#[test]
fn other_json_lines_are_text() {
    let root = tempfile::tempdir().expect("tempdir");
    put(root.path(), "events.jsonl", "{\"event\": 1}\n{\"event\": 2}\n");
    let items: Vec<WalkItem> = walk(root.path(), &WalkOptions::default()).expect("root").collect();
    let [WalkItem::Document(walked)] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert_eq!(walked.document.text.lines().count(), 2);
}

#[test]
fn reasons_say_what_is_wrong() {
    let reason = SkipReason::TooLarge { size: 10, limit: 5 };
    assert_eq!(reason.to_string(), "too large (10 bytes, limit 5)");
    assert!(SkipReason::BadRecord("x".into()).is_failure());
    assert!(!SkipReason::Empty.is_failure());
}
