//! Where the parts of an image lie, which follows from its counts.

use super::header::Header;
use crate::vector::codes::Codes;

/// The header, and what sections begin at multiples of.
pub(super) const PAGE: usize = 4_096;
/// Largest size of a page that systems map by.
const LARGE_PAGE: u64 = 65_536;
/// Bytes of vectors from which on they are mapped.
pub(super) const MAPPED_FROM: u64 = 2 << 20;
/// Most bytes of a chunk: it stays in a core's cache from being read to being checked.
const CHUNK: usize = 256 << 10;

/// The parts behind the checksums, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Centre,
    Levels,
    Hashes,
    Slots,
    FreeRows,
    UpperStarts,
    Upper,
    Ground,
    Signs,
    Codes,
    Vectors,
}

impl Section {
    pub(super) const ALL: [Self; 11] = [
        Self::Centre,
        Self::Levels,
        Self::Hashes,
        Self::Slots,
        Self::FreeRows,
        Self::UpperStarts,
        Self::Upper,
        Self::Ground,
        Self::Signs,
        Self::Codes,
        Self::Vectors,
    ];

    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Centre => "centre",
            Self::Levels => "levels",
            Self::Hashes => "hashes",
            Self::Slots => "slots",
            Self::FreeRows => "free rows",
            Self::UpperStarts => "upper starts",
            Self::Upper => "upper links",
            Self::Ground => "ground links",
            Self::Signs => "signs",
            Self::Codes => "codes",
            Self::Vectors => "vectors",
        }
    }

    /// Number and bytes of its rows.
    fn rows(self, header: &Header) -> (usize, usize) {
        let (dimension, m) = (header.options.dimension, header.options.m);
        let (signs, codes) = Codes::row_bytes(header.options.quantization, dimension);
        let of_graph = |rows: usize| if header.trained_on > 0 { rows } else { 0 };
        match self {
            Self::Centre => (of_graph(1), 4 * dimension),
            Self::Levels => (header.points, 1),
            Self::Hashes => (header.points, 8),
            Self::Slots => (header.slots, 4),
            Self::FreeRows => (header.free_rows, 8),
            Self::UpperStarts => (header.points, 4),
            Self::Upper => (header.upper_rows, 4 * m),
            Self::Ground => (of_graph(header.points), 8 * m),
            Self::Signs => (of_graph(header.points), signs),
            Self::Codes if codes == 0 => (0, 1),
            Self::Codes => (of_graph(header.points), codes),
            Self::Vectors => (header.points, 4 * dimension),
        }
    }
}

/// Where a section lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) rows: usize,
    pub(super) row_bytes: usize,
    /// Chunks of sections before it.
    first_chunk: usize,
}

impl Place {
    /// The byte after its last row.
    pub(super) fn end(&self) -> u64 {
        self.offset_of(self.rows)
    }

    /// Where a row begins.
    pub(super) fn offset_of(&self, row: usize) -> u64 {
        self.offset + row as u64 * self.row_bytes as u64
    }

    pub(super) fn chunk_rows(&self) -> usize {
        (CHUNK / self.row_bytes).max(1)
    }

    pub(super) fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows())
    }

    /// Rows of its chunk of that number.
    pub(super) fn rows_of(&self, chunk: usize) -> std::ops::Range<usize> {
        let first = chunk * self.chunk_rows();
        first..(first + self.chunk_rows()).min(self.rows)
    }

    /// The number of one of its chunks among all.
    pub(super) fn number(&self, chunk: usize) -> usize {
        self.first_chunk + chunk
    }
}

/// Where all sections lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    places: [Place; Section::ALL.len()],
}

impl Layout {
    pub(super) fn of(header: &Header) -> Self {
        let mut places = Section::ALL.map(|section| {
            let (rows, row_bytes) = section.rows(header);
            Place { offset: 0, rows, row_bytes, first_chunk: 0 }
        });
        let chunks: usize = places.iter().map(Place::chunks).sum();
        let (mut next, mut first_chunk) = ((PAGE + 8 * chunks) as u64, 0);
        for (section, place) in Section::ALL.iter().zip(&mut places) {
            let is_mapped = *section == Section::Vectors && place.end() >= MAPPED_FROM;
            next = next.next_multiple_of(if is_mapped { LARGE_PAGE } else { PAGE as u64 });
            (place.offset, place.first_chunk) = (next, first_chunk);
            (next, first_chunk) = (place.end(), first_chunk + place.chunks());
        }
        Self { places }
    }

    pub(super) fn place(&self, section: Section) -> &Place {
        &self.places[section as usize]
    }

    pub(super) fn chunks(&self) -> usize {
        self.places.iter().map(Place::chunks).sum()
    }

    /// Length of the file.
    pub(super) fn length(&self) -> u64 {
        self.place(Section::Vectors).end()
    }

    /// Where there is nothing: behind the checksums, and behind each section up to the next.
    pub(super) fn gaps(&self) -> impl Iterator<Item = std::ops::Range<u64>> {
        let ends = std::iter::once((PAGE + 8 * self.chunks()) as u64).chain(self.places.iter().map(Place::end));
        ends.zip(&self.places).map(|(end, place)| end..place.offset).filter(|gap| !gap.is_empty())
    }
}
