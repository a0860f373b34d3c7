//! From an image to an index.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::content::{
    check_centre, check_entry, check_levels, check_lists, check_slots, check_vectors, free_rows, owners,
};
use super::error::ImageError;
use super::header::Header;
use super::layout::Section;
use super::read::Image;
use crate::vector::codes::{Body, Codes};
use crate::vector::graph::Graph;
use crate::vector::rows::Rows;
use crate::vector::writer::{FREE, FreeRows, Kept, Writer};
use crate::vector::{VectorIndex, VectorOptions};

pub(super) fn load(path: &Path, folder: Option<PathBuf>) -> Result<VectorIndex, ImageError> {
    let image = Image::open(path)?;
    let options = VectorOptions { folder, ..image.header.options };
    let mut vectors = Rows::in_folder(options.dimension, options.folder.clone());
    let levels = levels(&image)?;
    image.map_vectors(&mut vectors, |first, bytes| check_vectors(&image.header, &levels, first, bytes))?;
    let mut graph = Graph::of(options.metric, options.m, vectors);
    graph.ensure(levels.len());
    let free_rows = links(&image, &mut graph, &levels)?;
    slots(&image, &mut graph, &levels)?;
    graph.set_entry(image.header.entry);
    let codes = if image.header.trained_on > 0 { Some(Arc::new(codes(&image, &graph)?)) } else { None };
    graph.codes.store(codes.clone());
    let hashes = image.numbers(Section::Hashes, u64::from_le_bytes)?;
    let Header { upper_rows, drawn, turn, .. } = image.header;
    let kept = Kept { levels, free_rows, upper_rows: upper_rows as u32, drawn, turn };
    let writer = Writer::restored(options.seed, kept, hashes, codes);
    Ok(VectorIndex { options, graph, writer: Mutex::new(writer) })
}

fn levels(image: &Image<'_>) -> Result<Vec<u8>, ImageError> {
    let levels = image.bytes(Section::Levels)?;
    check_levels(&image.header, &levels).map_err(image.content(Section::Levels))?;
    check_entry(&image.header, &levels).map_err(|what| image.header_content(what))?;
    Ok(levels)
}

/// Reads all lists of links; returns the free rows above the ground.
fn links(image: &Image<'_>, graph: &mut Graph, levels: &[u8]) -> Result<Vec<FreeRows>, ImageError> {
    image.fill(Section::UpperStarts, &mut graph.upper_rows, |_, _| Ok(()))?;
    let free = free_rows(&image.bytes(Section::FreeRows)?).map_err(image.content(Section::FreeRows))?;
    let owners = owners(&image.header, levels, |point| graph.upper_row(point), &free);
    let owners = owners.map_err(image.content(Section::UpperStarts))?;
    let bytes = graph.upper.bytes_of_row();
    image.fill(Section::Upper, &mut graph.upper, |first, lists| {
        check_lists(levels, bytes, |row| owners[row], first, lists)
    })?;
    let bytes = graph.ground.bytes_of_row();
    image.fill(Section::Ground, &mut graph.ground, |first, lists| {
        check_lists(levels, bytes, |row| Some((row as u32, 0)), first, lists)
    })?;
    Ok(free)
}

fn slots(image: &Image<'_>, graph: &mut Graph, levels: &[u8]) -> Result<(), ImageError> {
    let points = &mut graph.points;
    image.fill(Section::Slots, &mut points.of_slot, |first, slots| check_slots(levels, first, slots))?;
    points.chain(image.header.slots);
    if points.live() != image.header.live {
        return Err(image.header_content("other than the given number of slots hold a vector"));
    }
    match (0..).zip(levels).find(|&(point, level)| *level != FREE && !points.is_bound(point)) {
        Some((point, _)) => Err(image.content(Section::Slots)(format!("no slot stands for point {point}"))),
        None => Ok(()),
    }
}

fn codes(image: &Image<'_>, graph: &Graph) -> Result<Codes, ImageError> {
    let Header { options, trained_on, points, .. } = &image.header;
    let centre = image.numbers(Section::Centre, f32::from_le_bytes)?;
    check_centre(&centre).map_err(image.content(Section::Centre))?;
    let kind = (options.metric, options.quantization);
    let mut codes = Codes::around(kind, options.seed, (centre, *trained_on), &graph.vectors);
    codes.ensure(*points);
    let (signs, body) = codes.rows_mut();
    image.fill(Section::Signs, signs, |_, _| Ok(()))?;
    match body {
        Body::Bytes(rows) => image.fill(Section::Codes, rows, |_, _| Ok(()))?,
        Body::Halves(rows) => image.fill(Section::Codes, rows, |_, _| Ok(()))?,
        Body::Floats(_) => {}
    }
    Ok(codes)
}
