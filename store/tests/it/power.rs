//! Power cuts: whatever part of the unflushed writes reached the disk, what was acknowledged is there and nothing is there in part.
//!
//! A killed process leaves its writes with the operating system; a power cut does not. So the disk remembers every operation, and the
//! test makes the files that a cut at any moment could leave: all that was flushed, and of the rest any sectors in any order.

use std::path::Path;

use coditect_store::faults::{DiskFaults, DiskOperation};
use coditect_store::{EmbeddedOptions, RangeQuery, Store};

use crate::support::open;

const COMMITS: u32 = 120;
const CUTS: usize = 60;
const PARTS: u32 = 4;
const SECTOR: usize = 512;

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

#[tokio::test]
async fn power_cut_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let faults = DiskFaults::default();
    faults.record();
    let options = EmbeddedOptions::new(dir.path()).with_disk_faults(faults.clone());
    let store = Store::open_embedded(options).await.unwrap();
    let opened = faults.recorded();
    let acknowledged = write(&store, &faults).await;
    let operations = faults.take_record();
    store.close().await.unwrap();
    let mut numbers = Numbers(17);
    for _ in 0..CUTS {
        let cut = opened + numbers.below(operations.len() - opened);
        let safe = acknowledged.iter().filter(|done| **done <= cut).count() as u32;
        let image = image(&operations[..cut], &mut numbers);
        check(&image, safe).await;
    }
}

/// Commits numbered transactions; answers how many operations each had behind it when it was acknowledged.
async fn write(store: &Store, faults: &DiskFaults) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    for number in 0..COMMITS {
        let tx = store.begin();
        for part in 0..PARTS {
            tx.set(&[number.to_be_bytes(), part.to_be_bytes()].concat(), &vec![number as u8; 700]);
        }
        // Old ones are overwritten as well, so that space is freed and used again.
        tx.set(b"last", &number.to_be_bytes());
        tx.commit().await.unwrap();
        acknowledged.push(faults.recorded());
    }
    acknowledged
}

/// A file that a cut behind these operations could leave.
fn image(operations: &[DiskOperation], numbers: &mut Numbers) -> Vec<u8> {
    let flushed = operations.iter().rposition(|operation| matches!(operation, DiskOperation::Flush)).unwrap_or(0);
    let mut image = Vec::new();
    for operation in &operations[..flushed] {
        apply(&mut image, operation);
    }
    for operation in &operations[flushed..] {
        match operation {
            DiskOperation::Write { offset, data } => {
                let sectors = data.chunks(SECTOR).enumerate().filter(|_| numbers.below(2) == 0);
                for (index, sector) in sectors {
                    let offset = offset + (index * SECTOR) as u64;
                    apply(&mut image, &DiskOperation::Write { offset, data: sector.to_vec() });
                }
            }
            // A longer file with zeros is what the file system promises; a shorter one may not have happened yet.
            DiskOperation::SetLen(len) if *len > image.len() as u64 => apply(&mut image, operation),
            DiskOperation::SetLen(_) | DiskOperation::Flush => {}
        }
    }
    image
}

fn apply(image: &mut Vec<u8>, operation: &DiskOperation) {
    match operation {
        DiskOperation::Write { offset, data } => {
            let (from, to) = (*offset as usize, *offset as usize + data.len());
            if image.len() < to {
                image.resize(to, 0);
            }
            image[from..to].copy_from_slice(data);
        }
        DiskOperation::SetLen(len) => image.resize(*len as usize, 0),
        DiskOperation::Flush => {}
    }
}

async fn check(image: &[u8], safe: u32) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("store.redb"), image).unwrap();
    let store = open(Path::new(dir.path())).await;
    let items = store.begin().collect_range(RangeQuery::from((vec![0], vec![1]))).await.unwrap().items;
    let there = items.len() as u32 / PARTS;
    assert!(there == safe || there == safe + 1, "{safe} acknowledged, {there} there");
    for (index, item) in items.iter().enumerate() {
        let (number, part) = (index as u32 / PARTS, index as u32 % PARTS);
        assert_eq!(item.key, [number.to_be_bytes(), part.to_be_bytes()].concat());
        assert_eq!(item.value, vec![number as u8; 700]);
    }
    assert_eq!(items.len() as u32 % PARTS, 0, "nothing is there in part");
    let last = store.begin().get(b"last").await.unwrap();
    assert_eq!(last.as_deref(), there.checked_sub(1).map(u32::to_be_bytes).as_ref().map(|last| &last[..]));
    store.close().await.unwrap();
}
