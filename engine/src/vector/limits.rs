//! Named bounds of the vector index.

use std::time::Duration;

/// Largest number of dimensions a vector may have.
pub const MAX_DIMENSION: usize = 4_096;
/// Largest number of slots: slots index flat arrays, so a stray huge slot must not allocate the world.
pub const MAX_SLOTS: u32 = 1 << 27;
/// Highest layer of the graph; with 16 links a point it would take 16^12 points to need it.
pub const MAX_LEVEL: usize = 12;
/// Smallest and largest number of links a point may have in the upper layers.
pub const LINKS: std::ops::RangeInclusive<usize> = 4..=96;
/// Largest search effort (`ef`): a wider search is answered by an exact scan.
pub const MAX_EF: usize = 4_096;
/// Largest Euclidean norm accepted for the metrics that do not normalise; beyond it f32 distances overflow.
pub const MAX_NORM: f64 = 1e15;
/// Most points that are linked together in one step of a batch insert.
pub const MAX_STEP: usize = 256;
/// A step links at most one new point for this many points already in the graph.
pub const STEP_SHARE: usize = 32;
/// Allowed points that are tried as entries of a filtered walk.
pub const FILTER_SEEDS: usize = 32;
/// Points that a scan by codes compares at a time.
pub const SCAN_PART: usize = 128;
/// Numbers of vectors that one thread compares alone in an exact scan: sharing fewer costs more than it saves.
pub const SCAN_ALONE: usize = 1 << 20;
/// Points by which an exact scan reads ahead.
pub const SCAN_AHEAD: usize = 4;
/// Points that a scan by codes compares in the time in which a walk under a filter comes to one: it reads them in order.
pub const SCAN_PACE: usize = 4;
/// Times that all vectors are compared for one search, at most, when slots that were found leave before they are answered.
pub const MAX_SCANS: usize = 4;
/// Points that a walk comes to for each of the points it is to find.
pub const WALK_COST: usize = 8;
/// Distinct vectors from which on there is a graph: fewer are compared one by one.
pub const GRAPH_FROM: usize = 1_000;
/// Codes are made anew, around a new centre, when there are this many times as many points as the centre was taken of.
pub const RETRAIN_GROWTH: usize = 4;
/// Points from which on the centre is not taken anew.
pub const RETRAIN_UNTIL: usize = 1 << 16;
/// Dimensions of a code, which are a multiple of 64, from which on signs tell points apart well enough to be looked at first.
pub const SIGNS_FROM: usize = 128;
/// Effort of a search that looks whether a point is within reach. Less than any search has, so that the point stays within theirs while others come.
pub const REACH_EF: usize = 10;
/// Of a list's room at most one of so many places has a link that lasts.
pub const LASTING_SHARE: usize = 4;
/// Points near a list's own that are looked at for the place of a link whose target is gone.
pub const REPLACEMENTS: usize = 16;
/// Points that one thread looks for alone.
pub const REACH_ALONE: usize = 4;
/// Points that are looked for with each point that comes.
pub const REACH_TURNS: usize = 2;
/// Points, the nearest that such a search finds, that may be given the link.
pub const REACH_PARENTS: usize = 8;
/// How nice the threads that link vectors are (`nice(2)`): a tenth of the weight of others.
pub const NICENESS: i32 = 10;
/// The time for which these threads ask the scheduler at once: several times what it gives by default.
pub const SLICE: Duration = Duration::from_millis(20);
/// Bytes of a cache line.
pub const LINE: usize = 64;
/// Rows in the first block of a flat array; each further block doubles the array.
pub const FIRST_ROWS: usize = 64;
/// Blocks of this many bytes and more are mapped from the system.
pub const MAP_FROM: usize = 2 << 20;

const _: () = assert!(MAX_LEVEL < u8::MAX as usize);
const _: () = assert!(FIRST_ROWS.is_power_of_two() && MAX_SLOTS.is_power_of_two());
// The highest bit of a link says that it lasts.
const _: () = assert!(MAX_SLOTS < 1 << 31);
