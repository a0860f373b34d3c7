//! Objects that are larger than a part.

use std::collections::HashMap;
use std::time::Duration;

use coditect_engine::BucketOptions;

use crate::bed::{Bed, put};
use crate::faults::{Fault, Rule};
use crate::harness::{WAIT, until_saved};
use crate::log;

async fn bed() -> Bed {
    let retry_pause = Duration::from_millis(5);
    Bed::with(BucketOptions { retries: 2, retry_pause, part_bytes: 4_096, ..BucketOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_goes_up_in_parts_and_one_that_failed_is_sent_again_alone() {
    let bed = bed().await;
    let maker = bed.maker().await;
    bed.proxy.break_by(Rule { times: 1, ..Rule::new(Fault::Status(503), "PUT", "partNumber=2") });
    until_saved(&maker, put(&maker, "a").await).await;
    maker.stop().await;
    assert_eq!(log::lines(&["a job of the upkeep failed", &bed.url]), [""; 0]);
    let failed = bed.hit(Fault::Status(503));
    let [failed] = &failed[..] else { panic!("{failed:?}") };
    let (object, _) = failed.split_once('?').unwrap();
    let mut sent: HashMap<String, usize> = HashMap::new();
    for seen in bed.proxy.seen().into_iter().filter(|it| it.method == "PUT" && it.path.starts_with(object)) {
        *sent.entry(seen.path).or_default() += 1;
    }
    assert!(sent.len() > 2 && !sent.contains_key(object), "{object} goes up in parts alone: {sent:#?}");
    assert!(sent.iter().all(|(path, count)| *count == if path == failed { 2 } else { 1 }), "{sent:#?}");
    assert_eq!(bed.proxy.open_uploads(), 0);
    bed.boot().await;
    log::until(&["indexes taken up from a snapshot"], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_of_an_upload_that_failed_or_was_given_up() {
    let bed = bed().await;
    let maker = bed.maker().await;
    bed.proxy.break_by(Rule::new(Fault::Status(503), "PUT", "partNumber=2"));
    put(&maker, "a").await;
    let line = log::until(&["a job of the upkeep failed", &bed.url], 2).await;
    assert!(line.contains(" in gs://") && line.contains("503 Service Unavailable"), "{line}");
    // Those that are on their way are given up with it.
    maker.stop().await;
    let deadline = tokio::time::Instant::now() + WAIT;
    while bed.proxy.open_uploads() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "{} uploads are open", bed.proxy.open_uploads());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let with = |method, query| {
        let seen = bed.proxy.seen().into_iter();
        seen.filter(|it| it.method == method && it.path.contains(query) && it.status.is_some()).count()
    };
    assert!(with("DELETE", "uploadId=") > 0 && with("POST", "uploads=") >= with("DELETE", "uploadId="));
}
