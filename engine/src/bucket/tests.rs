//! Buckets in directories, and what is none.

use bytes::Bytes;
use url::Url;

use super::{Bucket, BucketOptions};

#[tokio::test]
async fn objects_of_a_directory_come_back_by_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    let url = Url::from_directory_path(folder.path().canonicalize().unwrap()).unwrap().join("inner/place").unwrap();
    let bucket = Bucket::open(url.as_str(), []).unwrap();
    assert_eq!(bucket.get("a/b").await.unwrap(), None);
    assert!(bucket.list("a").await.unwrap().is_empty());
    bucket.put("a/b", Bytes::from_static(b"one")).await.unwrap();
    bucket.put("a/c d%252F/%C3%BC", Bytes::from_static(b"two")).await.unwrap();
    assert_eq!(bucket.size("a/b").await.unwrap(), Some(3));
    assert_eq!(bucket.get("a/c d%252F/%C3%BC").await.unwrap().unwrap(), "two");
    let mut listed = bucket.list("a").await.unwrap();
    listed.sort();
    assert_eq!(listed.len(), 2);
    for path in &listed {
        assert!(bucket.get(path).await.unwrap().is_some(), "{path} is listed");
    }
    assert!(folder.path().join("inner/place/a/b").exists());
    assert!(bucket.get("a//b").await.is_err() && bucket.get("../b").await.is_err());
    bucket.delete("a/b").await.unwrap();
    bucket.delete("a/b").await.unwrap();
    assert_eq!(bucket.size("a/b").await.unwrap(), None);
}

#[test]
fn what_is_no_bucket_is_refused_by_name() {
    for url in ["bucket", "ftp://host/x", "gs://"] {
        let error = Bucket::open(url, []).unwrap_err().to_string();
        assert!(error.contains(url), "{error}");
    }
}

fn folder_bucket(folder: &tempfile::TempDir, part_bytes: usize) -> Bucket {
    let url = Url::from_directory_path(folder.path().canonicalize().unwrap()).unwrap();
    Bucket::open_with(url.as_str(), [], BucketOptions { part_bytes, ..BucketOptions::default() }).unwrap()
}

#[tokio::test]
async fn a_large_object_goes_up_in_parts_and_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = folder_bucket(&folder, 1_000);
    for length in [0, 1, 999, 1_000, 1_001, 10_000, 12_345] {
        let bytes: Bytes = (0..length).map(|number: usize| (number * 7 / 3) as u8).collect();
        bucket.put("a/large", bytes.clone()).await.unwrap();
        assert_eq!(bucket.get("a/large").await.unwrap().unwrap(), bytes);
        assert_eq!(bucket.list("a").await.unwrap(), ["a/large"]);
    }
}

/// Takes connections and says nothing.
#[tokio::test]
async fn a_bucket_that_never_answers_is_given_up_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let answer = std::time::Duration::from_millis(50);
    let options = BucketOptions { answer, ..BucketOptions::default() };
    let google = [("GOOGLE_BASE_URL", &*address), ("GOOGLE_SKIP_SIGNATURE", "true")];
    let amazon = [("AWS_ENDPOINT", &*address), ("AWS_SKIP_SIGNATURE", "true")];
    for (url, environment) in [("gs://bucket/place", google), ("s3://bucket/place", amazon)] {
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bucket = Bucket::open_with(url, environment, options).unwrap();
        let failures = [
            bucket.size("object").await.unwrap_err(),
            bucket.get("object").await.unwrap_err(),
            bucket.delete("object").await.unwrap_err(),
            bucket.list("object").await.unwrap_err(),
        ];
        for failure in failures {
            let said = crate::error::chain(&failure).to_string();
            assert!(said.contains("object in ") && said.contains("no answer within 50ms"), "{said}");
        }
    }
}

#[tokio::test]
async fn what_the_environment_says_of_time_outs_goes_before() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let options = BucketOptions { retries: 0, ..BucketOptions::default() };
    let google = [("GOOGLE_BASE_URL", &*address), ("GOOGLE_SKIP_SIGNATURE", "true"), ("GOOGLE_TIMEOUT", "50ms")];
    let amazon = [("AWS_ENDPOINT", &*address), ("AWS_SKIP_SIGNATURE", "true"), ("AWS_TIMEOUT", "50ms")];
    for (url, environment) in [("gs://bucket/place", google), ("s3://bucket/place", amazon)] {
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bucket = Bucket::open_with(url, environment, options).unwrap();
        let failure = bucket.put("object", Bytes::from_static(b"one")).await.unwrap_err();
        let said = crate::error::chain(&failure).to_string();
        assert!(said.contains("write object in ") && said.contains("timed out"), "{said}");
    }
    let wrong = [("GOOGLE_TIMEOUT".to_owned(), "soon".to_owned())];
    assert!(Bucket::open("gs://bucket/place", wrong).is_err());
}
