//! From an index to an image.
#![allow(unsafe_code, reason = "rows are copied as they are in memory")]

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rayon::prelude::*;
use tempfile::NamedTempFile;
use twox_hash::XxHash3_64;

use super::ImageInfo;
use super::error::ImageError;
use super::header::{Header, checksum_of};
use super::layout::{Layout, PAGE, Section};
use crate::vector::VectorIndex;
use crate::vector::codes::{Body, Codes};
use crate::vector::graph::Graph;
use crate::vector::rows::{Plain, Rows, bytes_of};
use crate::vector::writer::{FREE, Kept, Writer, vector_hash};

pub(super) fn save(index: &VectorIndex, path: &Path) -> Result<ImageInfo, ImageError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".image-").suffix(".tmp").tempfile_in(folder);
    let temporary = temporary.map_err(ImageError::io("create", path))?;
    // Held until all is copied: the image is of one moment.
    let writer = index.writer.lock();
    let still = Still::of(index, &writer);
    let info = still.write(temporary.as_file(), path)?;
    drop(writer);
    publish(temporary, path, folder)?;
    Ok(info)
}

/// Makes the file durable, gives it its name, and makes that durable.
fn publish(temporary: NamedTempFile, path: &Path, folder: &Path) -> Result<(), ImageError> {
    temporary.as_file().sync_all().map_err(ImageError::io("sync", path))?;
    temporary.persist(path).map_err(|error| ImageError::io("rename", path)(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(ImageError::io("sync the folder of", path))
}

/// An index that does not change: its writer is borrowed.
struct Still<'a> {
    graph: &'a Graph,
    codes: Option<&'a Codes>,
    kept: Kept,
    header: Header,
}

impl<'a> Still<'a> {
    fn of(index: &'a VectorIndex, writer: &'a Writer) -> Self {
        let (graph, codes, kept) = (&index.graph, writer.codes.as_deref(), writer.kept());
        let points = kept.levels.len();
        // Free points at the end may have had no room yet.
        codes.iter().for_each(|codes| codes.ensure(points));
        let header = Header {
            options: crate::vector::VectorOptions { folder: None, ..index.options.clone() },
            drawn: kept.drawn,
            turn: kept.turn,
            trained_on: codes.map_or(0, |codes| codes.trained_on),
            points,
            slots: graph.points.slot_bound(),
            live: graph.points.live(),
            upper_rows: kept.upper_rows as usize,
            free_rows: kept.free_rows.len(),
            entry: graph.entry(),
        };
        Self { graph, codes, kept, header }
    }

    fn write(&self, file: &File, path: &Path) -> Result<ImageInfo, ImageError> {
        let layout = Layout::of(&self.header);
        let failed = ImageError::io("write", path);
        file.set_len(layout.length().max(PAGE as u64)).map_err(&failed)?;
        let chunks: Vec<(Section, usize)> = Section::ALL
            .into_iter()
            .flat_map(|section| (0..layout.place(section).chunks()).map(move |chunk| (section, chunk)))
            .collect();
        let write = |room: &mut Vec<u8>, &(section, chunk): &(Section, usize)| {
            let place = layout.place(section);
            let rows = place.rows_of(chunk);
            room.clear();
            self.copy(section, rows.clone(), room);
            file.write_all_at(room, place.offset_of(rows.start)).map(|()| XxHash3_64::oneshot(room))
        };
        let checksums: Result<Vec<u64>, _> = chunks.par_iter().map_init(Vec::new, write).collect();
        let checksums: Vec<u8> = checksums.map_err(&failed)?.into_iter().flat_map(u64::to_le_bytes).collect();
        file.write_all_at(&checksums, PAGE as u64).map_err(&failed)?;
        for gap in layout.gaps() {
            file.write_all_at(&vec![0; (gap.end - gap.start) as usize], gap.start).map_err(&failed)?;
        }
        let page = self.header.encode(&layout, XxHash3_64::oneshot(&checksums));
        file.write_all_at(&page, 0).map_err(&failed)?;
        Ok(ImageInfo { bytes: layout.length(), checksum: checksum_of(&page), slots: self.header.live })
    }

    /// Puts rows of a section behind `into`.
    fn copy(&self, section: Section, rows: Range<usize>, into: &mut Vec<u8>) {
        let (graph, kept) = (self.graph, &self.kept);
        match section {
            Section::Centre => into.extend(self.codes.into_iter().flat_map(|codes| bytes_of(codes.centre()))),
            Section::Levels => into.extend(&kept.levels[rows]),
            Section::Hashes => into.extend(rows.flat_map(|point| self.hash(point).to_le_bytes())),
            Section::Slots => self.all(&graph.points.of_slot, rows, into),
            Section::FreeRows => into.extend(
                kept.free_rows[rows]
                    .iter()
                    .flat_map(|rows| [u32::from(rows.level), rows.first])
                    .flat_map(u32::to_le_bytes),
            ),
            Section::UpperStarts => self.all(&graph.upper_rows, rows, into),
            Section::Upper => self.all(&graph.upper, rows, into),
            Section::Ground => self.all(&graph.ground, rows, into),
            Section::Signs => self.codes.iter().for_each(|codes| self.live(codes.rows().0, rows.clone(), into)),
            Section::Codes => match self.codes.map(|codes| codes.rows().1) {
                Some(Body::Bytes(codes)) => self.live(codes, rows, into),
                Some(Body::Halves(codes)) => self.live(codes, rows, into),
                Some(Body::Floats(_)) | None => {}
            },
            Section::Vectors => self.live(&graph.vectors, rows, into),
        }
    }

    fn hash(&self, point: usize) -> u64 {
        if self.kept.levels[point] == FREE { 0 } else { vector_hash(self.graph.vector(point as u32)) }
    }

    fn all<T: Plain>(&self, from: &Rows<T>, rows: Range<usize>, into: &mut Vec<u8>) {
        // SAFETY: the writer is borrowed as long as `self` lives, and nobody else writes rows.
        unsafe { from.bytes_of(rows) }.for_each(|piece| into.extend_from_slice(piece));
    }

    /// Rows of points, with zeros for free ones: what was removed does not get into images.
    fn live<T: Plain>(&self, from: &Rows<T>, rows: Range<usize>, into: &mut Vec<u8>) {
        let before = into.len();
        self.all(from, rows.clone(), into);
        let copied = into[before..].chunks_exact_mut(from.bytes_of_row());
        let free = copied.zip(&self.kept.levels[rows]).filter(|(_, level)| **level == FREE);
        free.for_each(|(row, _)| row.fill(0));
    }
}
