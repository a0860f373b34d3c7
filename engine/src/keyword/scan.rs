//! Cutting text into words, the pieces of camelCase words, and whole identifiers, with their places in the text.

use std::ops::Range;

use super::limits::{MAX_COMPOUND, MAX_WORD};

/// Something found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is, in bytes.
    pub(crate) at: Range<usize>,
    /// What is indexed, before lower-casing and stemming.
    pub(crate) text: String,
}

/// Chinese, Japanese and similar scripts, which put no spaces between words: searched by pairs of characters.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FDF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{0E00}'..='\u{0E7F}' | '\u{20000}'..='\u{3134F}')
}

/// Maximal runs of characters that satisfy `inside`.
fn runs<'a>(text: &'a str, inside: impl Fn(char) -> bool + 'a) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(&inside)?;
        let end = text[start..].find(|c| !inside(c)).map_or(text.len(), |length| start + length);
        from = end;
        Some(start..end)
    })
}

/// The words of `text`: runs of letters and digits, and pairs of characters where no spaces divide words.
pub(crate) fn words(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for run in runs(text, char::is_alphanumeric) {
        if text[run.clone()].contains(is_unspaced) {
            unspaced(text, run, &mut found);
        } else if run.len() <= MAX_WORD {
            found.push(Found { text: text[run.clone()].to_owned(), at: run });
        }
    }
    found
}

fn unspaced(text: &str, run: Range<usize>, found: &mut Vec<Found>) {
    let mut push = |at: Range<usize>| found.push(Found { text: text[at.clone()].to_owned(), at });
    let part = &text[run.clone()];
    for spaced in runs(part, |c| !is_unspaced(c)).filter(|at| at.len() <= MAX_WORD) {
        push(run.start + spaced.start..run.start + spaced.end);
    }
    for dense in runs(part, is_unspaced) {
        let starts: Vec<usize> = part[dense.clone()].char_indices().map(|(i, _)| run.start + dense.start + i).collect();
        let end = run.start + dense.end;
        if starts.len() == 1 {
            push(starts[0]..end);
        }
        for (i, &start) in starts.iter().enumerate().take(starts.len() - 1) {
            push(start..starts.get(i + 2).copied().unwrap_or(end));
        }
    }
}

/// The pieces of the camelCase words of `text`: `HTTPServer2Go` gives `HTTP`, `Server2`, `Go`.
pub(crate) fn pieces(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for run in runs(text, char::is_alphanumeric).filter(|run| run.len() <= MAX_WORD) {
        let cuts = camel_cuts(&text[run.clone()]);
        if cuts.is_empty() {
            continue;
        }
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain(std::iter::once(run.len()));
        found.extend(starts.zip(ends).map(|(start, end)| {
            let at = run.start + start..run.start + end;
            Found { text: text[at.clone()].to_owned(), at }
        }));
    }
    found
}

/// Where a new piece begins: at a capital after a small letter or digit, and at the last of several capitals before a small letter.
fn camel_cuts(word: &str) -> Vec<usize> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let begins = |i: usize| {
        let (before, this) = (chars[i - 1].1, chars[i].1);
        let next_is_small = chars.get(i + 1).is_some_and(|&(_, next)| next.is_lowercase());
        this.is_uppercase() && (!before.is_uppercase() || next_is_small)
    };
    (1..chars.len()).filter(|&i| begins(i)).map(|i| chars[i].0).collect()
}

/// Whole identifiers: names, paths, versions and codes that consist of several words, in a form in which
/// `max_size`, `max-size` and `MAX.SIZE` are equal, and negative numbers with their sign.
pub(crate) fn compounds(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for run in runs(text, |c| c.is_alphanumeric() || "_-./:@#$\\".contains(c)) {
        let Some(whole) = trim(text, run) else {
            continue;
        };
        let components: Vec<Range<usize>> = runs(&text[whole.clone()], |c| !"./:@#\\".contains(c))
            .map(|at| whole.start + at.start..whole.start + at.end)
            .collect();
        for component in components.iter().filter(|_| components.len() > 1) {
            let component = trim(text, component.clone());
            found.extend(component.and_then(|at| compound(text, at)));
        }
        found.extend(compound(text, whole));
    }
    found
}

/// `at` without the signs around it, except a minus that belongs to a number.
fn trim(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    let part = &text[at.clone()];
    let start = part.find(char::is_alphanumeric)?;
    let end = part.rfind(char::is_alphanumeric)?;
    let end = end + part[end..].chars().next().map_or(0, char::len_utf8);
    let is_number = part[start..].starts_with(|c: char| c.is_ascii_digit());
    // Two signs in a row are not a minus.
    let is_negative = is_number && part[..start].ends_with('-') && !part[..start].ends_with("--");
    Some(at.start + start - usize::from(is_negative)..at.start + end)
}

/// The normal form of the identifier at `at`, if it is one: several words, or a negative number.
fn compound(text: &str, at: Range<usize>) -> Option<Found> {
    let part = &text[at.clone()];
    let words: Vec<&str> = runs(part, char::is_alphanumeric).map(|word| &part[word]).collect();
    let is_negative = part.starts_with('-');
    if part.len() > MAX_COMPOUND || (words.len() < 2 && !is_negative) {
        return None;
    }
    let mut form = if is_negative { "-".to_owned() } else { String::new() };
    for word in words {
        // Between digits the division matters: 1.10 is not 11.0.
        if form.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit()) {
            form.push('.');
        }
        form.push_str(word);
    }
    Some(Found { at, text: form })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: Vec<Found>) -> Vec<String> {
        found.into_iter().map(|found| found.text).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            texts(words("The SendMessage call, v1.0 (naïve)…")),
            ["The", "SendMessage", "call", "v1", "0", "naïve"]
        );
        assert_eq!(texts(words("検索エンジンv2と")), ["v2", "検索", "索エ", "エン", "ンジ", "ジン", "と"]);
        assert!(words(&"x".repeat(MAX_WORD + 1)).is_empty());
        assert!(words(" -- ").is_empty());
    }

    #[test]
    fn pieces_are_cut_at_capitals() {
        assert_eq!(texts(pieces("ExtensionSupportRequiredError")), ["Extension", "Support", "Required", "Error"]);
        assert_eq!(texts(pieces("HTTPServer2Go is XMLHttp")), ["HTTP", "Server2", "Go", "XML", "Http"]);
        assert!(pieces("plain Word ALLCAPS sha256 a2a").is_empty());
    }

    #[test]
    fn compounds_are_kept_whole_in_one_form() {
        assert_eq!(
            texts(compounds("code -32004, (`-32004`) code:-32004")),
            ["-32004", "-32004", "-32004", "code32004"]
        );
        assert_eq!(texts(compounds("max_size max-size, MAX.SIZE.")), ["maxsize", "maxsize", "MAXSIZE"]);
        assert_eq!(texts(compounds("docs/how-to/set_up.md")), ["howto", "setup", "docshowtosetupmd"]);
        assert_eq!(texts(compounds("1.10 11.0 2026-07-28")), ["1.10", "11.0", "2026.07.28"]);
        assert_eq!(texts(compounds("--config-file x-1 plain 5 - 3 --7")), ["configfile", "x1"]);
        assert!(compounds(&"a.".repeat(MAX_COMPOUND)).is_empty());
    }

    #[test]
    fn places_are_right_in_any_text() {
        for text in ["", "é-Ü_ß", "a𝄞b c-𝄞", "日本-x", "\u{0}-\u{0}1", "-", "İİ İa", "--\u{301}x", "_é"]
        {
            for found in [words(text), pieces(text), compounds(text)].concat() {
                assert!(text.get(found.at.clone()).is_some(), "{text:?} {found:?}");
            }
        }
    }
}
