//! Named bounds of the splitter.

/// Most tokens of one embedded passage, special tokens and heading prefix included: what MiniLM reads.
pub const MAX_TOKENS: usize = 256;
/// Tokens that a passage is packed up to, heading prefix included.
pub const TARGET_TOKENS: usize = 180;
/// Sections below this many tokens may share a passage with their tiny neighbours.
pub const TINY_TOKENS: usize = 48;
/// Tokens that an encoder adds on its own (`[CLS]` and `[SEP]`).
pub const SPECIAL_TOKENS: usize = 2;
/// Fewest tokens left to the body of a passage, whatever its headings are.
pub const MIN_BODY_TOKENS: usize = 16;
/// Longest heading prefix. No tokenizer makes more tokens than bytes, so it bounds the prefix's tokens too.
pub const PREFIX_BYTES: usize = 160;
/// Longest single heading inside the prefix.
pub const PREFIX_HEADING_BYTES: usize = 100;
/// Longest heading; a longer one is text that looks like a heading.
pub const HEADING_BYTES: usize = 512;
/// Longest front matter that is parsed.
pub const FRONT_MATTER_BYTES: usize = 64 * 1024;
/// Longest tag that is recognised in HTML, MDX or Markdown.
pub const TAG_BYTES: usize = 16 * 1024;
/// Deepest nesting of containers that is followed; what is deeper is treated as this deep.
pub const NESTING: usize = 64;
/// Largest text without a file name whose language is looked for.
pub const RECOGNISED_BYTES: usize = 256 * 1024;
/// Largest source file that is parsed by syntax; a larger one is split by lines.
pub const SYNTAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of definitions and statements that a syntax tree is taken apart to.
pub const SYNTAX_NESTING: usize = 32;
/// Most bytes of source for one token on average: what is longer than that is too long without counting.
pub const SYNTAX_TOKEN_BYTES: usize = 16;
/// Progress reports of a syntax parser, one for every hundred steps, after which it is stopped.
pub const SYNTAX_CHECKS: usize = 10_000;
/// Bytes of source that allow one more report. Ordinary code needs one for a hundred bytes.
pub const SYNTAX_CHECK_BYTES: usize = 16;
/// Fewest bytes of one token, on average, that the first rough cut of an endless line assumes.
pub const ROUGH_TOKEN_BYTES: usize = 3;
/// Deepest replacement of one reStructuredText substitution by another.
pub const SUBSTITUTION_DEPTH: usize = 4;
/// Most warnings kept for one document.
pub const WARNINGS: usize = 20;

const _: () = assert!(TARGET_TOKENS <= MAX_TOKENS);
const _: () = assert!(PREFIX_BYTES + SPECIAL_TOKENS + MIN_BODY_TOKENS <= MAX_TOKENS);
const _: () = assert!(PREFIX_HEADING_BYTES <= PREFIX_BYTES);
