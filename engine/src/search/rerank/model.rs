//! The model that weighs a candidate's features: a weighted sum, whose weights stand in a file of their own.
//!
//! The weights are trained by `relevance train` in `benches/` on several judged sets together, and checked on each set with
//! weights trained on the others (docs/relevance.md). They are normalised: the largest score is 1.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::features::{Feature, Features};

/// The version of the file that this code reads.
const VERSION: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    weights: BTreeMap<String, f32>,
}

static WEIGHTS: LazyLock<Features> = LazyLock::new(|| read(include_str!("weights.json")));

/// What a feature adds to a candidate's score.
pub(super) fn share(feature: Feature, features: &Features) -> f32 {
    WEIGHTS.get(feature) * features.get(feature)
}

/// A candidate's score, 0 to 1.
pub(super) fn score(features: &Features) -> f32 {
    Feature::ALL.iter().map(|&feature| share(feature, features)).sum::<f32>().clamp(0.0, 1.0)
}

/// The file is part of the program, and a test reads it: features that it does not name have no weight.
fn read(text: &str) -> Features {
    let weights = serde_json::from_str::<File>(text).ok().filter(|file| file.version == VERSION);
    let weights = weights.map(|file| file.weights).unwrap_or_default();
    Features::from_fn(|feature| weights.get(feature.name()).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_features_and_nothing_else() {
        let file: File = serde_json::from_str(include_str!("weights.json")).unwrap();
        assert_eq!(file.version, VERSION);
        for name in file.weights.keys() {
            assert!(Feature::ALL.iter().any(|feature| feature.name() == name), "{name}");
        }
    }

    #[test]
    fn the_best_candidate_has_score_1_and_late_interaction_counts() {
        assert_eq!(score(&Features::from_fn(|_| 0.0)), 0.0);
        let best = WEIGHTS.get(Feature::Cosine).max(WEIGHTS.get(Feature::Bm25));
        let others = Feature::ALL.iter().filter(|feature| !matches!(feature, Feature::Cosine | Feature::Bm25));
        let most = best + others.map(|&feature| WEIGHTS.get(feature).max(0.0)).sum::<f32>();
        assert!((most - 1.0).abs() < 1e-3, "{most}");
        assert!(WEIGHTS.get(Feature::Maxsim) > 0.2);
    }
}
