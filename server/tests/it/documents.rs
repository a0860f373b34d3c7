//! Documents: stored, replaced, unchanged, read, listed, deleted.

use serde_json::{Value, json};

use crate::harness::Running;

const TEXT: &str = "---\nteam: platform\n---\n# Retries\n\nA request is sent again after a pause.\n\n## Limits\n\nAt most five times.\n";

#[tokio::test]
async fn a_document_is_created_then_unchanged_then_updated() {
    let server = Running::start().await;
    let document = json!({"collection": "docs", "document_id": "guide.md", "text": TEXT, "metadata": {"lang": "en"}});
    let created = server.post("/documents", &document).await.expect(201);
    assert_eq!(created["status"], "created");
    assert!(created["passages"].as_u64().unwrap() >= 1);
    let version = created["version"].as_str().unwrap();
    assert!(version.len() == 20 && version.bytes().all(|b| b.is_ascii_hexdigit()), "{version}");

    let embedded = server.embedder.seen();
    let unchanged = server.post("/documents", &document).await.expect(200);
    assert_eq!(unchanged["status"], "unchanged");
    assert_eq!(unchanged["version"], created["version"]);
    assert_eq!(unchanged["passages"], created["passages"]);
    assert_eq!(server.embedder.seen(), embedded, "an unchanged document is not embedded");

    let mut changed = document;
    changed["text"] = json!("# Retries\n\nNever.\n");
    let updated = server.post("/documents", &changed).await.expect(200);
    assert_eq!(updated["status"], "updated");
    assert!(updated["version"].as_str() > created["version"].as_str());
    server.stop().await;
}

#[tokio::test]
async fn a_document_is_read_back_with_exact_places() {
    let server = Running::start().await;
    let version = server.store("docs", "dir/guide.md", TEXT).await;
    let read = server.get(&format!("/documents/docs/dir/guide.md?min_version={version}")).await.expect(200);
    assert_eq!(read["text"], TEXT);
    assert_eq!(read["title"], "Retries");
    assert_eq!(read["kind"], "documentation");
    assert_eq!(read["source"], "dir/guide.md");
    assert_eq!(read["metadata"], json!({"team": "platform"}));
    assert_eq!(read["version"], version.as_str());
    assert_eq!(read["content_hash"].as_str().unwrap().len(), 64);
    for passage in read["passages"].as_array().unwrap() {
        let range = |name: &str| usize::try_from(passage[name].as_u64().unwrap()).unwrap();
        assert_eq!(passage["text"], TEXT[range("byte_start")..range("byte_end")]);
        assert_eq!(TEXT[..range("byte_start")].matches('\n').count() + 1, range("line_start"));
    }
    server.stop().await;
}

#[tokio::test]
async fn odd_ids_are_stored_read_and_deleted() {
    let server = Running::start().await;
    let ids = [
        "a b/100%!:?#.md",
        "%2e%2e/x",
        "../../etc/passwd",
        "/absolute//path/",
        "日本語/ファイル.md",
        ".hidden",
        "a\\b",
        "tab\there",
        "new\nline",
        &"long/".repeat(44),
    ];
    for id in ids {
        server.store("odd", id, &format!("text of {id}")).await;
    }
    for id in ids {
        let path = format!("/documents/odd/{}", encoded(id));
        let read = server.get(&path).await.expect(200);
        assert_eq!(read["document_id"], id);
        let gone = server.delete(&path).await.expect(200);
        assert_eq!((&gone["document_id"], &gone["deleted"]), (&json!(id), &json!(true)), "{id}");
        assert_eq!(server.get(&path).await.status, 404, "{id}");
        assert_eq!(server.delete(&path).await.expect(200)["deleted"], false);
    }
    server.stop().await;
}

/// Every byte but letters and digits.
fn encoded(id: &str) -> String {
    id.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[tokio::test]
async fn a_batch_tells_the_fate_of_each_document() {
    let server = Running::start().await;
    server.store("docs", "old.md", "The same text.").await;
    let batch = json!({"documents": [
        {"collection": "docs", "document_id": "new.md", "text": "A new text."},
        {"collection": "docs", "document_id": "empty.md", "text": "  \n"},
        {"collection": "docs", "document_id": "old.md", "text": "The same text."},
        {"collection": "docs", "document_id": "new.md", "text": "Twice."},
        {"collection": "no/collection", "document_id": "x.md", "text": "Nowhere."},
    ]});
    let answer = server.post("/documents/batch", &batch).await.expect(200);
    let outcomes = answer["outcomes"].as_array().unwrap();
    let field = |name: &str| outcomes.iter().map(|outcome| outcome[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("status"), ["created", "failed", "unchanged", "failed", "failed"]);
    assert_eq!(field("document_id"), ["new.md", "empty.md", "old.md", "new.md", "x.md"]);
    assert_eq!(outcomes[1]["error"]["pointer"], "/documents/1/text");
    assert_eq!(outcomes[3]["error"]["pointer"], "/documents/3/document_id");
    assert_eq!(outcomes[4]["error"]["pointer"], "/documents/4/collection");
    assert_eq!(outcomes[4]["error"]["status"], 400);
    assert_eq!(answer["version"], outcomes[0]["version"], "the batch's version shows all of it");

    let failed = server.get("/documents?collection=docs&state=failed").await.expect(200);
    let failed = failed["documents"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["document_id"], "empty.md");
    assert_eq!(failed[0]["error"], "the document has no text");

    server.store("docs", "empty.md", "Not empty any more.").await;
    let failed = server.get("/documents?collection=docs&state=failed").await.expect(200);
    assert_eq!(failed["documents"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn listings_go_page_by_page_and_by_prefix() {
    let server = Running::start().await;
    let documents: Vec<Value> = (0..25)
        .map(|n| json!({"collection": "docs", "document_id": format!("{}/{n:02}.md", n % 2), "text": format!("Number {n}.")}))
        .collect();
    server.post("/documents/batch", &json!({"documents": documents})).await.expect(200);
    for (filter, expected) in [("", 25), ("&prefix=1/", 12), ("&prefix=2/", 0)] {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/documents?collection=docs&limit=7{filter}{cursor}")).await.expect(200);
            for document in page["documents"].as_array().unwrap() {
                assert_eq!(document["content_hash"].as_str().unwrap().len(), 64);
                ids.push(document["document_id"].as_str().unwrap().to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(ids.len(), expected, "{filter}: {ids:?}");
        assert!(ids.is_sorted(), "{ids:?}");
    }
    let page = server.get("/documents?collection=docs&limit=7").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = server.get(&format!("/documents?collection=docs&prefix=1/&cursor={cursor}")).await.expect(400);
    assert_eq!(other["errors"][0]["pointer"], "/cursor", "a cursor belongs to its listing");
    server.stop().await;
}

#[tokio::test]
async fn hashes_of_listings_are_the_clients_until_the_pipeline_changes() {
    let server = Running::start().await;
    let document = json!({"collection": "docs", "document_id": "a.md", "text": TEXT});
    let stored = server.post("/documents", &document).await.expect(201);
    let hash = async |server: &Running| {
        server.get("/documents?collection=docs").await.expect(200)["documents"][0]["content_hash"].clone()
    };
    assert_eq!(hash(&server).await, stored["content_hash"]);
    let input = coditect_ingest::wire::DocumentInput::new("a.md", TEXT);
    assert_eq!(stored["content_hash"], coditect_ingest::wire::content_hash(&input));

    let (dir, embedder) = server.stop().await;
    let server = Running::start_in(dir, embedder, |settings| settings.chunking.target_tokens = 64).await;
    assert_eq!(hash(&server).await, format!("stale-{}", stored["content_hash"].as_str().unwrap()));
    let again = server.post("/documents", &document).await.expect(200);
    assert_eq!(again["status"], "updated", "another passage size makes the document anew");
    assert_eq!(hash(&server).await, stored["content_hash"]);
    server.stop().await;
}

#[tokio::test]
async fn documents_outlive_the_server() {
    let server = Running::start().await;
    server.store("docs", "a.md", "Alpha and omega.").await;
    let (dir, embedder) = server.stop().await;
    let server = Running::start_in(dir, embedder, |_| {}).await;
    assert_eq!(server.found(&json!({"query": "omega"})).await, ["a.md"]);
    assert_eq!(server.found(&json!({"query": "omega", "mode": "keyword"})).await, ["a.md"]);
    server.stop().await;
}
