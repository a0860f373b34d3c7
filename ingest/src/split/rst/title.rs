//! Section titles: a line of text with a line of signs below it, or above and below.

/// Adornment of a title: the sign, and whether it stands above the title too.
pub(super) type Style = (u8, bool);

/// The styles of a document in the order in which they appear, which is their level.
#[derive(Debug, Default)]
pub(super) struct Titles {
    styles: Vec<Style>,
}

impl Titles {
    /// Level of a style, from 1.
    pub(super) fn level(&mut self, style: Style) -> u8 {
        const DEEPEST: usize = 16;
        let known = self.styles.iter().position(|known| *known == style);
        let index = known.unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        u8::try_from(index.min(DEEPEST)).unwrap_or(0) + 1
    }
}

/// A title, or a rule between paragraphs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Which of its lines has the text; none for a rule.
    pub(super) title: Option<usize>,
    pub(super) style: Style,
    /// Number of its lines.
    pub(super) lines: usize,
}

/// Looks for a title that begins with the first of three lines. `indented` says that the second line is
/// indented, as it may be between two lines of signs only.
pub(super) fn find(first: &str, second: &str, third: &str, indented: bool) -> Option<Found> {
    const RULE: usize = 4;
    if let Some(sign) = adornment(first) {
        if !second.is_empty()
            && adornment(second).is_none()
            && adornment(third) == Some(sign)
            && third.len() == first.len()
        {
            return Some(Found { title: Some(1), style: (sign, true), lines: 3 });
        }
        let is_rule = first.len() >= RULE && second.is_empty();
        return is_rule.then_some(Found { title: None, style: (sign, false), lines: 1 });
    }
    let sign = adornment(second).filter(|_| !indented)?;
    let is_long_enough = second.len() >= RULE || second.len() >= first.chars().count();
    let is_title = is_long_enough && first != "::" && !first.is_empty();
    is_title.then_some(Found { title: Some(0), style: (sign, false), lines: 2 })
}

/// The sign that a line consists of, if it is one sign repeated.
fn adornment(line: &str) -> Option<u8> {
    const LEAST: usize = 2;
    let sign = *line.as_bytes().first()?;
    let is_adornment = line.len() >= LEAST && sign.is_ascii_punctuation() && line.bytes().all(|byte| byte == sign);
    (is_adornment && line != "::" && line != "..").then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_rules() {
        let of = |a, b, c| find(a, b, c, false).map(|found| (found.title, found.lines, found.style.0 as char));
        assert_eq!(of("Title", "=====", ""), Some((Some(0), 2, '=')));
        assert_eq!(of("=====", "Title", "====="), Some((Some(1), 3, '=')));
        assert_eq!(of("----", "", "x"), Some((None, 1, '-')));
        assert_eq!(of("Long title", "---", ""), None);
        assert_eq!(of("Long title", "----", ""), Some((Some(0), 2, '-')));
        assert_eq!(of("== ==", "a b", "== =="), None);
        assert_eq!(of("::", "----", ""), None);
        assert_eq!(of("Übung", "-----", ""), Some((Some(0), 2, '-')));
    }

    #[test]
    fn levels_follow_first_appearance() {
        let mut titles = Titles::default();
        let styles = [(b'=', true), (b'=', false), (b'-', false), (b'=', false)];
        assert_eq!(styles.map(|style| titles.level(style)), [1, 2, 3, 2]);
    }
}
