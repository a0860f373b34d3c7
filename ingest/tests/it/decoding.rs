//! Bytes become text or are refused, and never anything else.

use coditect_ingest::walk::{SkipReason, decode, document_id, path_of};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_text_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        match decode(&bytes) {
            Ok(decoded) => {
                let odd = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}');
                prop_assert!(!decoded.text.chars().any(odd));
                prop_assert!(!decoded.text.trim().is_empty());
                let is_same = std::str::from_utf8(&bytes).is_ok_and(|text| text.trim_start_matches('\u{feff}') == decoded.text);
                prop_assert!(is_same || !decoded.warnings.is_empty() || bytes.contains(&0));
            }
            Err(reason) => prop_assert!(matches!(reason, SkipReason::Empty | SkipReason::Binary(_))),
        }
    }

    #[test]
    fn text_with_a_few_stray_bytes_keeps_its_lines(
        lines in prop::collection::vec("[a-zA-Z ]{20,60}", 1..40), stray in any::<u8>(), at in any::<prop::sample::Index>()
    ) {
        prop_assume!(stray != b'\n');
        let mut bytes = lines.join("\n").into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != b'\n');
        bytes[at] = stray;
        let text = decode(&bytes).expect("text").text;
        prop_assert_eq!(text.lines().count(), lines.len());
    }

    #[cfg(unix)]
    #[test]
    fn every_file_name_leads_back(name in prop::collection::vec(1..=255_u8, 1..220)) {
        use std::os::unix::ffi::OsStrExt;
        prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(&name));
        prop_assert_eq!(path_of(&document_id(path)), path);
    }
}
