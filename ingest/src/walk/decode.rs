//! Turns the bytes of a file into text: whatever a person could read is kept, with a warning where
//! something had to be replaced; what nobody could read is refused as binary.

use super::SkipReason;
use super::limits::{CONTROL_SHARE, INVALID_SHARE, SAMPLE_BYTES};

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// UTF-8, without byte order mark, NUL and control characters other than tab, line breaks and form feed.
    pub text: String,
    /// What was replaced, and where first.
    pub warnings: Vec<String>,
}

/// Decodes UTF-8, or UTF-16 where a byte order mark or the pattern of zero bytes shows it.
///
/// # Errors
/// [`SkipReason::Empty`] when there is nothing but white space, [`SkipReason::Binary`] when it is not text.
pub fn decode(bytes: &[u8]) -> Result<Decoded, SkipReason> {
    if let Some(format) = magic(bytes) {
        return Err(SkipReason::Binary(format));
    }
    let mut warnings = Vec::new();
    let text = match utf16(bytes) {
        Some((order, body)) => from_utf16(order, body, &mut warnings),
        None => from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), &mut warnings)?,
    };
    let text = without_controls(text, &mut warnings)?;
    if text.trim().is_empty() {
        return Err(SkipReason::Empty);
    }
    Ok(Decoded { text, warnings })
}

/// First bytes of formats whose content is never text, and their names.
const MAGIC: [(&[u8], &str); 36] = [
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF87a", "GIF image"),
    (b"GIF89a", "GIF image"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "ZIP archive"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"\x7fELF", "ELF"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Java class"),
    (b"\0asm", "WebAssembly"),
    (b"SQLite format 3\0", "SQLite"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"\0\x01\0\0\0", "font"),
    (b"OTTO\0", "font"),
    (b"OggS\0", "Ogg"),
    (b"fLaC\0", "FLAC"),
    (b"ID3\x02", "MP3"),
    (b"ID3\x03", "MP3"),
    (b"ID3\x04", "MP3"),
    (b"\x1aE\xdf\xa3", "Matroska"),
    (b"\0\0\x01\0", "icon"),
    (b"8BPS\0", "Photoshop"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE document"),
    (b"!<arch>\n", "archive"),
    (b"\x93NUMPY", "NumPy array"),
];

fn magic(bytes: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, name)| *name)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// Byte order and body of UTF-16 text.
fn utf16(bytes: &[u8]) -> Option<(Order, &[u8])> {
    if let Some(body) = bytes.strip_prefix(b"\xff\xfe") {
        return Some((Order::Little, body));
    }
    if let Some(body) = bytes.strip_prefix(b"\xfe\xff") {
        return Some((Order::Big, body));
    }
    // Without a mark: mostly Latin text has a zero in every second byte, and none between.
    const LEAST: usize = 8;
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    let is_text = |zeros: usize, others: usize| half >= LEAST && others == 0 && zeros * 4 >= half * 3;
    if is_text(odd, even) {
        Some((Order::Little, bytes))
    } else if is_text(even, odd) {
        Some((Order::Big, bytes))
    } else {
        None
    }
}

fn from_utf16(order: Order, body: &[u8], warnings: &mut Vec<String>) -> String {
    let units = body.chunks_exact(2).map(|pair| match order {
        Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
        Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
    });
    let mut bad = 0;
    let replaced = |unit: Result<char, _>| {
        unit.unwrap_or_else(|_| {
            bad += 1;
            char::REPLACEMENT_CHARACTER
        })
    };
    let text: String = char::decode_utf16(units).map(replaced).collect();
    bad += body.len() % 2;
    if bad > 0 {
        warnings.push(format!("{bad} code units are not UTF-16; replaced"));
    }
    text
}

fn from_utf8(bytes: &[u8], warnings: &mut Vec<String>) -> Result<String, SkipReason> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let invalid: usize = sample.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    if invalid * INVALID_SHARE > sample.len() {
        return Err(SkipReason::Binary("not UTF-8"));
    }
    let mut text = String::with_capacity(bytes.len());
    let (mut count, mut first_line) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            if count == 0 {
                first_line = line_of(&text);
            }
            count += chunk.invalid().len();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    warnings.push(format!("{count} bytes are not UTF-8, the first on line {first_line}; replaced"));
    Ok(text)
}

fn line_of(text_before: &str) -> usize {
    memchr::memchr_iter(b'\n', text_before.as_bytes()).count() + 1
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c')) || byte == 0x7f
}

fn without_controls(text: String, warnings: &mut Vec<String>) -> Result<String, SkipReason> {
    let Some(first) = text.bytes().position(is_control) else {
        return Ok(text);
    };
    let sample = &text.as_bytes()[..text.len().min(SAMPLE_BYTES)];
    // Terminal colours are control bytes that a person's log may well be full of.
    let bad = sample.iter().filter(|byte| is_control(**byte) && **byte != b'\x1b').count();
    if bad * CONTROL_SHARE > sample.len() {
        return Err(SkipReason::Binary("control bytes"));
    }
    let mut count = 0;
    let is_bad = |c: &char| u8::try_from(*c).is_ok_and(is_control);
    let replaced = text.chars().map(|c| {
        if is_bad(&c) {
            count += 1;
            return char::REPLACEMENT_CHARACTER;
        }
        c
    });
    let clean: String = replaced.collect();
    let line = line_of(&text[..first]);
    warnings.push(format!("{count} control characters, the first on line {line}; replaced"));
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode(bytes).unwrap().text
    }

    #[test]
    fn readable_text_is_kept() {
        assert_eq!(text(b"\xef\xbb\xbfa\r\nb\tc\x0c"), "a\r\nb\tc\x0c");
        assert_eq!(text(b"\xff\xfea\0\xe4\0"), "aä");
        assert_eq!(text(b"\xfe\xff\0a\0\xe4"), "aä");
        assert_eq!(text(b"h\0e\0l\0l\0o\0 \0a\0l\0l\0"), "hello all");
        assert_eq!(text("漢字 🦀 ‏שלום".as_bytes()), "漢字 🦀 ‏שלום");
    }

    #[test]
    fn stray_bytes_are_replaced_with_a_warning() {
        let decoded = decode(b"line one\nnull \0 and bad \xff\xfe here, but the rest is text").unwrap();
        assert_eq!(decoded.text, "line one\nnull \u{fffd} and bad \u{fffd}\u{fffd} here, but the rest is text");
        assert_eq!(decoded.warnings.len(), 2);
        assert!(decoded.warnings.iter().all(|warning| warning.contains("line 2")));
        assert_eq!(decode(b"\xff\xfea\0\x00\xd8b").unwrap().warnings.len(), 1);
    }

    #[test]
    fn binary_and_empty_are_told_apart() {
        assert_eq!(decode(b""), Err(SkipReason::Empty));
        assert_eq!(decode(b" \n\t"), Err(SkipReason::Empty));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\nxxxx"), Err(SkipReason::Binary("PNG image")));
        assert_eq!(decode(&[0_u8; 100]), Err(SkipReason::Binary("control bytes")));
        let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(matches!(decode(&noise), Err(SkipReason::Binary(_))));
    }
}
