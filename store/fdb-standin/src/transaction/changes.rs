//! The calls that change keys or conflicts. They cannot answer an error; the next operation does.

use std::sync::Arc;

use super::State;
use super::Transaction;
use crate::abi::ErrorCode;
use crate::atomic::VALUE_LIMIT;
use crate::mutation::{Op, key_after, restamped, stamp, stamped};
use crate::reading::KEY_LIMIT;
use crate::{errors, size};

/// What special keys begin with.
const SPECIAL: &[u8] = b"\xff\xff";
/// The one that can be written here: the least version of later commits, as a decimal number.
const LEAST_VERSION: &[u8] = b"/management/min_required_commit_version";

impl Transaction {
    fn change(&self, change: impl FnOnce(&mut State) -> Result<(), ErrorCode>) -> ErrorCode {
        let mut state = self.lock();
        let result = self.check(&mut state).and_then(|()| change(&mut state));
        match result {
            Ok(()) => errors::SUCCESS,
            Err(code) => {
                state.deferred.get_or_insert(code);
                code
            }
        }
    }

    pub(crate) fn set(&self, key: &[u8], value: &[u8]) {
        self.change(|state| match key.strip_prefix(SPECIAL) {
            Some(rest) if state.options.write_special_keys => state.set_special(rest, value),
            _ => state.apply(Op::Set, key, value),
        });
    }

    pub(crate) fn atomic(&self, code: i32, key: &[u8], param: &[u8]) {
        self.change(|state| {
            let op = Op::from_code(code)?;
            match op {
                Op::SetVersionstampedKey => state.set_stamped_key(key, param),
                Op::SetVersionstampedValue => {
                    stamped(param, [0; 10])?;
                    state.apply(op, key, param)
                }
                _ => state.apply(op, key, param),
            }
        });
    }

    pub(crate) fn clear(&self, key: &[u8]) {
        self.change(|state| {
            if key >= state.write_end() {
                return Err(errors::KEY_OUTSIDE_LEGAL_RANGE);
            }
            // There is no key of that length.
            if key.len() <= KEY_LIMIT {
                state.clear(key, &key_after(key));
            }
            Ok(())
        });
    }

    pub(crate) fn clear_range(&self, begin: &[u8], end: &[u8]) {
        self.change(|state| {
            if begin > end {
                return Err(errors::INVERTED_RANGE);
            }
            if end > state.write_end() {
                return Err(errors::KEY_OUTSIDE_LEGAL_RANGE);
            }
            let (begin, end) = (cut(begin), cut(end));
            if begin < end {
                state.clear(begin, end);
            }
            Ok(())
        });
    }

    /// `fdb_transaction_add_conflict_range`. Only an inverted range is answered; other errors wait for the next operation.
    pub(crate) fn add_conflict_range(&self, begin: &[u8], end: &[u8], write: bool) -> ErrorCode {
        if begin > end {
            return errors::INVERTED_RANGE;
        }
        self.change(|state| {
            let last = if write { state.write_end() } else { state.read_end() };
            if end > last {
                return Err(errors::KEY_OUTSIDE_LEGAL_RANGE);
            }
            let (begin, end) = (cut(begin), cut(end));
            if begin >= end {
                return Ok(());
            }
            state.size += size::range(begin, end);
            if write {
                Arc::make_mut(&mut state.own).add_conflict(begin, end);
            } else {
                let parts = state.own.dependent_parts(begin, end);
                parts.iter().for_each(|(begin, end)| state.reads.insert(begin, end));
            }
            Ok(())
        });
        errors::SUCCESS
    }

    pub(crate) fn set_read_version(&self, version: i64) {
        self.change(|state| {
            if version <= 0 {
                return Err(errors::VERSION_INVALID);
            }
            if state.read_version.is_some() {
                return Err(errors::READ_VERSION_ALREADY_SET);
            }
            state.read_version = Some(version);
            Ok(())
        });
    }
}

/// No stored key is longer than the limit, so a longer bound is as good as its beginning.
fn cut(bound: &[u8]) -> &[u8] {
    &bound[..bound.len().min(KEY_LIMIT + 1)]
}

impl State {
    fn take_conflict(&mut self) -> bool {
        !std::mem::take(&mut self.options.next_write_without_conflict)
    }

    fn check_write(&self, key: &[u8], value: &[u8]) -> Result<(), ErrorCode> {
        if key >= self.write_end() {
            return Err(errors::KEY_OUTSIDE_LEGAL_RANGE);
        }
        if key.len() > KEY_LIMIT {
            return Err(errors::KEY_TOO_LARGE);
        }
        if value.len() > VALUE_LIMIT { Err(errors::VALUE_TOO_LARGE) } else { Ok(()) }
    }

    fn set_special(&mut self, key: &[u8], value: &[u8]) -> Result<(), ErrorCode> {
        let number = str::from_utf8(value).ok().and_then(|text| text.parse().ok()).filter(|_| key == LEAST_VERSION);
        self.least_version = Some(number.ok_or(errors::UNSUPPORTED_OPERATION)?);
        Ok(())
    }

    fn apply(&mut self, op: Op, key: &[u8], param: &[u8]) -> Result<(), ErrorCode> {
        let conflict = self.take_conflict();
        self.check_write(key, param)?;
        self.size += size::apply(key, param, conflict);
        Arc::make_mut(&mut self.own).apply(op, key, param, conflict);
        Ok(())
    }

    /// The template counts with its suffix against the limits. Its conflict is that of the key that the commit makes.
    fn set_stamped_key(&mut self, template: &[u8], value: &[u8]) -> Result<(), ErrorCode> {
        self.take_conflict();
        self.check_write(template, value)?;
        let first = self.read_version.map_or([0; 10], |version| stamp(version + 1, 0));
        let begin = stamped(template, first)?;
        let end = key_after(&stamped(template, [0xff; 10])?).min(self.read_end().to_vec());
        self.size += size::apply(template, value, false);
        let own = Arc::make_mut(&mut self.own);
        own.make_unreadable(&begin, &end);
        own.apply(Op::SetVersionstampedKey, &restamped(template, first)?, value, false);
        Ok(())
    }

    fn clear(&mut self, begin: &[u8], end: &[u8]) {
        let conflict = self.take_conflict();
        self.size += size::clear(begin, end, conflict);
        Arc::make_mut(&mut self.own).clear(begin, end, conflict);
    }
}
