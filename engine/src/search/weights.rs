//! How much each leg counts in a hybrid search: the weights follow the query and what it found.
//!
//! Three signs say how far to trust the keyword leg. Its *contrast*: when the best passage scores hardly more than the
//! twentieth, the query's words do not tell passages apart. *Code*: a question in plain words meets names there, not
//! sentences, and words that meet are often accidents. *Names*: the identifiers, codes and phrases of a query are wanted
//! as they are, in code as anywhere. Measured in docs/relevance.md.

use super::legs::Candidate;

/// Candidates of each leg, best first, that the signs are read from.
const TOP: u32 = 20;
/// The keyword leg's score counts this often for each point of contrast, the vector leg's once.
const PER_CONTRAST: f32 = 2.5;
/// Most that the keyword leg's score counts.
const MOST: f32 = 2.0;
/// What is left of it where everything found is code and the query is plain words.
const IN_CODE: f32 = 0.04;

/// The keyword leg's weight, 0 to 1; the vector leg has the rest. `shares` are the candidates' BM25 scores as shares of their
/// ceilings; `name_share` as in [`QueryProfile`](crate::keyword::QueryProfile).
pub(super) fn keyword_weight(candidates: &[Candidate], shares: &[f32], name_share: f32) -> f32 {
    let trust = (PER_CONTRAST * contrast(candidates, shares)).min(MOST);
    let accidental = code_share(candidates) * (1.0 - name_share);
    let trust = trust * (1.0 - (1.0 - IN_CODE) * accidental);
    trust / (1.0 + trust)
}

/// How far the keyword leg's scores fall from the best to the one at [`TOP`], as a share of the best; 0 when it found nothing.
fn contrast(candidates: &[Candidate], shares: &[f32]) -> f32 {
    let found = candidates.iter().zip(shares).filter(|(candidate, _)| candidate.keyword_rank.is_some());
    let mut found: Vec<f32> = found.map(|(_, &share)| share).collect();
    found.sort_unstable_by(|a, b| b.total_cmp(a));
    match found.first() {
        Some(&best) if best > 0.0 => 1.0 - found.get(TOP as usize - 1).copied().unwrap_or(0.0) / best,
        _ => 0.0,
    }
}

/// The share of code among the best of both legs.
fn code_share(candidates: &[Candidate]) -> f32 {
    let is_best = |rank: Option<u32>| rank.is_some_and(|rank| rank <= TOP);
    let best = candidates.iter().filter(|it| is_best(it.vector_rank) || is_best(it.keyword_rank));
    let (code, all) = best.fold((0_u32, 0_u32), |(code, all), it| (code + u32::from(it.is_code), all + 1));
    code as f32 / all.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rank: u32, is_code: bool) -> Candidate {
        let none = (None, None, None);
        let (cosine, bm25, vector_rank) = none;
        Candidate {
            target: 0,
            slot: rank,
            order: u64::from(rank),
            is_code,
            cosine,
            bm25,
            vector_rank,
            keyword_rank: Some(rank),
        }
    }

    fn weight(share: impl Fn(u32) -> f32, is_code: bool, name_share: f32) -> f32 {
        let candidates: Vec<Candidate> = (1..=40).map(|rank| found(rank, is_code)).collect();
        let shares: Vec<f32> = (1..=40).map(share).collect();
        keyword_weight(&candidates, &shares, name_share)
    }

    #[test]
    fn keywords_count_as_much_as_they_tell_apart() {
        let flat = weight(|_| 0.8, false, 0.0);
        let sloping = weight(|rank| 0.8 - 0.01 * rank as f32, false, 0.0);
        let steep = weight(|rank| 0.8 / rank as f32, false, 0.0);
        assert!(flat < 0.01 && flat < sloping && sloping < steep, "{flat} {sloping} {steep}");
        assert!(steep <= MOST / (1.0 + MOST));
        assert_eq!(keyword_weight(&[], &[], 0.0), 0.0);
    }

    #[test]
    fn words_of_a_question_count_little_in_code_and_names_count_there_too() {
        let share = |rank| 0.8 / rank as f32;
        let (prose, code) = (weight(share, false, 0.0), weight(share, true, 0.0));
        assert!(code < 0.1 && prose > 0.5, "{prose} {code}");
        assert_eq!(weight(share, true, 1.0), prose);
    }
}
