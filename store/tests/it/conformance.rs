//! The conformance suite on the embedded backend.

use std::sync::Arc;

use coditect_store::conformance::{self, Bed};
use coditect_store::for_each_behaviour;
use futures::FutureExt as _;

use crate::support::{manual_clock, open_at};

async fn check(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let pass = Arc::new(move |time| {
        clock.advance(time);
        async {}.boxed()
    });
    conformance::run(name, Bed { store: store.clone(), pass }).await;
    store.close().await.unwrap();
}

macro_rules! tests {
    ($($name:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                check(stringify!($name)).await;
            }
        )+
    };
}
for_each_behaviour!(tests);
