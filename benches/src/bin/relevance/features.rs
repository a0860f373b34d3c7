//! Writes down what the server sees of the candidates of every question: what the ranking is trained on.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use coditect_benches::client::{Explanation, SearchResult};
use coditect_benches::dataset::{Level, Question};
use coditect_benches::report::write_json;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::ask::covers;
use crate::session::{Indexing, Session};

/// Questions asked at once.
const AT_ONCE: usize = 2;

#[derive(Args)]
pub(crate) struct Features {
    #[command(flatten)]
    indexing: Indexing,
    /// Candidates of each question
    #[arg(long, default_value_t = 100)]
    depth: usize,
    /// Name of the result below target/bench; `features-<set>.json` when absent
    #[arg(long)]
    out: Option<String>,
}

/// All questions of a set.
#[derive(Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) data: String,
    pub(crate) level: Level,
    pub(crate) questions: Vec<SeenQuestion>,
}

/// A question and its candidates.
#[derive(Serialize, Deserialize)]
pub(crate) struct SeenQuestion {
    pub(crate) id: String,
    pub(crate) query: String,
    /// Number of items judged relevant.
    pub(crate) judged: usize,
    pub(crate) candidates: Vec<SeenCandidate>,
}

/// A candidate: the judged items that it covers, and its features.
#[derive(Serialize, Deserialize)]
pub(crate) struct SeenCandidate {
    pub(crate) document_id: String,
    pub(crate) lines: (u32, u32),
    /// Judged items that it covers.
    pub(crate) covers: Vec<usize>,
    /// Judged items that its strongest evidence covers.
    pub(crate) evidence_covers: Vec<usize>,
    pub(crate) evidence_lines: u32,
    pub(crate) features: BTreeMap<String, f32>,
}

/// Asks every question and writes the file.
pub(crate) async fn features(arguments: Features) -> Result<()> {
    let session = Session::start(&arguments.indexing).await?;
    let asking = session.asking()?;
    let asked = session.set.questions.iter().map(|question| {
        let asking = &asking;
        async move { Ok::<_, anyhow::Error>(seen(question, asking.seen(question, arguments.depth).await?)) }
    });
    let questions = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let out = arguments.out.unwrap_or_else(|| format!("features-{}.json", session.set.name));
    let path = write_json(&out, &Seen { data: session.set.name.clone(), level: session.set.level, questions })?;
    println!("written to {}", path.display());
    session.stop().await
}

fn values(explanation: &Explanation) -> BTreeMap<String, f32> {
    explanation.features.iter().map(|(name, feature)| (name.clone(), feature.value)).collect()
}

fn seen(question: &Question, results: Vec<SearchResult>) -> SeenQuestion {
    let candidate = |result: SearchResult| {
        let mut strongest = result.clone();
        if let Some(evidence) = result.evidence.first() {
            (strongest.passage.line_start, strongest.passage.line_end) = (evidence.line_start, evidence.line_end);
        }
        SeenCandidate {
            covers: covers(&question.relevant, &result),
            evidence_covers: covers(&question.relevant, &strongest),
            evidence_lines: strongest.passage.line_end + 1 - strongest.passage.line_start,
            lines: (result.passage.line_start, result.passage.line_end),
            document_id: result.document_id,
            features: result.explain.map(|explanation| values(&explanation)).unwrap_or_default(),
        }
    };
    SeenQuestion {
        id: question.id.clone(),
        query: question.query.clone(),
        judged: question.relevant.len(),
        candidates: results.into_iter().map(candidate).collect(),
    }
}
