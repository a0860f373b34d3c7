//! What goes wrong is survived, or told with a reason and an exit code that is true.

use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::harness::{Tree, command, finish, run};

fn three() -> Tree {
    Tree::new(&[("a.md", "One."), ("b.md", "Two."), ("c.md", "Three.")])
}

#[tokio::test]
async fn a_refused_document_is_told_and_stops_no_other() {
    let tree = three();
    let gateway = Gateway::new();
    gateway.with(|inner| inner.refused.insert("b.md".into()));
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.numbers(["documents", "created", "failed", "not_sent"]), [3, 2, 1, 0]);
    let told = "failed   b.md: Trouble: this text cannot be stored (at /text)";
    assert!(ran.stderr.contains(told), "{ran:?}");
    assert_eq!(gateway.ids("c"), ["a.md", "c.md"]);

    gateway.with(|inner| inner.refused.clear());
    let again = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.numbers(["created", "unchanged", "failed"]), [1, 2, 0]);
}

#[tokio::test]
async fn a_document_that_poisons_its_batch_is_found() {
    let tree = Tree::new(&[]);
    for n in 0..20 {
        tree.write(&format!("{n:02}.md"), format!("Text {n}."));
    }
    let gateway = Gateway::new();
    gateway.with(|inner| inner.poison.insert("13.md".into()));
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.numbers(["created", "failed", "not_sent"]), [19, 1, 0]);
    assert!(ran.stderr.contains("failed   13.md: Trouble: this batch is poisoned"), "{ran:?}");
}

#[tokio::test]
async fn files_that_are_no_documents_are_told_and_are_no_failures() {
    let tree = three();
    tree.write("empty.md", "");
    tree.write("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    tree.write("big.md", "word ".repeat(2_000));
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &["--max-bytes", "5000"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.numbers(["documents", "created", "skipped", "failed"]), [3, 3, 3, 0]);
    for told in ["skipped  empty.md: empty", "skipped  logo.png: binary", "skipped  big.md: too large"] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
}

#[tokio::test]
async fn two_documents_with_one_id_are_one_document_and_a_failure() {
    let line = "{\"document_id\": \"same\", \"text\": \"One.\"}\n{\"document_id\": \"same\", \"text\": \"Two.\"}\n";
    let tree = Tree::new(&[("ready.jsonl", line)]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    for sent in [1, 0] {
        let ran = run("push", &tree, &serving.url(), &[]).await;
        assert_eq!((ran.code, ran.number("failed")), (Some(1), 1), "{ran:?}");
        assert_eq!(gateway.take_sent().len(), sent);
        assert_eq!(gateway.text("c", "same").unwrap(), "One.");
    }
}

#[tokio::test]
async fn a_server_that_is_away_has_its_own_exit_code() {
    let tree = three();
    let gone = Gateway::new().serve().await.stop().await;
    let url = format!("http://{gone}");
    let ran = run("push", &tree, &url, &["--retry-for", "0"]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("cannot be reached") && ran.stderr.contains("--server"), "{ran:?}");
    for verb in ["sync", "status", "watch"] {
        let ran = run(verb, &tree, &url, &["--retry-for", "0"]).await;
        assert_eq!(ran.code, Some(3), "{verb}: {ran:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away_is_waited_for_and_then_given_up() {
    let tree = Tree::new(&[]);
    for n in 0..20 {
        tree.write(&format!("{n:02}.md"), format!("Text {n}."));
    }
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    gateway.with(|inner| inner.down_after_batches = Some(2));
    let more = ["--batch-documents", "5", "--in-flight", "1", "--retry-for", "1"];
    let ran = run("push", &tree, &serving.url(), &more).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.numbers(["documents", "created", "failed", "not_sent"]), [20, 10, 0, 10]);

    gateway.with(|inner| inner.down_after_batches = None);
    let again = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.numbers(["created", "unchanged"]), [10, 10]);
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_it_asks_for() {
    let tree = three();
    let gateway = Gateway::new();
    // The listing is put off once and then answered, and so is the batch.
    gateway.with(|inner| {
        inner.instead.push_back((503, Some("1")));
        inner.batch_instead.extend([(429, Some("1")), (500, None)]);
    });
    let serving = gateway.serve().await;
    let began = Instant::now();
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.number("created"), 3);
    assert!(began.elapsed() >= Duration::from_secs(2), "did not wait");
    assert!(ran.stderr.contains("next try in"), "{ran:?}");
}

#[tokio::test]
async fn documents_that_the_server_puts_off_are_sent_again() {
    let tree = three();
    let gateway = Gateway::new();
    gateway.with(|inner| inner.put_off.insert("b.md".into(), 2));
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.numbers(["created", "failed"]), [3, 0]);
    let sent = gateway.take_sent();
    assert_eq!(sent.iter().filter(|id| *id == "b.md").count(), 3);
    assert_eq!(sent.len(), 5);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_sent_in_parts() {
    let tree = three();
    let gateway = Gateway::new();
    gateway.with(|inner| inner.batch_instead.extend([(413, None), (504, None)]));
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &["--in-flight", "1"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.number("created"), 3);
}

#[tokio::test]
async fn a_broken_server_is_not_asked_for_ever() {
    let tree = three();
    let gateway = Gateway::new();
    gateway.with(|inner| inner.batch_instead.extend([(500, None); 200]));
    let serving = gateway.serve().await;
    let ran = run("push", &tree, &serving.url(), &["--batch-documents", "1"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.numbers(["created", "failed"]), [0, 3]);
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let tree = three();
    let gateway = Gateway::new();
    gateway.with(|inner| inner.token = Some("s3cret-token"));
    let serving = gateway.serve().await;
    let wrong = run("push", &tree, &serving.url(), &["--token", "wr0ng-token"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("the token is not valid"), "{wrong:?}");
    assert!(wrong.stderr.contains("CODITECT_TOKEN"), "{wrong:?}");
    let path = tree.path().to_str().unwrap();
    let mut right = command(&["push", path, "--server", &serving.url()]);
    let right = finish(right.env("CODITECT_TOKEN", "s3cret-token").spawn().unwrap()).await;
    assert_eq!(right.code, Some(0), "{right:?}");
    let mut help = command(&["push", "--help"]);
    let help = finish(help.env("CODITECT_TOKEN", "s3cret-token").spawn().unwrap()).await;
    for ran in [wrong, right, help] {
        for said in [&ran.stdout, &ran.stderr] {
            assert!(!said.contains("cret-token") && !said.contains("wr0ng"), "{said}");
        }
    }
}

#[tokio::test]
async fn something_that_is_no_gateway_is_told_apart() {
    let tree = three();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let other = tokio::spawn(async move { axum::serve(socket, axum::Router::new()).await });
    let ran = run("push", &tree, &url, &[]).await;
    other.abort();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("Coditect gateway"), "{ran:?}");
}
