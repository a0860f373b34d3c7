//! Named bounds of the keyword index.

/// Bytes of a query that are read; the rest is ignored.
pub const MAX_QUERY_BYTES: usize = 32 * 1024;
/// Different terms of a query that are searched for, the first ones in the query.
pub const MAX_QUERY_TERMS: usize = 256;
/// Quoted phrases of a query that are looked for.
pub const MAX_PHRASES: usize = 8;
/// Words of one phrase that are compared.
pub const MAX_PHRASE_WORDS: usize = 16;
/// Fewest and most letters of a word whose spelling may be corrected.
pub const MIN_SPELLING: usize = 4;
/// See [`MIN_SPELLING`].
pub const MAX_SPELLING: usize = 24;
/// Words of one query whose spelling may be corrected; each costs a look at all words with its first letter.
pub const MAX_CORRECTIONS: usize = 4;
/// Longest word, in bytes; longer ones (encoded data) are not indexed.
pub const MAX_WORD: usize = 80;
/// Longest identifier that is kept whole, in bytes.
pub const MAX_COMPOUND: usize = 160;
/// Memory that a batch of passages may take while it is indexed, in bytes; beyond it a segment is finished.
pub const ARENA_BYTES: usize = 16_000_000;
/// What that memory begins with; it grows as needed. tantivy wants at least this much.
pub const FIRST_ARENA_BYTES: usize = 100_000;
/// Segments that may exist when a commit returns.
pub const MAX_SEGMENTS: usize = 32;
/// Documents up to which a merge is done within the commit; larger ones go on beside the next commits.
pub const INLINE_MERGE_DOCS: u32 = 20_000;
/// Passages up to which an idle index is rewritten into one segment without deleted ones.
pub const COMPACT_DOCS: u64 = 1_024;
/// Percentage of deleted documents from which a segment is rewritten.
pub const MAX_DELETED_PERCENT: u32 = 20;
/// Segments of similar size that are merged into one.
pub const MERGE_WIDTH: usize = 4;
/// Segments below this many documents count as of similar size.
pub const MERGE_FLOOR: u32 = 64;
/// Most of these smallest segments before they are merged.
pub const MERGE_FLOOR_WIDTH: usize = 8;

const _: () = assert!(MERGE_FLOOR_WIDTH < MAX_SEGMENTS && MERGE_WIDTH >= 2);
