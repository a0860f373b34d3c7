//! Codes by slot: new ones in memory, then many together in a mapped file that is never written again.
//!
//! A file of which less than half is still in use gives the rest back to memory, from where it goes to the next file.
//! A file whose codes are all gone vanishes when the last search that reads it ends.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;

use crate::limits::{TOKEN_FILE_MAX, TOKEN_FILE_MIN, TOKEN_FILE_SHARE};
use crate::model::TokenCodes;
use crate::vector::limits::MAX_SLOTS;
use crate::vector::map_unnamed;

/// Names a file within its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileId(u32);

#[derive(Debug)]
struct Record {
    codes: TokenCodes,
    /// Where the codes are; `None` in memory.
    file: Option<FileId>,
}

/// What is known of a file.
#[derive(Debug, Default)]
struct Usage {
    bytes: usize,
    used: usize,
    slots: Vec<u32>,
}

impl Usage {
    fn add(&mut self, slot: u32, bytes: usize) {
        self.bytes += bytes;
        self.used += bytes;
        self.slots.push(slot);
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    records: Vec<Option<Record>>,
    files: HashMap<FileId, Usage>,
    next: u32,
    /// Slots whose codes came to memory since the last spill; some may have left it again.
    recent: Vec<u32>,
    in_memory: usize,
    in_files: usize,
    /// The next spill waits for at least this many bytes.
    wait: usize,
}

/// Codes on their way to a file.
pub(super) struct Batch {
    codes: Vec<(u32, Bytes)>,
}

/// Codes that are in a file now.
pub(super) struct Spilled {
    codes: Vec<(u32, Bytes, Bytes)>,
}

impl Table {
    pub(super) fn get(&self, slot: u32) -> Option<&TokenCodes> {
        self.records.get(slot as usize)?.as_ref().map(|record| &record.codes)
    }

    /// Keeps the codes of a slot, in place of earlier ones.
    pub(super) fn insert(&mut self, slot: u32, codes: TokenCodes) {
        self.remove(slot);
        let place = slot as usize;
        if place >= self.records.len() {
            self.records.resize_with(place + 1, || None);
        }
        self.in_memory += codes.as_bytes().len();
        self.recent.push(slot);
        self.records[place] = Some(Record { codes, file: None });
    }

    /// All codes, by slot.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &TokenCodes)> {
        (0..).zip(&self.records).filter_map(|(slot, record)| Some((slot, &record.as_ref()?.codes)))
    }

    /// Takes in codes that are in a file already; parts of it are given up as files of their own are. `None` for a slot that is out of range or taken.
    pub(super) fn take_files(&mut self, codes: Vec<(u32, TokenCodes)>) -> Option<()> {
        let (mut file, mut usage) = (self.next_file(), Usage::default());
        for (slot, codes) in codes {
            let place = (slot < MAX_SLOTS).then_some(slot as usize)?;
            if place >= self.records.len() {
                self.records.resize_with(place + 1, || None);
            }
            usage.add(slot, codes.as_bytes().len());
            let before = self.records[place].replace(Record { codes, file: Some(file) });
            before.is_none().then_some(())?;
            if usage.bytes >= TOKEN_FILE_MAX {
                self.add_file(file, std::mem::take(&mut usage));
                file = self.next_file();
            }
        }
        self.add_file(file, usage);
        Some(())
    }

    fn next_file(&mut self) -> FileId {
        self.next += 1;
        FileId(self.next - 1)
    }

    fn add_file(&mut self, file: FileId, usage: Usage) {
        self.in_files += usage.used;
        if usage.used > 0 {
            self.files.insert(file, usage);
        }
    }

    /// Forgets the codes of a slot and returns them.
    pub(super) fn remove(&mut self, slot: u32) -> Option<TokenCodes> {
        let record = self.records.get_mut(slot as usize)?.take()?;
        let bytes = record.codes.as_bytes().len();
        match record.file {
            None => self.in_memory -= bytes,
            Some(file) => self.give_up(file, bytes),
        }
        Some(record.codes)
    }

    fn give_up(&mut self, file: FileId, bytes: usize) {
        self.in_files -= bytes;
        let Some(usage) = self.files.get_mut(&file) else { return };
        usage.used -= bytes;
        if usage.used * 2 >= usage.bytes && usage.used > 0 {
            return;
        }
        let Some(usage) = self.files.remove(&file) else { return };
        for slot in usage.slots {
            let record = self.records.get_mut(slot as usize).and_then(Option::as_mut);
            if let Some(record) = record.filter(|record| record.file == Some(file)) {
                let bytes = Bytes::copy_from_slice(record.codes.as_bytes());
                self.in_memory += bytes.len();
                self.in_files -= bytes.len();
                record.file = None;
                record.codes.move_to(bytes);
                self.recent.push(slot);
            }
        }
    }

    /// What should go to a file, if there is enough of it.
    pub(super) fn due(&self) -> Option<Batch> {
        let enough = (self.in_files / TOKEN_FILE_SHARE).clamp(TOKEN_FILE_MIN, TOKEN_FILE_MAX);
        if self.in_memory < enough.max(self.wait) {
            return None;
        }
        let in_memory = |slot: &u32| {
            let record = self.records.get(*slot as usize)?.as_ref().filter(|record| record.file.is_none())?;
            Some((*slot, record.codes.as_bytes().clone()))
        };
        let mut codes: Vec<(u32, Bytes)> = self.recent.iter().filter_map(in_memory).collect();
        codes.sort_unstable_by_key(|(slot, _)| *slot);
        codes.dedup_by_key(|(slot, _)| *slot);
        Some(Batch { codes })
    }

    /// Takes the codes from the file that they were written to. What was replaced meanwhile stays replaced.
    pub(super) fn replace(&mut self, spilled: Spilled) {
        let file = self.next_file();
        let mut usage = Usage::default();
        for (slot, old, new) in spilled.codes {
            let record = self.records.get_mut(slot as usize).and_then(Option::as_mut);
            let is_same =
                |record: &&mut Record| record.file.is_none() && record.codes.as_bytes().as_ptr() == old.as_ptr();
            let Some(record) = record.filter(is_same) else {
                usage.bytes += new.len();
                continue;
            };
            usage.add(slot, new.len());
            record.file = Some(file);
            record.codes.move_to(new);
        }
        self.in_memory -= usage.used;
        self.add_file(file, usage);
        let records = &self.records;
        let is_in_memory = |slot: &u32| records[*slot as usize].as_ref().is_some_and(|record| record.file.is_none());
        self.recent.retain(is_in_memory);
        self.recent.shrink_to(TOKEN_FILE_MIN / 1_024);
        self.wait = 0;
    }

    /// A spill failed: the next one waits until there is twice as much.
    pub(super) fn put_off(&mut self) {
        self.wait = self.in_memory * 2;
    }

    /// Bytes of codes in memory, and in files.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.in_memory, self.in_files)
    }
}

impl Batch {
    /// Writes the codes to a file without a name in `folder`.
    pub(super) fn write(self, folder: &Path) -> io::Result<Spilled> {
        let mut file = BufWriter::new(tempfile::tempfile_in(folder)?);
        self.codes.iter().try_for_each(|(_, bytes)| file.write_all(bytes))?;
        let map = map_unnamed(file.into_inner().map_err(io::IntoInnerError::into_error)?)?;
        let mut at = 0;
        let codes = self.codes.into_iter().map(|(slot, old)| {
            let new = map.slice(at..at + old.len());
            at += old.len();
            (slot, old, new)
        });
        Ok(Spilled { codes: codes.collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn codes(content: u8, length: usize) -> TokenCodes {
        TokenCodes::new(&vec![u32::from(content); length], &vec![0; length], &vec![content; length * 48]).unwrap()
    }

    /// Everything that a table is asked to do.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(u32, u8, usize),
        Remove(u32),
        Spill,
        /// A spill during which other steps are taken.
        Overtaken(Vec<Step>),
    }

    fn plain_step() -> impl Strategy<Value = Step> {
        let insert = (0_u32..40, any::<u8>(), 0_usize..900);
        prop_oneof![
            6 => insert.prop_map(|(slot, content, length)| Step::Insert(slot, content, length)),
            3 => (0_u32..40).prop_map(Step::Remove),
            2 => Just(Step::Spill),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let overtaken = prop::collection::vec(plain_step(), 0..6).prop_map(Step::Overtaken);
        prop_oneof![4 => plain_step(), 1 => overtaken]
    }

    fn spill(table: &mut Table, folder: &Path, between: impl FnOnce(&mut Table)) {
        table.wait = 0;
        let in_memory = |slot: u32| Some((slot, table.get(slot)?.as_bytes().clone()));
        let due = table.due().unwrap_or(Batch {
            codes: (0..40).filter(|&slot| table.is_in_memory(slot)).filter_map(in_memory).collect(),
        });
        let spilled = due.write(folder);
        between(table);
        if let Ok(spilled) = spilled {
            table.replace(spilled);
        }
    }

    impl Table {
        fn is_in_memory(&self, slot: u32) -> bool {
            matches!(self.records.get(slot as usize), Some(Some(Record { file: None, .. })))
        }
    }

    fn take(table: &mut Table, model: &mut BTreeMap<u32, TokenCodes>, folder: &Path, step: Step) {
        match step {
            Step::Insert(slot, content, length) => {
                table.insert(slot, codes(content, length));
                model.insert(slot, codes(content, length));
            }
            Step::Remove(slot) => assert_eq!(table.remove(slot), model.remove(&slot)),
            Step::Spill => spill(table, folder, |_| {}),
            Step::Overtaken(steps) => spill(table, folder, |table| {
                steps.into_iter().for_each(|step| take(table, model, folder, step));
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_table_holds_what_a_map_holds(steps in prop::collection::vec(step(), 0..60)) {
            let folder = tempfile::tempdir().unwrap();
            let (mut table, mut model) = (Table::default(), BTreeMap::new());
            for step in steps {
                take(&mut table, &mut model, folder.path(), step);
                (0..40).for_each(|slot| assert_eq!(table.get(slot), model.get(&slot)));
                let bytes: usize = model.values().map(|codes| codes.as_bytes().len()).sum();
                prop_assert_eq!(table.in_memory + table.in_files, bytes);
                let used: usize = table.files.values().map(|usage| usage.used).sum();
                prop_assert_eq!(used, table.in_files);
            }
        }
    }

    #[test]
    fn codes_go_to_files_and_files_are_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = Table::default();
        (0..200).for_each(|slot| table.insert(slot, codes(1, 200)));
        assert!(table.due().is_some());
        spill(&mut table, folder.path(), |_| {});
        let (in_memory, in_files) = table.bytes();
        assert!(in_memory == 0 && in_files > TOKEN_FILE_MIN && table.files.len() == 1 && table.recent.is_empty());
        let held = table.get(0).unwrap().clone();
        (0..150).for_each(|slot| assert!(table.remove(slot).is_some()));
        assert!(table.files.is_empty() && table.bytes().1 == 0, "half of a file is not worth keeping");
        assert_eq!(table.get(199), Some(&codes(1, 200)));
        assert_eq!(held, codes(1, 200), "what a search holds stays");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files have no names");
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_and_waits_for_more() {
        let mut table = Table::default();
        (0..200).for_each(|slot| table.insert(slot, codes(1, 200)));
        assert!(table.due().unwrap().write(Path::new("/nonexistent/folder")).is_err());
        table.put_off();
        assert!(table.due().is_none());
        (200..500).for_each(|slot| table.insert(slot, codes(1, 200)));
        assert!(table.due().is_some());
    }
}
