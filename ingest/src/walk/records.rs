//! JSONL files of ready documents: one [`DocumentInput`] a line, read one line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use serde_json::Value;

use super::reason::shortened;
use super::{SkipReason, Skipped, WalkItem, Walked};
use crate::wire::DocumentInput;

/// The rest of a JSONL file.
pub(super) struct Records {
    file: String,
    reader: BufReader<File>,
    line: u64,
    limit: u64,
    collection: String,
    broken: bool,
}

/// A line, without its line break.
enum Line {
    Text(Vec<u8>),
    TooLong(u64),
    End,
}

impl Records {
    /// Opens a file if its first line is a document. Any other JSONL file is text like any other file.
    pub(super) fn open(file: File, id: &str, limit: u64, collection: &str) -> io::Result<Result<Self, File>> {
        let mut records = Self {
            file: id.to_owned(),
            reader: BufReader::new(file),
            line: 0,
            limit,
            collection: collection.to_owned(),
            broken: false,
        };
        let is_document = loop {
            match records.read_line()? {
                Line::Text(line) if line.trim_ascii().is_empty() => {}
                Line::Text(line) => break looks_like_document(&line),
                Line::TooLong(_) | Line::End => break false,
            }
        };
        records.reader.rewind()?;
        records.line = 0;
        Ok(if is_document { Ok(records) } else { Err(records.reader.into_inner()) })
    }

    /// The next document, or the reason why a line is none; nothing at the end of the file.
    pub(super) fn next(&mut self) -> Option<WalkItem> {
        while !self.broken {
            match self.read_line() {
                Ok(Line::Text(line)) if line.trim_ascii().is_empty() => {}
                Ok(Line::Text(line)) => return Some(self.document(&line)),
                Ok(Line::TooLong(size)) => {
                    return Some(self.skipped(SkipReason::TooLarge { size, limit: self.limit }));
                }
                Ok(Line::End) => return None,
                Err(error) => {
                    self.broken = true;
                    return Some(self.skipped(SkipReason::from_io(&error)));
                }
            }
        }
        None
    }

    fn read_line(&mut self) -> io::Result<Line> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(self.limit.saturating_add(1)).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(Line::End);
        }
        self.line += 1;
        if line.last() == Some(&b'\n') || read as u64 <= self.limit {
            return Ok(Line::Text(line));
        }
        let rest = self.reader.skip_until(b'\n')?;
        Ok(Line::TooLong((read + rest) as u64))
    }

    fn document(&self, line: &[u8]) -> WalkItem {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        match self.parse(line) {
            Ok(document) if document.text.trim().is_empty() => self.skipped(SkipReason::Empty),
            Ok(document) => WalkItem::Document(Box::new(Walked { document, warnings: Vec::new() })),
            Err(error) => self.skipped(SkipReason::BadRecord(shortened(error.to_string()))),
        }
    }

    fn parse(&self, line: &[u8]) -> serde_json::Result<DocumentInput> {
        let names_collection = serde_json::from_slice::<Value>(line)?.get("collection").is_some();
        let mut document: DocumentInput = serde_json::from_slice(line)?;
        if !names_collection {
            document.collection.clone_from(&self.collection);
        }
        Ok(document)
    }

    fn skipped(&self, reason: SkipReason) -> WalkItem {
        WalkItem::Skipped(Skipped { path: format!("{}:{}", self.file, self.line), reason })
    }
}

fn looks_like_document(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let value: Option<Value> = serde_json::from_slice(line).ok();
    let has = |key: &str| value.as_ref().is_some_and(|value| value.get(key).is_some_and(Value::is_string));
    has("document_id") && has("text")
}
