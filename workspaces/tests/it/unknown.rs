//! Commits whose result is unknown, though they took place: what was done is told as done, once.

use std::sync::Arc;
use std::time::Duration;

use coditect_store::Clock;
use coditect_store::faults::{Fault, Faults};
use coditect_workspaces::{NewWorkspace, SimulatedCluster, State, Wanted};

use crate::harness::{Rig, fast, options};

#[tokio::test]
async fn what_was_wished_is_told_as_wished_once() {
    let faults = Faults::default();
    let rig = Rig::through(options(1), Clock::system(), |store| store.with_faults(faults.clone())).await;
    let ada = rig.ada().await;
    let unknown = || faults.on_commits([Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::UnknownApplied]);
    unknown();
    let made = rig.workspaces.create(&ada, &NewWorkspace { name: "main".into(), user: None }).await.unwrap();
    assert_eq!(rig.workspaces.list(&ada, None, 10).await.unwrap().items, std::slice::from_ref(&made));
    unknown();
    assert_eq!(rig.workspaces.suspend(&ada, &made.id).await.unwrap().revision, 2);
    unknown();
    assert_eq!(rig.workspaces.resume(&ada, &made.id).await.unwrap().revision, 3);
    unknown();
    assert_eq!(rig.workspaces.delete(&ada, &made.id).await.unwrap().revision, 4);
    for action in ["workspace.create", "workspace.suspend", "workspace.resume", "workspace.delete"] {
        assert_eq!(rig.audit(action).await.len(), 1, "{action}");
    }
    assert_eq!(faults.left(), 0);
}

#[tokio::test]
async fn a_store_that_fails_now_and_then_holds_nothing_up_for_good() {
    let faults = Faults::default();
    let rig = Rig::through(options(1), Clock::system(), |store| store.with_faults(faults.clone())).await;
    let cluster = SimulatedCluster::new(rig.clock.clone(), Duration::from_millis(5));
    let reconciler = rig.reconciler(Arc::new(cluster.clone()), fast());
    let kinds = [Fault::Conflict, Fault::TooOld, Fault::Unavailable, Fault::UnknownApplied, Fault::UnknownNotApplied];
    let made = rig.workspace_of("ada").await;
    for _ in 0..5 {
        faults.on_commits(kinds);
        faults.on_reads(kinds);
        rig.until(&made, State::Running).await;
        rig.workspaces.suspend(&rig.operator(), &made.id).await.unwrap();
        faults.on_commits(kinds);
        let suspended = rig.until(&made, State::Suspended).await;
        assert_eq!((suspended.wanted, suspended.failures), (Wanted::Suspended, 0));
        rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    }
    reconciler.stop().await;
}
