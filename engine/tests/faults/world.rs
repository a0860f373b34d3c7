//! What a run plays in: one database of the stand-in, several engines on it, each with its own way there and its own clock, one bucket.

use std::time::Duration;

use coditect_engine::{BackupOptions, Bucket, Engine, EngineOptions, SnapshotOptions, Tenant, UpkeepOptions};
use coditect_store::faults::Switch;
use coditect_store::{Clock, ErrorKind, FdbCluster, FdbOptions, Store};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::content;
use crate::plan::Plan;
use crate::trace::Trace;

/// How long what is retired stays, on the engines' clocks.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// How long entries of the log stay, on the engines' clocks.
pub(crate) const RETENTION: Duration = Duration::from_secs(5);
/// The term of leases, on the engines' clocks.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
/// By how much the clocks of two engines differ where they do.
const SKEW: Duration = Duration::from_secs(5 * 3_600);
/// Anything may take so long; more is a violation.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client is there after this long, where the machine has nothing else to do.
const FIRST_TIME_TO_CONNECT: Duration = Duration::from_millis(4);

pub(crate) struct World {
    pub(crate) root: String,
    seed: u64,
    pub(crate) bucket: Bucket,
    pub(crate) scratch: TempDir,
    pub(crate) has_timers: bool,
    pub(crate) is_skewed: bool,
    pub(crate) slots: Vec<Slot>,
    /// For who looks at the keys themselves.
    pub(crate) calm: Store,
    connections: u64,
    numbers: u64,
}

/// A place for an engine.
pub(crate) struct Slot {
    pub(crate) clock: Clock,
    store: Store,
    switch: Switch,
    /// The way that the switch leads.
    way: Store,
    pub(crate) engine: Engine,
}

impl World {
    pub(crate) async fn new(trace: &Trace) -> Self {
        let seed = trace.seed;
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let mut world = Self {
            root: format!("seed{seed}"),
            seed,
            bucket: Bucket::open("memory:///", []).unwrap(),
            scratch: TempDir::new().unwrap(),
            has_timers: trace.has_timers,
            is_skewed: trace.is_skewed,
            slots: Vec::new(),
            calm: connect(Plan::Calm, 0, Clock::manual(start)).await,
            connections: 0,
            numbers: 0,
        };
        world.clear().await;
        for slot in 0..trace.slots {
            // The milliseconds keep the ids apart that two clocks make at the same time of day.
            let skew = if trace.is_skewed { SKEW * slot as u32 } else { Duration::ZERO };
            let clock = Clock::manual(start + skew + Duration::from_millis(1 + slot as u64));
            let slot = world.occupied(clock, slot != 0).await;
            world.slots.push(slot);
        }
        world
    }

    /// A slot with an engine of its own.
    async fn occupied(&mut self, clock: Clock, with_bucket: bool) -> Slot {
        let way = self.way(Plan::Calm, &clock).await;
        let (store, switch) = way.with_switch();
        let engine = self.engine(&store, &clock, with_bucket);
        Slot { clock, store, switch, way, engine }
    }

    /// What keys begin with of a store that is made again from the backup.
    pub(crate) fn restored_root(&self) -> String {
        format!("{}-restored", self.root)
    }

    /// Another way to the database.
    async fn way(&mut self, plan: Plan, clock: &Clock) -> Store {
        self.connections += 1;
        connect(plan, self.seed.wrapping_mul(1_000) + self.connections, clock.clone()).await
    }

    fn engine(&self, store: &Store, clock: &Clock, with_bucket: bool) -> Engine {
        let pause = |timers| if self.has_timers { Duration::from_millis(timers) } else { Duration::from_secs(3_600) };
        let upkeep = UpkeepOptions {
            retired_grace: GRACE,
            cleanup_interval: pause(30),
            log_retention: RETENTION,
            trim_interval: pause(40),
            sweep_interval: pause(150),
            snapshot_look: pause(60),
            backup_look: pause(50),
            lease: LEASE,
        };
        let snapshots = with_bucket
            .then(|| SnapshotOptions { interval: Duration::from_secs(1), ..SnapshotOptions::new(self.bucket.clone()) });
        let (root, scratch) = (self.root.clone(), self.scratch.path().to_owned());
        let backup = with_bucket.then(|| BackupOptions::new(self.bucket.clone()));
        let options = EngineOptions { root, upkeep, snapshots, backup, scratch, ..EngineOptions::default() };
        Engine::start(store.clone(), clock.clone(), &options)
    }

    pub(crate) fn tenant(&self, slot: usize, tenant: u8) -> Tenant {
        self.slots[slot].engine.tenant(&content::tenant(tenant))
    }

    /// From now on this is what the engine of a slot meets.
    pub(crate) async fn meet(&mut self, slot: usize, plan: Plan) {
        let clock = self.slots[slot].clock.clone();
        let way = self.way(plan, &clock).await;
        self.slots[slot].lead(way);
    }

    /// Leads a slot on a calm way and answers the one that it had.
    pub(crate) async fn calm(&mut self, slot: usize) -> Store {
        let before = self.slots[slot].way.clone();
        self.meet(slot, Plan::Calm).await;
        before
    }

    /// A number that no other call answers.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Stops the engine of a slot and starts another there.
    pub(crate) async fn restart(&mut self, slot: usize, with_bucket: bool) {
        self.slots[slot].engine.stop().await;
        let Slot { store, clock, .. } = &self.slots[slot];
        self.slots[slot].engine = self.engine(store, clock, with_bucket);
    }

    /// Cuts the engine of a slot off for good, as if its machine had died, and starts another there.
    pub(crate) async fn replace(&mut self, slot: usize, with_bucket: bool) {
        self.meet(slot, Plan::CutOff).await;
        let clock = self.slots[slot].clock.clone();
        let next = self.occupied(clock, with_bucket).await;
        let dead = std::mem::replace(&mut self.slots[slot], next);
        // It learns nothing of its end in time; what it does until it gives up reaches nobody.
        tokio::spawn(async move { dead.engine.stop().await });
    }

    /// An engine beside the others.
    pub(crate) async fn extra(&mut self, with_bucket: bool) -> Slot {
        let clock = self.slots[0].clock.clone();
        self.occupied(clock, with_bucket).await
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.slots.iter().for_each(|slot| slot.clock.advance(time));
    }

    /// Stops all engines and removes everything.
    pub(crate) async fn end(self) {
        futures::future::join_all(self.slots.iter().map(|slot| slot.engine.stop())).await;
        self.clear().await;
    }

    async fn clear(&self) {
        let ranges = &[self.root.clone(), self.restored_root()].map(|root| crate::raw::range(&root));
        let clear = |tx: coditect_store::Transaction| async move {
            ranges.iter().for_each(|(begin, end)| tx.clear_range(begin, end));
            Ok::<_, coditect_store::Error>(())
        };
        self.calm.run(clear).await.unwrap();
    }
}

impl Slot {
    pub(crate) fn lead(&mut self, way: Store) {
        self.switch.lead_to(&way);
        self.way = way;
    }
}

/// A client that meets a plan. What cuts it off must not begin before it is there: on a busy machine it gets more time.
async fn connect(plan: Plan, seed: u64, clock: Clock) -> Store {
    let mut time_to_connect = FIRST_TIME_TO_CONNECT;
    loop {
        let faults = plan.text(seed, time_to_connect);
        let string = format!("faults:standin@127.0.0.1:4500\n# faults: {faults}\n");
        let mut options = FdbOptions::new(FdbCluster::ConnectionString(string));
        options.clock = clock.clone();
        if plan == Plan::CutOff {
            options.start_timeout = time_to_connect;
        }
        match Store::open_fdb(options).await {
            Ok(store) => return store,
            Err(error) if plan == Plan::CutOff && time_to_connect < PATIENCE => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                time_to_connect *= 2;
            }
            Err(error) => panic!("the stand-in does not answer: {error}"),
        }
    }
}
