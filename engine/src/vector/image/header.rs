//! The first page of an image.

use std::path::Path;

use twox_hash::XxHash3_64;

use super::error::ImageError;
use super::layout::{Layout, PAGE, Section};
use crate::vector::limits::{MAX_LEVEL, MAX_SLOTS};
use crate::vector::rows::MOST_ROWS;
use crate::vector::{Metric, Quantization, VectorOptions};

/// What an image begins with: no text, and damaged by transfers that take it for text.
const MAGIC: [u8; 8] = *b"\x89CVI\r\n\x1A\n";
/// The version of the format.
pub(super) const VERSION: u32 = 2;
/// Where the header's own checksum stands.
const CHECKSUM: usize = PAGE - 8;
/// The name of the header in messages.
pub(super) const NAME: &str = "header";

/// What the header says, but for the places of sections.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// Without the folder.
    pub(super) options: VectorOptions,
    pub(super) drawn: u64,
    /// The point whose turn to be looked for comes next.
    pub(super) turn: u32,
    /// Zero when there are no codes.
    pub(super) trained_on: usize,
    pub(super) points: usize,
    pub(super) slots: usize,
    pub(super) live: usize,
    pub(super) upper_rows: usize,
    pub(super) free_rows: usize,
    pub(super) entry: Option<(u32, usize)>,
}

impl Header {
    /// The header's page; `checksum` is that of the chunks' checksums.
    pub(super) fn encode(&self, layout: &Layout, checksum: u64) -> [u8; PAGE] {
        let mut page = Page::default();
        page.put(&MAGIC);
        page.u32(VERSION);
        page.u16(code(self.options.metric));
        page.u16(form(self.options.quantization));
        let options = &self.options;
        let wide = [layout.length(), options.seed, self.drawn, options.exact_below as u64, self.trained_on as u64];
        wide.into_iter().for_each(|number| page.u64(number));
        let counts = [options.dimension, options.m, options.ef_construction, options.ef_search];
        let counts = counts.into_iter().chain([self.points, self.slots, self.live, self.upper_rows, self.free_rows]);
        counts.for_each(|number| page.u32(number as u32));
        let (entry, level) = self.entry.map_or((0, 0), |(point, level)| (point + 1, level as u32));
        [entry, level, self.turn, Section::ALL.len() as u32].into_iter().for_each(|number| page.u32(number));
        for place in Section::ALL.map(|section| layout.place(section)) {
            page.u64(place.offset);
            page.u64(place.rows as u64);
            page.u32(place.row_bytes as u32);
            page.u32(place.chunk_rows() as u32);
        }
        page.u64(layout.chunks() as u64);
        page.u64(checksum);
        page.sealed()
    }

    /// Reads what [`Header::encode`] wrote into the beginning of a file of `length` bytes; `bytes` are fewer than a page when the file is. Also gives
    /// the places of the sections and the checksum of the chunks' checksums.
    pub(super) fn decode(path: &Path, bytes: &[u8], length: u64) -> Result<(Self, Layout, u64), ImageError> {
        let path = || path.to_owned();
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
            return Err(ImageError::NotAnImage { path: path() });
        }
        let mut page = Reader { bytes, at: MAGIC.len() };
        let version = page.u32();
        if bytes.len() >= page.at && version != VERSION {
            return Err(ImageError::Version { path: path(), found: version });
        }
        if bytes.len() < PAGE {
            return Err(ImageError::Length { path: path(), expected: PAGE as u64, found: length });
        }
        if checksum_of(bytes) != (Reader { bytes, at: CHECKSUM }).u64() {
            return Err(ImageError::Damaged { path: path(), section: NAME, from: 0, to: PAGE as u64 });
        }
        let content = |what: &str| ImageError::Content { path: path(), section: NAME, what: what.to_owned() };
        let (header, expected) = Self::fields(&mut page).map_err(content)?;
        header.check().map_err(content)?;
        let layout = Layout::of(&header);
        let checksum = Reader { bytes, at: page.at + 24 * Section::ALL.len() + 8 }.u64();
        if header.encode(&layout, checksum) != bytes {
            return Err(content("its places of sections do not follow from its counts"));
        }
        if expected != length {
            return Err(ImageError::Length { path: path(), expected, found: length });
        }
        Ok((header, layout, checksum))
    }

    /// The fields from the metric on, and the length of the file.
    fn fields(page: &mut Reader<'_>) -> Result<(Self, u64), &'static str> {
        let metric = metric(page.u16()).ok_or("there is no such metric")?;
        let quantization = quantization(page.u16()).ok_or("there is no such quantization")?;
        let [length, seed, drawn, exact_below, trained_on] = [(); 5].map(|()| page.u64());
        let [dimension, m, ef_construction, ef_search] = [(); 4].map(|()| page.u32() as usize);
        let [points, slots, live, upper_rows, free_rows] = [(); 5].map(|()| page.u32() as usize);
        let (entry, level, turn) = (page.u32(), page.u32() as usize, page.u32());
        if page.u32() as usize != Section::ALL.len() {
            return Err("it has another number of sections");
        }
        let (exact_below, trained_on) = (exact_below as usize, trained_on as usize);
        let folder = None;
        let options =
            VectorOptions { dimension, metric, quantization, m, ef_construction, ef_search, seed, exact_below, folder };
        let entry = entry.checked_sub(1).map(|point| (point, level));
        Ok((Self { options, drawn, turn, trained_on, points, slots, live, upper_rows, free_rows, entry }, length))
    }

    /// Refuses numbers that no index has.
    fn check(&self) -> Result<(), &'static str> {
        self.options.check().map_err(|_| "an option is out of its range")?;
        let rules = [
            (self.points <= MOST_ROWS && self.upper_rows <= MOST_ROWS, "it has too many points"),
            (self.slots <= MAX_SLOTS as usize && self.live <= self.slots, "it has too many slots"),
            (self.free_rows <= self.upper_rows, "it has more free rows than rows"),
            (self.drawn <= u64::MAX / 2, "too many levels were drawn"),
            (self.turn == 0 || (self.turn as usize) < self.points, "its turn is out of range"),
            (self.trained_on > 0 || self.upper_rows == 0, "it has links but no codes"),
            (self.trained_on <= MOST_ROWS, "its codes were trained on too many points"),
            (
                self.entry.is_some() == (self.trained_on > 0 && self.live > 0),
                "it starts searches where there is nothing",
            ),
            (
                self.entry.is_none_or(|(point, level)| (point as usize) < self.points && level <= MAX_LEVEL),
                "its entry is out of range",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(*what))
    }
}

/// The checksum that belongs into a header's page.
pub(super) fn checksum_of(page: &[u8]) -> u64 {
    XxHash3_64::oneshot(&page[..CHECKSUM])
}

fn code(metric: Metric) -> u16 {
    match metric {
        Metric::Cosine => 0,
        Metric::Dot => 1,
        Metric::Euclidean => 2,
    }
}

fn metric(number: u16) -> Option<Metric> {
    [Metric::Cosine, Metric::Dot, Metric::Euclidean].into_iter().find(|&metric| code(metric) == number)
}

fn form(quantization: Quantization) -> u16 {
    match quantization {
        Quantization::Auto => 0,
        Quantization::OneBit => 1,
        Quantization::Int8 => 2,
        Quantization::Float16 => 3,
        Quantization::Float32 => 4,
    }
}

fn quantization(number: u16) -> Option<Quantization> {
    use Quantization::{Auto, Float16, Float32, Int8, OneBit};
    [Auto, OneBit, Int8, Float16, Float32].into_iter().find(|&chosen| form(chosen) == number)
}

/// A page that is filled from its beginning.
struct Page {
    bytes: [u8; PAGE],
    at: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { bytes: [0; PAGE], at: 0 }
    }
}

impl Page {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn u16(&mut self, number: u16) {
        self.put(&number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    fn sealed(mut self) -> [u8; PAGE] {
        self.at = CHECKSUM;
        self.u64(checksum_of(&self.bytes));
        self.bytes
    }
}

/// Numbers one after the other; zero where the bytes have ended.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let here = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        self.at += N;
        here.copied().unwrap_or([0; N])
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
