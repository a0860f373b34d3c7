//! The clean-up: what goes, what stays, and that two at once do no harm.

use std::time::Duration;

use coditect_auth::{CleanupReport, Deleted, Refusal, Role};
use coditect_store::tuple::pack;
use coditect_store::{Error, Lease, RangeQuery};
use jiff::ToSpan as _;
use tokio_util::sync::CancellationToken;

use crate::harness::{Rig, tenant};

const KEPT: Duration = Duration::from_secs(365 * 24 * 3_600);

async fn keys(rig: &Rig, prefix: &str) -> usize {
    let range = &RangeQuery::prefix(prefix.as_bytes());
    let found = rig.store.run(|tx| async move { tx.collect_range(range.clone()).await });
    found.await.unwrap().items.len()
}

#[tokio::test]
async fn sessions_that_are_over_go_and_all_others_stay() {
    let rig = Rig::new().await;
    let old = rig.ada().await;
    let ended = rig.login("acme", "ada@example.com").await;
    rig.wait(20 * 3_600);
    rig.acting(&old).await.terminate(&ended.session.session_id).await.unwrap();
    rig.user("other", "eve@example.com", Role::Member).await;
    let other = rig.login("other", "eve@example.com").await;
    rig.auth.stop().await;
    let report = rig.auth.clean_up(KEPT).await.unwrap();
    assert_eq!((report.scanned, report.total()), (3, Deleted::default()), "an end is remembered for a while");
    rig.wait(3_601);
    let report = rig.auth.clean_up(KEPT).await.unwrap();
    assert_eq!(report.deleted[&tenant("acme")], Deleted { expired: 0, terminated: 1 });
    assert_eq!(rig.refused(&ended.token).await, Some(Refusal::NoSession));
    rig.wait(24 * 3_600 + 600);
    let report = rig.auth.clean_up(KEPT).await.unwrap();
    assert_eq!(report.deleted[&tenant("acme")], Deleted { expired: 1, terminated: 0 });
    assert_eq!(report.deleted[&tenant("other")], Deleted { expired: 1, terminated: 0 });
    assert_eq!(keys(&rig, "acme/session/").await + keys(&rig, "other/session/").await, 0);
    assert_eq!(rig.auth.clean_up(KEPT).await.unwrap().scanned, 0);
    drop((old, other));
    let again = rig.login("acme", "ada@example.com").await;
    assert_eq!(rig.acting(&again).await.sessions(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_stays_and_is_counted() {
    let rig = Rig::new().await;
    rig.ada().await;
    let written = rig.store.run(|tx| async move {
        tx.set(b"acme/session/broken", b"{");
        Ok::<_, Error>(())
    });
    written.await.unwrap();
    rig.wait(48 * 3_600);
    let report = rig.auth.clean_up(KEPT).await.unwrap();
    assert_eq!((report.scanned, report.unreadable, report.total().expired), (2, 1, 1));
    assert_eq!(keys(&rig, "acme/session/").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_delete_each_session_once_and_none_that_is_used() {
    let rig = Rig::new().await;
    let used = rig.ada().await;
    for number in 0..1_200u32 {
        let (mut session, key) = (used.session.clone(), format!("acme/session/s-{number:06}"));
        session.session_id = coditect_auth::SessionId::new(format!("s-{number:06}")).unwrap();
        session.last_access_at -= 2.hours();
        let (bytes, key) = (&session.encode().unwrap(), &key);
        let written = rig.store.run(|tx| async move {
            tx.set(key.as_bytes(), bytes);
            Ok::<_, Error>(())
        });
        written.await.unwrap();
    }
    // Those written are over for a while; the one that is used is just about to be.
    rig.wait(24 * 3_600 - 1);
    let other = rig.another(crate::harness::options()).await;
    let (one, two) = tokio::join!(rig.auth.clean_up(KEPT), other.clean_up(KEPT));
    let expired = |report: CleanupReport| report.total().expired;
    let counted = expired(one.unwrap()) + expired(two.unwrap());
    // What a commit with an unknown result deleted is not counted.
    let is_calm = std::env::var_os("FDB_STANDIN_FAULTS").is_none();
    assert!(counted <= 1_200 && (counted == 1_200 || !is_calm), "{counted}");
    assert_eq!(keys(&rig, "acme/session/").await, 1);
    assert_eq!(rig.refused(&used.token).await, None);
    other.stop().await;
}

#[tokio::test]
async fn a_session_is_kept_a_while_after_it_was_refused_first() {
    let rig = Rig::new().await;
    rig.ada().await;
    rig.wait(24 * 3_600 + 600);
    assert_eq!(
        rig.auth.clean_up(KEPT).await.unwrap().total(),
        Deleted::default(),
        "a request may just have been let in"
    );
    rig.wait(1);
    assert_eq!(rig.auth.clean_up(KEPT).await.unwrap().total().expired, 1);
}

#[tokio::test]
async fn one_tenants_odd_records_keep_nobody_from_being_cleaned_up() {
    let rig = Rig::new().await;
    rig.ada().await;
    rig.user("zeta", "zoe@example.com", Role::Member).await;
    rig.login("zeta", "zoe@example.com").await;
    let odd = pack(&("coditect", "auth", "in", "acme", "invitation", uuid::Uuid::from_u128(7)));
    let odd = &odd;
    let written = rig.store.run(|tx| async move {
        tx.set(odd, b"\x63 of a newer form");
        Ok::<_, Error>(())
    });
    written.await.unwrap();
    rig.wait(48 * 3_600);
    let report = rig.auth.clean_up(KEPT).await.unwrap();
    assert_eq!((report.unreadable, report.total().expired), (1, 2));
}

#[tokio::test]
async fn of_several_servers_one_cleans_up_at_a_time() {
    let rig = Rig::new().await;
    rig.ada().await;
    rig.wait(48 * 3_600);
    // Another server is at it.
    let key = pack(&("coditect", "auth", "lease", "sessions"));
    let mut other = Lease::new(rig.store.clone(), key, Duration::from_secs(30));
    assert!(other.hold().await.unwrap().is_some());
    let stop = CancellationToken::new();
    let cleaning = (0..3).map(|_| {
        let (auth, stop) = (rig.auth.clone(), stop.clone());
        tokio::spawn(async move { auth.keep_clean(Duration::from_millis(5), KEPT, stop).await })
    });
    let cleaning: Vec<_> = cleaning.collect();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(keys(&rig, "acme/session/").await, 1);
    }
    other.release().await.unwrap();
    while keys(&rig, "acme/session/").await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    for task in cleaning {
        task.await.unwrap();
    }
}
