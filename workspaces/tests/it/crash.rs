//! A process that crashes at any step of a start or an end: another one brings it to its end, and nothing is left over.

use std::sync::Arc;

use coditect_workspaces::{State, Workspace};

use crate::cluster::{Fault, Kind, Mock};
use crate::harness::{Rig, Running, cluster, fast, mock, options};

/// Lets a process crash at the request with this number, before or after it was done; then another goes on. Answers whether there was such a request.
async fn crashes(rig: &Rig, mock: &Arc<Mock>, number: usize, fault: Fault, to: (&Workspace, State)) -> bool {
    let hanging = mock.faults(|it| {
        it.on_request(number, fault);
        it.hanging
    });
    let doomed = rig.reconciler(cluster(mock).await, fast());
    let (workspace, state) = to;
    let is_over = || async {
        let is_hanging = mock.faults(|it| it.hanging) > hanging;
        let is_done = rig.now(workspace).await.is_some_and(|it| it.state == state);
        (is_hanging || is_done).then_some(is_hanging)
    };
    let was_hit = crate::harness::eventually_some("the crash, or the end", is_over).await;
    doomed.kill().await;
    mock.faults(crate::cluster::Faults::clear);
    // Its lease goes as that of a process that stopped: waiting for it to run out is tested elsewhere.
    let key = coditect_store::tuple::pack(&("coditect", "workspaces", "lease"));
    let freed = rig.store.run(|tx| {
        let key = key.clone();
        async move {
            tx.clear(&key);
            Ok::<_, coditect_store::Error>(())
        }
    });
    freed.await.unwrap();
    let next: Running = rig.reconciler(cluster(mock).await, fast());
    rig.until(workspace, state).await;
    next.stop().await;
    was_hit
}

#[tokio::test]
async fn at_any_step_of_a_start_and_an_end() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    for fault in [Fault::HangBefore, Fault::HangAfter] {
        let (mut number, mut hits) = (0, (true, true));
        while hits != (false, false) {
            let made = rig.workspace_of(&format!("u{number}-{}", fault == Fault::HangAfter)).await;
            hits.0 = crashes(&rig, &mock, number, fault, (&made, State::Running)).await;
            assert_eq!(mock.places().len(), 5, "{:?}", mock.places());
            assert!(mock.get(Kind::Pod, &made.pod_namespace, &made.pod_name).is_some());
            rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
            hits.1 = crashes(&rig, &mock, number, fault, (&made, State::Terminated)).await;
            assert_eq!(mock.places(), [], "after a crash at request {number}, {fault:?}");
            number += 1;
        }
        assert!(number > 10, "{number} requests");
    }
}
