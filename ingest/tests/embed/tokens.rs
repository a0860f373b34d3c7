//! Token vectors from the same pass as the text's own.

use coditect_ingest::embed::EmbeddedText;

use crate::model::{cosine, local};

async fn embedded(text: &str) -> EmbeddedText {
    local().await.embed_with_tokens(&[text.to_owned()]).await.unwrap().unwrap().pop().unwrap()
}

#[tokio::test]
async fn tokens_come_with_the_same_vector() {
    let texts = ["Store > open\nA second server on the same directory is refused.", "", "One."];
    for text in texts {
        let plain = local().await.embed_documents(&[text.to_owned()]).await.unwrap();
        let embedded = embedded(text).await;
        assert!(cosine(&plain[0], &embedded.vector) > 0.999_999, "{text:?}");
        let tokens = embedded.tokens;
        assert_eq!((tokens.ids.len(), tokens.ids.len() * 48), (tokens.starts.len(), tokens.signs.len()));
        assert_eq!(tokens.ids.is_empty(), text.is_empty());
    }
}

#[tokio::test]
async fn tokens_know_their_places() {
    let text = "Retries\nWörter: 200 ms wait.";
    let tokens = embedded(text).await.tokens;
    let words: Vec<&str> = tokens.starts.iter().map(|&start| &text[start as usize..]).collect();
    assert!(words[0].starts_with("Retries") && words.last().unwrap().starts_with('.'), "{words:?}");
    assert!(tokens.starts.is_sorted() && words.iter().any(|word| word.starts_with("Wörter")));
}

#[tokio::test]
async fn what_the_model_does_not_read_has_no_tokens() {
    let tokens = embedded(&"word ".repeat(1_000)).await.tokens;
    assert_eq!(tokens.ids.len(), local().await.max_tokens() - 2);
}

#[tokio::test]
async fn the_tokens_of_a_query_have_whole_vectors() {
    let query = "how long do retries wait?";
    let embedded = local().await.embed_query_with_tokens(query).await.unwrap().unwrap();
    assert!(cosine(&embedded.vector, &local().await.embed_query(query).await.unwrap()) > 0.999_999);
    assert_eq!(embedded.vectors.len(), embedded.ids.len() * 384);
    let words: Vec<&str> = embedded.places.iter().map(|&(a, b)| &query[a as usize..b as usize]).collect();
    assert_eq!(words, ["how", "long", "do", "re", "tries", "wait", "?"]);
}
