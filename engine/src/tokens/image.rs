//! Images of token codes: one file that is mapped again as it is.
//!
//! `CKTC`, then little-endian `u32`: the version of the format, passages, and tokens of the statistics; for each passage its slot and the length of its codes; for each
//! token its number and how many passages hold it; then the codes, one after the other.

use std::io::{self, Write};

use bytes::{Buf as _, Bytes};

use super::index::TokenIndex;
use crate::model::TokenCodes;

const MAGIC: &[u8; 4] = b"CKTC";
const FORMAT: u32 = 1;

impl TokenIndex {
    /// Writes the codes of all slots to `into`.
    pub(crate) fn save(&self, into: &mut impl Write) -> io::Result<()> {
        let state = self.state.read();
        let codes: Vec<(u32, &TokenCodes)> = state.table.all().collect();
        let holding = state.statistics.all();
        into.write_all(MAGIC)?;
        let counts = [FORMAT, codes.len() as u32, holding.len() as u32];
        counts.iter().try_for_each(|number| into.write_all(&number.to_le_bytes()))?;
        for (slot, codes) in &codes {
            into.write_all(&slot.to_le_bytes())?;
            into.write_all(&(codes.as_bytes().len() as u32).to_le_bytes())?;
        }
        for (token, passages) in holding {
            into.write_all(&u32::from(token).to_le_bytes())?;
            into.write_all(&passages.to_le_bytes())?;
        }
        codes.iter().try_for_each(|(_, codes)| into.write_all(codes.as_bytes()))
    }

    /// The codes of an image, which stay where `image` is. `None` for bytes that are none.
    pub(crate) fn load(mut image: Bytes) -> Option<Self> {
        let magic = image.len() >= MAGIC.len() && image.split_to(MAGIC.len()) == MAGIC[..];
        let format = image.try_get_u32_le().ok().filter(|&format| magic && format == FORMAT);
        format?;
        let (passages, tokens) = (image.try_get_u32_le().ok()?, image.try_get_u32_le().ok()?);
        let pair = |image: &mut Bytes| Some((image.try_get_u32_le().ok()?, image.try_get_u32_le().ok()?));
        let places = (0..passages).map(|_| pair(&mut image)).collect::<Option<Vec<_>>>()?;
        let holding = (0..tokens).map(|_| pair(&mut image)).collect::<Option<Vec<_>>>()?;
        let mut codes = Vec::with_capacity(places.len());
        for (slot, length) in places {
            let length = length as usize;
            let bytes = (image.len() >= length).then(|| image.split_to(length))?;
            codes.push((slot, TokenCodes::from_bytes(bytes)?));
        }
        let holding = holding.into_iter().map(|(token, passages)| Some((u16::try_from(token).ok()?, passages)));
        let index = Self::default();
        let mut state = index.state.write();
        state.statistics = super::statistics::Statistics::of(passages, holding.collect::<Option<_>>()?);
        state.table.take_files(codes)?;
        drop(state);
        image.is_empty().then_some(index)
    }
}
