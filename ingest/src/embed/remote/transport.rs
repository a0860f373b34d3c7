//! Sends one JSON request and retries it: backoff with jitter, `Retry-After`, bounded answers.

use std::error::Error as _;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use jiff::fmt::rfc2822;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};

use super::super::config::HttpConfig;
use super::super::error::EmbedError;
use super::super::limits::{CONNECT_TIMEOUT, MAX_ANSWER_BYTES, MAX_ERROR_BODY_BYTES, QUERY_RETRIES};
use super::answer::{Malformed, error_message, is_final};
use super::credential::Credential;

/// How long a caller can wait.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effort {
    /// Somebody is waiting for the answer: few retries.
    Prompt,
    /// A bulk job: as many retries as configured.
    Patient,
}

/// A connection pool to one URL.
pub(super) struct Transport {
    client: Client,
    url: Url,
    credential: Credential,
    settings: HttpConfig,
}

/// A failed attempt.
struct Failure {
    error: EmbedError,
    again: bool,
    after: Option<Duration>,
}

impl Failure {
    fn last(error: EmbedError) -> Self {
        Self { error, again: false, after: None }
    }

    fn passing(message: String) -> Self {
        Self { error: EmbedError::Unavailable(message), again: true, after: None }
    }
}

impl Transport {
    pub(super) fn new(url: Url, credential: Credential, settings: HttpConfig) -> Result<Self, EmbedError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("coditect/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| EmbedError::Unavailable(format!("set up HTTP: {error}")))?;
        Ok(Self { client, url, credential, settings })
    }

    /// Posts `body` until an answer is accepted by `parse` or the retries are used up.
    pub(super) async fn post<T>(
        &self,
        body: String,
        effort: Effort,
        parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, EmbedError> {
        let body = Bytes::from(body);
        let (timeout, retries) = match effort {
            Effort::Prompt => (self.settings.query_timeout(), self.settings.retries.min(QUERY_RETRIES)),
            Effort::Patient => (self.settings.timeout(), self.settings.retries),
        };
        let longest = self.settings.max_backoff();
        let policy = ExponentialBuilder::new()
            .with_min_delay(self.settings.backoff())
            .with_max_delay(longest)
            .with_max_times(retries)
            .with_jitter();
        let attempt = || self.attempt(body.clone(), timeout, &parse);
        attempt
            .retry(policy)
            .when(|failure: &Failure| failure.again)
            .adjust(|failure, planned| next_wait(failure.after, planned, longest))
            .notify(|failure, wait| {
                tracing::warn!(error = %failure.error, ?wait, "embedding request failed, trying again");
            })
            .await
            .map_err(|failure| failure.error)
    }

    async fn attempt<T>(
        &self,
        body: Bytes,
        timeout: Duration,
        parse: &impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let authorization = self.credential.header().await.map_err(|error| Failure {
            again: error.is_transient(),
            error,
            after: None,
        })?;
        let mut request = self.client.post(self.url.clone()).timeout(timeout).header(CONTENT_TYPE, "application/json");
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.body(body).send().await.map_err(|error| network(error, timeout))?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let answer = read(response, MAX_ANSWER_BYTES, timeout).await?;
        parse(&answer).map_err(|malformed| match malformed {
            Malformed::CutShort => Failure::passing("its answer was cut short".to_owned()),
            Malformed::Wrong(message) => Failure::last(EmbedError::Answer(message)),
        })
    }
}

/// How long to wait before the next attempt; none when no attempt is left, or when the provider
/// asks for a longer wait than the settings allow.
fn next_wait(asked: Option<Duration>, planned: Option<Duration>, longest: Duration) -> Option<Duration> {
    match (planned, asked) {
        (Some(_), Some(asked)) if asked > longest => None,
        (Some(_), Some(asked)) => Some(asked),
        (planned, _) => planned,
    }
}

/// Turns an answer with an error status into what the caller does about it.
async fn refusal(response: Response) -> Failure {
    let status = response.status().as_u16();
    let after = retry_after(response.headers());
    // The status alone says enough when the body cannot be read.
    let body = read(response, MAX_ERROR_BODY_BYTES, Duration::ZERO).await.unwrap_or_default();
    let message = error_message(&body);
    match status {
        429 => {
            let error = EmbedError::RateLimited { message, retry_after: after };
            Failure { error, again: !is_final(&body), after }
        }
        408 | 500..=599 => Failure { after, ..Failure::passing(format!("status {status}: {message}")) },
        300..=399 => Failure::last(EmbedError::Rejected { status, message: "it redirects elsewhere".to_owned() }),
        _ => Failure::last(EmbedError::Rejected { status, message }),
    }
}

/// Reads at most `limit` bytes of the body.
async fn read(mut response: Response, limit: usize, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(error, timeout))? {
        if body.len() + chunk.len() > limit {
            return Err(Failure::last(EmbedError::Answer(format!("it is longer than {limit} bytes"))));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn network(error: reqwest::Error, timeout: Duration) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        return Failure::passing(format!("no answer within {} ms", timeout.as_millis()));
    }
    // The URL may hold what its owner would not want in a log.
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Failure::passing(message)
}

/// `Retry-After` in seconds, or as a date counted from the answer's own `Date`; also the
/// millisecond form that some providers add.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text(HeaderName::from_static("retry-after-ms")).and_then(|value| value.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let value = text(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    let wait = moment(value)?.duration_since(moment(text(DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&'static str, &str)]) -> HeaderMap {
        entries.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (entries, expected) in [
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after-ms", "250"), ("retry-after", "1")], Some(250)),
            (vec![date, ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], Some(30_000)),
            (vec![date, ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")], Some(0)),
            (vec![("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "-1")], None),
            (vec![], None),
        ] {
            assert_eq!(retry_after(&headers(&entries)), expected.map(Duration::from_millis), "{entries:?}");
        }
    }

    #[test]
    fn the_provider_decides_the_wait_within_the_settings() {
        let seconds = |n| Some(Duration::from_secs(n));
        let longest = Duration::from_secs(60);
        assert_eq!(next_wait(None, seconds(2), longest), seconds(2));
        assert_eq!(next_wait(seconds(9), seconds(2), longest), seconds(9));
        assert_eq!(next_wait(seconds(61), seconds(2), longest), None);
        assert_eq!(next_wait(seconds(9), None, longest), None);
    }
}
