//! The IDX format of the MNIST family: a big-endian header, then one byte a pixel.

use anyhow::{Context, Result, ensure};

use super::flat::Vectors;

/// Type of the elements and number of dimensions of images: bytes in three dimensions.
const IMAGES: u32 = 0x0000_0803;

/// Reads images as vectors of their pixels, 0 to 255.
pub(super) fn images(bytes: &[u8]) -> Result<Vectors> {
    let (header, pixels) = bytes.split_at_checked(16).context("the header is cut short")?;
    let field = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    ensure!(field(0) == IMAGES, "these are no images: their header starts with {:#010x}", field(0));
    let (rows, dimension) = (field(4) as usize, field(8) as usize * field(12) as usize);
    let expected = rows.checked_mul(dimension).context("the header names more than there can be")?;
    ensure!(pixels.len() == expected, "{rows} images of {dimension} pixels do not fit {} bytes", pixels.len());
    Ok(Vectors { dimension, values: pixels.iter().map(|it| f32::from(*it)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(magic: u32, sizes: [u32; 3], pixels: &[u8]) -> Vec<u8> {
        let header = [magic, sizes[0], sizes[1], sizes[2]].map(u32::to_be_bytes).concat();
        [&header, pixels].concat()
    }

    #[test]
    fn images_are_rows_of_pixels() {
        let vectors = images(&file(IMAGES, [2, 1, 3], &[0, 1, 2, 253, 254, 255])).unwrap();
        assert_eq!((vectors.rows(), vectors.dimension), (2, 3));
        assert_eq!(vectors.row(1), [253.0, 254.0, 255.0]);
    }

    #[test]
    fn labels_and_torn_files_are_refused() {
        assert!(images(&file(0x0801, [6, 1, 1], &[0; 6])).is_err());
        assert!(images(&file(IMAGES, [2, 1, 3], &[0; 5])).is_err());
        assert!(images(&[0; 9]).is_err());
        assert!(images(&file(IMAGES, [u32::MAX, u32::MAX, u32::MAX], &[])).is_err());
    }
}
