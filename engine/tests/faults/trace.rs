//! What a run does, as plain data: made from a seed before anything runs, so that it can be printed, and run again with steps left out.

use std::fmt;

use coditect_engine::UpkeepJob;
use coditect_engine::search::Mode;

use crate::plan::Plan;

/// A collection of a tenant. All tenants use the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) tenant: u8,
    pub(crate) collection: u8,
}

/// What a document is to say, see `content.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// This, which nobody has said before.
    New(u32),
    /// What was last said of the document; this, when nothing was.
    Again(u32),
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Put { document: u8, said: Said },
    Delete { document: u8 },
    Make,
    Alter { number: u32 },
    Drop,
}

/// A change through one of the engines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write {
    pub(crate) slot: usize,
    pub(crate) place: Place,
    pub(crate) change: Change,
    /// It is dropped where it waits when it has been polled so often.
    pub(crate) dropped_after: Option<u32>,
}

/// A search through one of the engines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    pub(crate) slot: usize,
    pub(crate) place: Place,
    pub(crate) mode: Mode,
    /// With the version of the last acknowledged write; else whatever the engine shows.
    pub(crate) is_fresh: bool,
}

/// Something that goes on beside others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Write(Write),
    Search(Search),
    Round { slot: usize, job: UpkeepJob },
}

/// What is looked at while nothing else goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Search(Search),
    /// All collections of a tenant.
    Tenant {
        slot: usize,
        tenant: u8,
    },
    Read {
        slot: usize,
        place: Place,
        document: u8,
    },
    List {
        slot: usize,
        place: Place,
    },
    Counts {
        slot: usize,
        place: Place,
    },
}

/// A step of a run.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// These at once.
    Acts(Vec<Act>),
    Look(Look),
    /// An engine is stopped, or cut off from the cluster for good, and another takes its place.
    Restart {
        slot: usize,
        with_bucket: bool,
        is_cut_off: bool,
    },
    Faults {
        slot: usize,
        plan: Plan,
    },
    /// Every clock goes on by so many seconds.
    Pass(u64),
    /// What is unknown of a collection is found out.
    Settle(Place),
}

/// A whole run.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) seed: u64,
    /// Engines.
    pub(crate) slots: usize,
    pub(crate) tenants: u8,
    /// The engines' clocks are hours apart.
    pub(crate) is_skewed: bool,
    /// Upkeep runs by itself all the time, beside what is asked for.
    pub(crate) has_timers: bool,
    /// Steps with their numbers: a shrunken trace keeps those of the whole one.
    pub(crate) steps: Vec<(usize, Step)>,
}

/// Collections of each tenant.
pub(crate) const COLLECTIONS: u8 = 2;
/// Documents of each collection.
pub(crate) const DOCUMENTS: u8 = 4;

impl Trace {
    /// All places.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let tenants = self.tenants;
        (0..tenants).flat_map(|tenant| (0..COLLECTIONS).map(move |collection| Place { tenant, collection }))
    }

    /// The trace with these of its steps alone.
    pub(crate) fn with(&self, kept: impl Fn(usize) -> bool) -> Self {
        let steps = self.steps.iter().filter(|(number, _)| kept(*number)).cloned().collect();
        Self { steps, ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}/c{}", self.tenant, self.collection)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(Write { slot, place, change, dropped_after }) => {
                write!(f, "engine {slot}: {change:?} in {place}")?;
                dropped_after.map_or(Ok(()), |polls| write!(f, ", dropped after {polls} polls"))
            }
            Self::Search(search) => search.fmt(f),
            Self::Round { slot, job } => write!(f, "engine {slot}: a round of {job:?}"),
        }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, place, mode, is_fresh } = self;
        let how = if *is_fresh { "with the last version" } else { "as it is" };
        write!(f, "engine {slot}: search {place} by {}, {how}", mode.name())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acts(acts) => {
                let acts: Vec<String> = acts.iter().map(Act::to_string).collect();
                f.write_str(&acts.join(" | "))
            }
            Self::Look(Look::Search(search)) => search.fmt(f),
            Self::Look(look) => write!(f, "{look:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, slots, tenants, is_skewed, has_timers, steps } = self;
        writeln!(f, "seed {seed}: {slots} engines, {tenants} tenants, skewed: {is_skewed}, timers: {has_timers}")?;
        steps.iter().try_for_each(|(number, step)| writeln!(f, "  {number:>3}. {step}"))
    }
}
