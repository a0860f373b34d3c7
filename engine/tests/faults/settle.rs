//! Finding out what is unknown of a collection: a change of its record, which every write to the collection reads, refuses whatever is still on its way; then
//! a listing shows what has taken place.

use coditect_engine::model::{CollectionChange, DocumentId};

use crate::content;
use crate::look::listed;
use crate::model::{Model, Seen, State};
use crate::trace::Place;
use crate::violation::{Checked, Violation, check, failed};
use crate::world::World;

/// Settles one collection through the first engine, which has a calm way meanwhile.
pub(crate) async fn settle(world: &mut World, model: &mut Model, place: Place) -> Checked {
    let known = model.at(place);
    let is_settled = known.documents.values().all(|document| document.pending.is_empty());
    if is_settled && known.exists == Some(false) {
        return Ok(());
    }
    let way = world.calm(0).await;
    let settled = settled(world, model, place).await;
    world.slots[0].lead(way);
    settled
}

async fn settled(world: &mut World, model: &mut Model, place: Place) -> Checked {
    let (tenant, name) = (world.tenant(0, place.tenant), content::collection(place));
    let what = format!("settling {place}");
    let (_, is_new) = tenant.ensure_collection(&name, &content::spec()).await.map_err(failed(&what))?;
    let known = model.at(place);
    let may_be_gone = known.may_be_dropped || known.exists.is_none();
    check(may_be_gone || known.exists == Some(!is_new), || {
        format!("{place} was made anew: {is_new}, but exists was {:?}", known.exists)
    })?;
    let description = Some(format!("settled {}", world.number()));
    let change = CollectionChange { description, ..CollectionChange::default() };
    tenant.alter_collection(&name, &change).await.map_err(failed(&what))?;
    let nothing = DocumentId::new("nothing").unwrap();
    let (_, newest) = tenant.delete(&name, &nothing).await.map_err(failed(&what))?;
    model.told(newest);
    let listed = listed(world, 0, place).await?.ok_or_else(|| Violation(format!("{what}: it is not there")))?;
    let known = model.at(place);
    if may_be_gone {
        // The drop took place before or behind what was acknowledged beside it: a document that is there came after it.
        let is_gone = |document: &u8| is_new || listed.get(document) == Some(&Seen::Gone);
        let gone = known.documents.iter_mut().filter(|(document, _)| is_gone(document));
        gone.for_each(|(_, document)| document.state = State::Gone);
    }
    for (document, seen) in listed {
        model.see(place, document, seen)?;
        let known = model.document(place, document);
        known.decide(known.state);
    }
    let known = model.at(place);
    (known.exists, known.may_be_dropped) = (Some(true), false);
    Ok(())
}
