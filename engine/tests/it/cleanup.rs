//! Replaced generations leave the store: a constant-size loop of updates keeps a constant number of keys.

use std::time::Duration;

use coditect_engine::search::Mode;
use coditect_engine::{EngineOptions, UpkeepOptions};
use coditect_store::Store;

use crate::harness::{Rig, WAIT, docs, everything};

async fn keys(store: &Store) -> usize {
    everything(store).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_leave_one_generation_and_the_log() {
    let upkeep = UpkeepOptions {
        retired_grace: Duration::ZERO,
        cleanup_interval: Duration::from_millis(20),
        ..UpkeepOptions::default()
    };
    let options = EngineOptions { upkeep, ..EngineOptions::default() };
    let rig = Rig::with(options).await;
    let mut last = rig.put("doc", &["a", "b", "round 0"]).await;
    let once = keys(&rig.store).await;
    for round in 1..20 {
        last = rig.put("doc", &["a", "b", &format!("round {round}")]).await;
    }
    rig.find("round", Mode::Keyword, last.version).await;
    let (log_entries, leases) = (19, 1);
    let deadline = tokio::time::Instant::now() + WAIT;
    while keys(&rig.store).await > once + log_entries + leases {
        assert!(tokio::time::Instant::now() < deadline, "{} keys are left, {once} at first", keys(&rig.store).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let version = rig.tenant("t").drop_collection(&docs()).await.unwrap().unwrap();
    rig.tenant("t").wait_for(version, WAIT).await.unwrap();
    while keys(&rig.store).await > log_entries + leases + 4 {
        assert!(tokio::time::Instant::now() < deadline, "{} keys are left", keys(&rig.store).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
