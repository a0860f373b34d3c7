//! Reading the parts of an image, each chunk checked as it comes in.
#![allow(unsafe_code, reason = "rows are filled in place, and the vectors mapped")]

use std::fs::File;
use std::hash::Hasher;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rayon::prelude::*;
use twox_hash::XxHash3_64;

use super::error::ImageError;
use super::header::{self, Header};
use super::layout::{Layout, MAPPED_FROM, PAGE, Place, Section};
use crate::vector::rows::{Plain, Rows};

/// Chunks that the disk is told of before they are needed.
const AHEAD: usize = 8;

/// An image whose header and table of checksums are right.
#[derive(Debug)]
pub(super) struct Image<'a> {
    path: &'a Path,
    file: File,
    pub(super) header: Header,
    layout: Layout,
    /// Of all chunks.
    checksums: Vec<u64>,
}

/// What is wrong with rows whose checksum is right.
pub(super) type Fault = String;

impl<'a> Image<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, ImageError> {
        let file = File::open(path).map_err(ImageError::io("open", path))?;
        let length = file.metadata().map_err(ImageError::io("open", path))?.len();
        let mut page = vec![0; PAGE.min(length as usize)];
        file.read_exact_at(&mut page, 0).map_err(ImageError::io("read", path))?;
        let (header, layout, checksum) = Header::decode(path, &page, length)?;
        let mut image = Self { path, file, header, layout, checksums: Vec::new() };
        image.checksums = image.table(checksum)?;
        image.check_gaps()?;
        Ok(image)
    }

    /// The checksums of all chunks.
    fn table(&self, checksum: u64) -> Result<Vec<u64>, ImageError> {
        let mut bytes = vec![0; 8 * self.layout.chunks()];
        self.read(&mut bytes, PAGE as u64)?;
        if XxHash3_64::oneshot(&bytes) != checksum {
            return Err(self.damaged("checksums", PAGE as u64..(PAGE + bytes.len()) as u64));
        }
        Ok(bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number)).collect())
    }

    fn check_gaps(&self) -> Result<(), ImageError> {
        for gap in self.layout.gaps() {
            let mut bytes = vec![0; (gap.end - gap.start) as usize];
            self.read(&mut bytes, gap.start)?;
            if bytes.iter().any(|&byte| byte != 0) {
                return Err(self.damaged("gaps", gap));
            }
        }
        Ok(())
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<(), ImageError> {
        self.file.read_exact_at(into, offset).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.error("the file ended while it was read", error),
            _ => self.error("read", error),
        })
    }

    fn error(&self, doing: &'static str, source: std::io::Error) -> ImageError {
        ImageError::io(doing, self.path)(source)
    }

    fn damaged(&self, section: &'static str, bytes: Range<u64>) -> ImageError {
        ImageError::Damaged { path: self.path.to_owned(), section, from: bytes.start, to: bytes.end }
    }

    /// Says that a section holds what cannot be.
    pub(super) fn content(&self, section: Section) -> impl Fn(Fault) -> ImageError {
        move |what| ImageError::Content { path: self.path.to_owned(), section: section.name(), what }
    }

    /// Says that the header holds what cannot be.
    pub(super) fn header_content(&self, what: &str) -> ImageError {
        ImageError::Content { path: self.path.to_owned(), section: header::NAME, what: what.to_owned() }
    }

    /// A whole section of little use to searches.
    pub(super) fn bytes(&self, section: Section) -> Result<Vec<u8>, ImageError> {
        let place = self.layout.place(section);
        let mut bytes = vec![0; place.rows * place.row_bytes];
        let chunks = bytes.par_chunks_mut(place.chunk_rows() * place.row_bytes).enumerate();
        chunks.try_for_each(|(chunk, bytes)| {
            self.read(bytes, place.offset_of(place.rows_of(chunk).start))?;
            self.verify(section, chunk, std::iter::once(&*bytes), &|_, _| Ok(()))
        })?;
        Ok(bytes)
    }

    /// The same in numbers.
    pub(super) fn numbers<const N: usize, T>(
        &self,
        section: Section,
        of: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, ImageError> {
        Ok(self.bytes(section)?.as_chunks().0.iter().map(|number| of(*number)).collect())
    }

    /// Fills `rows` with a section; `check` sees the bytes of some rows and the number of the first of them.
    ///
    /// # Errors
    /// When the file cannot be read, a checksum is wrong, or `check` finds a fault.
    pub(super) fn fill<T: Plain + Sync>(
        &self,
        section: Section,
        rows: &mut Rows<T>,
        check: impl Fn(usize, &[u8]) -> Result<(), Fault> + Sync,
    ) -> Result<(), ImageError> {
        let place = self.layout.place(section);
        assert_eq!(rows.bytes_of_row(), place.row_bytes, "rows of {} are laid out as they are used", section.name());
        rows.ensure(place.rows);
        let rows = &*rows;
        (0..place.chunks()).into_par_iter().try_for_each(|chunk| {
            self.announce(place, chunk + AHEAD);
            let range = place.rows_of(chunk);
            let mut offset = place.offset_of(range.start);
            // SAFETY: nobody else has the rows, and chunks do not overlap.
            for piece in unsafe { rows.bytes_of_mut(range.clone()) } {
                self.read(piece, offset)?;
                offset += piece.len() as u64;
            }
            // SAFETY: nobody writes them any more.
            self.verify(section, chunk, unsafe { rows.bytes_of(range) }, &check)
        })
    }

    /// Lets `rows` be the vectors of the file, if they are worth a map and can be mapped; else fills them. All is read and checked either way.
    pub(super) fn map_vectors(
        &self,
        rows: &mut Rows<f32>,
        check: impl Fn(usize, &[u8]) -> Result<(), Fault> + Sync,
    ) -> Result<(), ImageError> {
        let (section, place) = (Section::Vectors, self.layout.place(Section::Vectors));
        if place.end() - place.offset < MAPPED_FROM || !self.map(rows, place) {
            return self.fill(section, rows, check);
        }
        let rows = &*rows;
        (0..place.chunks()).into_par_iter().try_for_each_init(Vec::new, |room, chunk| {
            let range = place.rows_of(chunk);
            if rows.populate(range.clone()) {
                // SAFETY: nobody has been given the rows yet.
                return self.verify(section, chunk, unsafe { rows.bytes_of(range) }, &check);
            }
            // Not by way of the map: a disk that fails is an error here, and the end of the process there.
            room.resize(range.len() * place.row_bytes, 0);
            self.read(room, place.offset_of(range.start))?;
            self.verify(section, chunk, std::iter::once(room.as_slice()), &check)
        })
    }

    fn map(&self, rows: &mut Rows<f32>, place: &Place) -> bool {
        // SAFETY: the contract of `VectorIndex::load` is that nobody changes the file in place or cuts it off.
        unsafe { rows.map(place.rows, &self.file, place.offset) }.is_ok()
    }

    /// Tells the system that a chunk is read soon, so that the disk has several to do at a time.
    fn announce(&self, place: &Place, chunk: usize) {
        #[cfg(target_os = "linux")]
        if chunk < place.chunks() {
            let rows = place.rows_of(chunk);
            let length = std::num::NonZeroU64::new(rows.len() as u64 * place.row_bytes as u64);
            let _ = rustix::fs::fadvise(&self.file, place.offset_of(rows.start), length, rustix::fs::Advice::WillNeed);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (place, chunk);
    }

    /// Checks a chunk, given in pieces of whole rows.
    fn verify<'b>(
        &self,
        section: Section,
        chunk: usize,
        pieces: impl Iterator<Item = &'b [u8]>,
        check: &impl Fn(usize, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), ImageError> {
        let place = self.layout.place(section);
        let rows = place.rows_of(chunk);
        let (mut hasher, mut first) = (XxHash3_64::new(), rows.start);
        let mut fault = None;
        for piece in pieces {
            hasher.write(piece);
            fault = fault.or(check(first, piece).err());
            first += piece.len() / place.row_bytes;
        }
        if hasher.finish() != self.checksums[place.number(chunk)] {
            return Err(self.damaged(section.name(), place.offset_of(rows.start)..place.offset_of(rows.end)));
        }
        fault.map_or(Ok(()), |what| Err(self.content(section)(what)))
    }
}
