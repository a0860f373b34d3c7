//! Settings of the ranking.

/// How the fields of a passage count, and how words of a query become scores.
///
/// The score is BM25F (Robertson & Zaragoza 2009, section 3.6): the frequency of a word is summed over the fields,
/// each weighted and normalised by its own length, before it saturates.
#[derive(Debug, Clone, PartialEq)]
pub struct KeywordOptions {
    /// Saturation of repeated words (`k1`), above 0.
    pub saturation: f32,
    /// The document's title.
    pub title: FieldWeight,
    /// The headings above the passage.
    pub headings: FieldWeight,
    /// The passage's text.
    pub text: FieldWeight,
    /// The words inside camelCase names.
    pub pieces: FieldWeight,
    /// The words of the document's path.
    pub path: FieldWeight,
    /// Identifiers as a whole.
    pub compounds: FieldWeight,
    /// What a word counts that is only part of an identifier in the query, 0 to 1.
    pub piece_query: f32,
    /// What a whole identifier counts in addition to its words, 0 or more.
    pub compound_query: f32,
    /// What a quoted phrase counts in addition to its words, relative to them, 0 or more.
    pub phrase: f32,
    /// What the nearest indexed word counts for a word that no passage holds, 0 to 1; 0 corrects nothing.
    pub spelling: f32,
}

/// How one field counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldWeight {
    /// Weight of a word in this field, 0 to leave the field out.
    pub weight: f32,
    /// How much longer fields are held against a word (`b`), 0 to 1.
    pub length: f32,
}

impl FieldWeight {
    const fn new(weight: f32, length: f32) -> Self {
        Self { weight, length }
    }
}

impl KeywordOptions {
    /// The first setting that is out of its range, if any.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let fields = [self.title, self.headings, self.text, self.pieces, self.path, self.compounds];
        let is_share = |value: f32| (0.0..=1.0).contains(&value);
        let is_weight = |value: f32| (0.0..=1e3).contains(&value);
        let checks = [
            (self.saturation > 0.0 && is_weight(self.saturation), "saturation must be above 0"),
            (fields.iter().all(|field| is_weight(field.weight)), "field weights must be 0 to 1000"),
            (fields.iter().all(|field| is_share(field.length)), "length normalisation must be 0 to 1"),
            (is_share(self.piece_query) && is_share(self.spelling), "piece_query and spelling must be 0 to 1"),
            (is_weight(self.compound_query) && is_weight(self.phrase), "compound_query and phrase must be 0 to 1000"),
        ];
        checks.into_iter().find(|(is_right, _)| !is_right).map(|(_, fault)| fault)
    }
}

impl Default for KeywordOptions {
    fn default() -> Self {
        Self {
            saturation: 1.2,
            title: FieldWeight::new(1.0, 0.5),
            headings: FieldWeight::new(1.0, 0.5),
            text: FieldWeight::new(1.0, 0.6),
            pieces: FieldWeight::new(0.75, 0.75),
            path: FieldWeight::new(0.3, 0.5),
            compounds: FieldWeight::new(1.0, 0.75),
            piece_query: 0.5,
            compound_query: 0.5,
            phrase: 1.0,
            spelling: 0.75,
        }
    }
}
