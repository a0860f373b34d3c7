//! The indexes: one [`CollectionIndex`] per collection, rebuilt from the store at boot and kept up by the change log.

mod apply;
mod collection;
mod compare;
mod follow;
pub(crate) mod image;
mod load;
mod rebuild;
mod registry;
mod sketch;
mod slots;

pub(crate) use collection::{CollectionIndex, View};
pub(crate) use follow::{Applied, Follower};
#[cfg(test)]
pub(crate) use load::load as load_documents;
pub(crate) use registry::Indexes;
pub(crate) use slots::SlotEntry;
