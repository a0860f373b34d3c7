//! Runs a trace: step after step, each checked against the model.

use std::collections::BTreeSet;
use std::time::Duration;

use coditect_engine::model::Version;
use coditect_engine::search::SearchResponse;
use coditect_engine::{Engine, Error, ErrorKind, UpkeepJob};
use futures::future::join_all;

use crate::act;
use crate::apply::{Tried, apply};
use crate::look::{is_all, is_whole, look, request, shown};
use crate::model::Model;
use crate::settle::settle;
use crate::trace::{Act, Change, Place, Search, Step, Trace};
use crate::violation::{Checked, Violation, chain, check};
use crate::world::World;
use crate::{end, log};

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) operations: usize,
    /// What went wrong in which step; after the last for 0.
    pub(crate) violation: Option<(usize, Violation)>,
}

/// What an act came to.
enum Done {
    Tried(Tried),
    Found(Search, Result<SearchResponse, Error>),
    Round,
}

pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) model: Model,
    trace: Trace,
    operations: usize,
}

/// Runs `trace`; `at` is told each step before it begins.
pub(crate) async fn run(trace: &Trace, at: impl Fn(usize)) -> Ran {
    let world = World::new(trace).await;
    let mut run = Run { world, model: Model::new(trace), trace: trace.clone(), operations: 0 };
    let mut violation = None;
    for (number, step) in &trace.steps {
        at(*number);
        if let Err(found) = run.step(step).await {
            violation = Some((*number, found));
            break;
        }
    }
    if violation.is_none() {
        at(0);
        violation = end::end(&mut run.world, &mut run.model, trace).await.err().map(|found| (0, found));
    }
    run.world.end().await;
    Ran { operations: run.operations, violation }
}

impl Run {
    async fn step(&mut self, step: &Step) -> Checked {
        self.operations += 1;
        match step {
            Step::Acts(acts) => self.acts(acts).await,
            Step::Look(wanted) => look(&self.world, &mut self.model, *wanted).await,
            Step::Restart { slot, with_bucket, is_cut_off: true } => {
                self.world.replace(*slot, *with_bucket).await;
                Ok(())
            }
            Step::Restart { slot, with_bucket, .. } => {
                self.world.restart(*slot, *with_bucket).await;
                Ok(())
            }
            Step::Faults { slot, plan } => {
                self.world.meet(*slot, *plan).await;
                Ok(())
            }
            Step::Pass(seconds) => {
                self.pass(Duration::from_secs(*seconds));
                Ok(())
            }
            Step::Settle(place) => settle(&mut self.world, &mut self.model, *place).await,
        }
    }

    fn pass(&mut self, time: Duration) {
        self.world.pass(time);
        self.model.now += time;
    }

    async fn acts(&mut self, acts: &[Act]) -> Checked {
        self.operations += acts.len() - 1;
        let before = self.model.last;
        if let [Act::Round { slot, job: UpkeepJob::Trim }] = acts {
            return log::trim(&self.world, &self.model, &self.world.slots[*slot].engine).await;
        }
        let there = |place: &Place| self.model.collections.get(place).is_some_and(|it| it.exists == Some(true));
        let missing: BTreeSet<Place> = self.trace.places().filter(|place| !there(place)).collect();
        let (mut touched, said) = self.begin(acts);
        touched.extend(missing.into_iter().map(|place| (place, None)));
        let (world, model) = (&self.world, &self.model);
        let works = acts.iter().zip(&said).map(|(act, said)| one(world, model, *act, *said));
        let done: Vec<Done> = join_all(works).await.into_iter().collect::<Checked<_>>()?;
        for place in touched.iter().map(|(place, _)| *place).collect::<BTreeSet<_>>() {
            let of_place = |done: &Done| match done {
                Done::Tried(tried) if tried.write.place == place => Some(tried.clone()),
                _ => None,
            };
            let tried: Vec<Tried> = done.iter().filter_map(of_place).collect();
            apply(&mut self.model, place, before, &tried)?;
        }
        is_unique(&done)?;
        for done in &done {
            if let Done::Found(search, response) = done {
                self.found(search, response, &touched)?;
            }
        }
        let unknown: Vec<Place> = self.trace.places().filter(|place| self.model.at(*place).exists.is_none()).collect();
        for place in unknown {
            settle(&mut self.world, &mut self.model, place).await?;
        }
        Ok(())
    }

    /// Notes what the writes are about to say. Answers which documents they touch (all of a collection for `None`), and each act's content.
    fn begin(&mut self, acts: &[Act]) -> (BTreeSet<(Place, Option<u8>)>, Vec<u32>) {
        let mut touched = BTreeSet::new();
        let mut all_said = Vec::with_capacity(acts.len());
        for act in acts {
            let mut said = 0;
            if let Act::Write(write) = act {
                let document = match write.change {
                    Change::Put { document, said: wanted } => {
                        let known = self.model.document(write.place, document);
                        said = act::said(wanted, known.last);
                        known.last = Some(said);
                        known.ever.insert(said);
                        Some(document)
                    }
                    Change::Delete { document } => Some(document),
                    _ => None,
                };
                touched.insert((write.place, document));
            }
            all_said.push(said);
        }
        (touched, all_said)
    }

    /// A search beside writes shows all of what nobody wrote to meanwhile, and whole documents of the rest.
    fn found(
        &mut self,
        search: &Search,
        found: &Result<SearchResponse, Error>,
        touched: &BTreeSet<(Place, Option<u8>)>,
    ) -> Checked {
        let place = search.place;
        let is_rebuilt = touched.contains(&(place, None));
        let exists = if is_rebuilt { None } else { self.model.at(place).exists };
        let response = match found {
            Ok(response) => response,
            Err(error) if *error.kind() == ErrorKind::NotFound => {
                return check(exists != Some(true), || format!("{search} finds no collection, but it is there"));
            }
            Err(error) => return Err(Violation(format!("{search} failed: {}", chain(error)))),
        };
        let shown = shown(&mut self.model, place, response)?;
        if !search.is_fresh || is_rebuilt || exists != Some(true) {
            return Ok(());
        }
        if !self.trace.is_skewed {
            let mut whole = shown.iter();
            whole.try_for_each(|(id, (content, ordinals))| is_whole(place, *id, *content, ordinals))?;
        }
        is_all(&mut self.model, place, &shown, |document| !touched.contains(&(place, Some(document))))
    }
}

async fn one(world: &World, model: &Model, act: Act, said: u32) -> Checked<Done> {
    match act {
        Act::Write(write) => {
            let outcome = act::act(world.tenant(write.slot, write.place.tenant), write, said).await?;
            Ok(Done::Tried(Tried { write, said, outcome }))
        }
        Act::Search(search) => {
            let tenant = world.tenant(search.slot, search.place.tenant);
            Ok(Done::Found(search, tenant.search(request(model, &search)).await))
        }
        Act::Round { slot, job } => round(&world.slots[slot].engine, job).await.map(|()| Done::Round),
    }
}

/// One round of a job. It may fail; a sweep that finds something has found a defect.
pub(crate) async fn round(engine: &Engine, job: UpkeepJob) -> Checked {
    match engine.upkeep(job).await {
        Ok(Some(found)) if job == UpkeepJob::Sweep => {
            check(found == 0, || format!("{found} generations were left that nothing names"))
        }
        Ok(_) => Ok(()),
        Err(error) if *error.kind() == ErrorKind::Unavailable => Ok(()),
        Err(error) => Err(Violation(format!("a round of {job:?} failed: {}", chain(&error)))),
    }
}

/// No two changes have one version, but for those that wanted the same to be gone.
fn is_unique(done: &[Done]) -> Checked {
    let tried = done.iter().filter_map(|done| match done {
        Done::Tried(tried) => Some((tried.version()?, tried.write.place, tried.write.change)),
        _ => None,
    });
    let mut versions: Vec<(Version, Place, Change)> = tried.collect();
    versions.sort_unstable_by_key(|(version, ..)| *version);
    versions.dedup_by(|a, b| a == b && !matches!(a.2, Change::Put { .. }));
    let same = versions.windows(2).find(|two| two[0].0 == two[1].0);
    same.map_or(Ok(()), |two| Err(Violation(format!("{:?} and {:?} have the same version", two[0], two[1]))))
}
