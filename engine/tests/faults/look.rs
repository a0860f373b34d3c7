//! Looking: what a client sees must be what the model says, whole, and nothing of anybody else.

use std::collections::BTreeMap;

use coditect_engine::documents::{ListQuery, Listed};
use coditect_engine::model::{DocumentId, Passage, StoredDocument};
use coditect_engine::search::{Mode, SearchRequest, SearchResponse};
use coditect_engine::{Error, ErrorKind};

use crate::content;
use crate::model::{Model, Seen};
use crate::trace::{DOCUMENTS, Look, Place, Search};
use crate::violation::{Checked, Violation, check, failed};
use crate::world::{PATIENCE, World};

/// What a search shows of the documents of a collection: content, and which of its passages.
pub(crate) type Shown = BTreeMap<u8, (u32, Vec<u32>)>;

pub(crate) async fn look(world: &World, model: &mut Model, look: Look) -> Checked {
    match look {
        Look::Search(search) => self::search(world, model, search).await,
        Look::Tenant { slot, tenant } => of_tenant(world, model, slot, tenant).await,
        Look::Read { slot, place, document } => read(world, model, slot, place, document).await,
        Look::List { slot, place } => list(world, model, slot, place).await,
        Look::Counts { slot, place } => counts(world, model, slot, place).await,
    }
}

/// What a search asks for.
pub(crate) fn request(model: &Model, search: &Search) -> SearchRequest {
    SearchRequest {
        mode: search.mode,
        collections: vec![content::collection(search.place).into()],
        min_version: search.is_fresh.then_some(model.last),
        wait: PATIENCE,
        ..content::query()
    }
}

/// A search while nothing else goes on.
async fn search(world: &World, model: &mut Model, search: Search) -> Checked {
    let request = request(model, &search);
    let found = world.tenant(search.slot, search.place.tenant).search(request).await;
    let exists = model.at(search.place).exists;
    let Some(response) = found_or_missing(found, exists, search)? else { return Ok(()) };
    if search.is_fresh {
        check(exists != Some(false), || format!("{search} answers, but the collection was dropped"))?;
    }
    let shown = shown(model, search.place, &response)?;
    if search.is_fresh { is_all(model, search.place, &shown, |_| true) } else { Ok(()) }
}

/// The answer, or `None` when there is rightly no such collection.
pub(crate) fn found_or_missing<T>(
    found: Result<T, Error>,
    exists: Option<bool>,
    what: impl std::fmt::Display,
) -> Checked<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if *error.kind() == ErrorKind::NotFound => {
            check(exists != Some(true), || format!("{what} finds no collection, but it is there"))?;
            Ok(None)
        }
        Err(error) => Err(failed(what)(error)),
    }
}

/// Sorts an answer by documents: each passage must say that it belongs there, those of a document are of one content, and it had that content once.
pub(crate) fn shown(model: &mut Model, place: Place, response: &SearchResponse) -> Checked<Shown> {
    let mut shown = Shown::new();
    for result in &response.results {
        let what = || format!("a search in {place} shows {}: {:.60}", result.document, result.passage.text);
        let document = (0..DOCUMENTS).find(|document| content::id(*document) == result.document);
        let document = document.ok_or_else(|| Violation(what()))?;
        let (of, content) = content::said_by(&result.passage.text).ok_or_else(|| Violation(what()))?;
        let is_own = of == content::label(place, document)
            && *result.collection.name() == content::collection(place)
            && content::of_hash(&result.head.content_hash) == Some(content)
            && result.passage.text == content::text(place, document, content, result.ordinal);
        check(is_own, what)?;
        let known = model.document(place, document).ever.contains(&content);
        check(known, || format!("{}, which nobody wrote there", what()))?;
        let (first, ordinals) = shown.entry(document).or_insert((content, Vec::new()));
        check(*first == content, || format!("{} beside content{first}", what()))?;
        ordinals.push(result.ordinal);
    }
    shown.values_mut().for_each(|(_, ordinals)| ordinals.sort_unstable());
    Ok(shown)
}

/// What a search shows of these documents is all that there is of them.
pub(crate) fn is_all(model: &mut Model, place: Place, shown: &Shown, of: impl Fn(u8) -> bool) -> Checked {
    for document in (0..DOCUMENTS).filter(|document| of(*document)) {
        let seen = match shown.get(&document) {
            None => Seen::Nothing,
            Some((content, ordinals)) => {
                is_whole(place, document, *content, ordinals)?;
                Seen::There(*content, None)
            }
        };
        model.see(place, document, seen).map_err(|violation| Violation(format!("a search in {place}: {violation}")))?;
    }
    Ok(())
}

pub(crate) fn is_whole(place: Place, document: u8, content: u32, ordinals: &[u32]) -> Checked {
    check(ordinals.iter().copied().eq(0..content::passages(content)), || {
        format!("a search shows of content{content} of {place}/d{document} the passages {ordinals:?} alone")
    })
}

/// A search in all collections of a tenant shows nothing of others.
async fn of_tenant(world: &World, model: &mut Model, slot: usize, tenant: u8) -> Checked {
    let request = SearchRequest { mode: Mode::Hybrid, ..content::query() };
    let found = world.tenant(slot, tenant).search(request).await;
    let response = found.map_err(failed(format_args!("a search in all collections of t{tenant}")))?;
    let mut parts: BTreeMap<Place, SearchResponse> = BTreeMap::new();
    for result in &response.results {
        let of = |collection: &u8| {
            content::collection(Place { tenant, collection: *collection }) == *result.collection.name()
        };
        let collection = (0..crate::trace::COLLECTIONS).find(of);
        let collection = collection.ok_or_else(|| Violation(format!("t{tenant} is shown {}", result.collection)))?;
        let empty = || SearchResponse { results: Vec::new(), ..response.clone() };
        let part = parts.entry(Place { tenant, collection }).or_insert_with(empty);
        part.results.push(result.clone());
    }
    parts.iter().try_for_each(|(place, part)| shown(model, *place, part).map(drop))
}

async fn read(world: &World, model: &mut Model, slot: usize, place: Place, document: u8) -> Checked {
    let (name, id) = (content::collection(place), content::id(document));
    let read = world.tenant(slot, place.tenant).document_with_text(&name, &id).await;
    let seen = match read.map_err(failed(format_args!("reading {place}/d{document}")))? {
        None => Seen::Gone,
        Some(read) => is_document(place, document, &read)?,
    };
    model.see(place, document, seen)
}

/// A document that was read is whole, and of one content.
fn is_document(place: Place, document: u8, read: &(StoredDocument, String, Vec<Passage>)) -> Checked<Seen> {
    let (stored, text, passages) = read;
    let content = of_stored(place, document, stored)?;
    let count = content::passages(content);
    let texts = (0..count).map(|ordinal| content::text(place, document, content, ordinal));
    let holds = *text == content::whole(place, document, content)
        && passages.iter().map(|passage| passage.text.clone()).eq(texts)
        && stored.head.passages == count;
    check(holds, || {
        let head = &stored.head;
        format!("{place}/d{document} is not all of content{content}: {head:?}, {text:.80}, {} passages", passages.len())
    })?;
    Ok(Seen::There(content, Some(stored.version)))
}

fn of_stored(place: Place, document: u8, stored: &StoredDocument) -> Checked<u32> {
    let is_own = stored.head.source == content::label(place, document) && stored.id == content::id(document);
    let content = content::of_hash(&stored.head.content_hash).filter(|_| is_own);
    content.ok_or_else(|| Violation(format!("{place}/d{document} holds what is of another: {stored:?}")))
}

/// All documents of a collection by its listing; `None` when it is not there.
pub(crate) async fn listed(world: &World, slot: usize, place: Place) -> Result<Option<BTreeMap<u8, Seen>>, Violation> {
    let (tenant, name) = (world.tenant(slot, place.tenant), content::collection(place));
    let mut seen: BTreeMap<u8, Seen> = (0..DOCUMENTS).map(|document| (document, Seen::Gone)).collect();
    let mut after: Option<DocumentId> = None;
    loop {
        let query = ListQuery { after, limit: 1_000, ..ListQuery::default() };
        let found = tenant.documents(&name, &query).await;
        let Some(page) = found_or_missing(found, None, format_args!("listing {place}"))? else { return Ok(None) };
        for listed in page.documents {
            let Listed::Stored(stored) = listed else { continue };
            let document = (0..DOCUMENTS).find(|document| content::id(*document) == stored.id);
            let document = document.ok_or_else(|| Violation(format!("{place} lists {}", stored.id)))?;
            let content = of_stored(place, document, &stored)?;
            seen.insert(document, Seen::There(content, Some(stored.version)));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Some(seen)),
        }
    }
}

async fn list(world: &World, model: &mut Model, slot: usize, place: Place) -> Checked {
    let listed = listed(world, slot, place).await?;
    let exists = model.at(place).exists;
    check(exists.is_none_or(|exists| exists == listed.is_some()), || {
        format!("the listing of {place} shows {listed:?}, but exists was {exists:?}")
    })?;
    listed.into_iter().flatten().try_for_each(|(document, seen)| model.see(place, document, seen))
}

async fn counts(world: &World, model: &mut Model, slot: usize, place: Place) -> Checked {
    let found = world.tenant(slot, place.tenant).collection(&content::collection(place)).await;
    let exists = model.at(place).exists;
    let what = format!("the record of {place}");
    let Some(info) = found_or_missing(found, exists, &what)? else { return Ok(()) };
    check(exists != Some(false), || format!("{what} is there, but the collection was dropped"))?;
    let Some(counts) = model.at(place).counts() else { return Ok(()) };
    check((info.documents, info.passages) == counts, || {
        format!("{what} counts {} documents and {} passages instead of {counts:?}", info.documents, info.passages)
    })
}
