//! What fake-gcs-server 1.54 does not speak of Google Cloud Storage's XML API, put in the words that it does: `PUT` of an object, which it knows as that of
//! a signed URL and answers without an entity tag; `DELETE`, which it knows in the JSON API; and multipart uploads, which it does not know at all: their parts
//! are kept here, and go to it as one object when they are complete. Reading (`GET`, `HEAD`, ranges) and listing pass as they are.

use std::collections::{BTreeMap, HashMap};
use std::io::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::http::{Message, exchange};

/// Multipart uploads that have neither been completed nor aborted, with their parts by number.
#[derive(Default)]
pub(crate) struct Uploads {
    begun: AtomicUsize,
    open: Mutex<HashMap<String, BTreeMap<usize, Vec<u8>>>>,
}

impl Uploads {
    pub(crate) fn open(&self) -> usize {
        self.open.lock().len()
    }

    fn begin(&self) -> String {
        let id = format!("upload-{}", self.begun.fetch_add(1, Ordering::Relaxed));
        self.open.lock().insert(id.clone(), BTreeMap::new());
        id
    }
}

/// What Google Cloud Storage would answer to `request`.
pub(crate) async fn answer(server: SocketAddr, uploads: &Uploads, request: &Message) -> Result<Message> {
    let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
    let query: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let upload = query.get("uploadId");
    match (request.method(), upload) {
        ("PUT", None) => put(server, path, request.body.clone()).await,
        ("DELETE", None) => delete(server, path).await,
        ("POST", None) if query.contains_key("uploads") => {
            let id = uploads.begin();
            Ok(Message::answer(200, format!("<R><UploadId>{id}</UploadId></R>")))
        }
        ("PUT", Some(id)) => {
            let number: usize = query["partNumber"].parse().unwrap();
            let mut open = uploads.open.lock();
            let Some(parts) = open.get_mut(id) else { return Ok(Message::answer(404, "no such upload")) };
            parts.insert(number, request.body.clone());
            Ok(Message::answer(200, "").with("etag", format!("\"part {number}\"")))
        }
        ("POST", Some(id)) => complete(server, uploads, path, id, &request.body).await,
        ("DELETE", Some(id)) => {
            let known = uploads.open.lock().remove(id).is_some();
            Ok(Message::answer(if known { 204 } else { 404 }, ""))
        }
        _ => exchange(server, request).await,
    }
}

async fn put(server: SocketAddr, path: &str, body: Vec<u8>) -> Result<Message> {
    let signed = format!("{path}?X-Goog-Algorithm=GOOG4-RSA-SHA256");
    let put = Message::request("PUT", &signed, body).with("content-type", "application/octet-stream");
    let answer = exchange(server, &put).await?;
    if answer.status() != 200 {
        return Ok(answer);
    }
    let object: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let tag = object["etag"].as_str().unwrap();
    Ok(Message::answer(200, "").with("etag", format!("\"{tag}\"")))
}

async fn delete(server: SocketAddr, path: &str) -> Result<Message> {
    let (bucket, object) = path[1..].split_once('/').unwrap();
    exchange(server, &Message::request("DELETE", &format!("/storage/v1/b/{bucket}/o/{object}"), "")).await
}

async fn complete(server: SocketAddr, uploads: &Uploads, path: &str, id: &str, asked: &[u8]) -> Result<Message> {
    let parts = uploads.open.lock().get(id).cloned();
    let Some(parts) = parts else { return Ok(Message::answer(404, "no such upload")) };
    let asked = String::from_utf8_lossy(asked);
    let named = parts.keys().filter(|number| asked.contains(&format!("<PartNumber>{number}</PartNumber>"))).count();
    if named != parts.len() || asked.matches("<PartNumber>").count() != named {
        return Ok(Message::answer(400, "these are not the parts of the upload"));
    }
    let answer = put(server, path, parts.into_values().flatten().collect()).await?;
    let Some(tag) = answer.header("etag").map(str::to_owned) else { return Ok(answer) };
    uploads.open.lock().remove(id);
    Ok(Message::answer(200, format!("<R><ETag>{tag}</ETag></R>")))
}
