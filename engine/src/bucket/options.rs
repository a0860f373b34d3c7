//! How patient the requests of a bucket are, and in what pieces objects go up.

use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::limits;

/// How patient the requests of a bucket are, and in what pieces objects go up. What the environment says of time-outs goes before this.
#[derive(Debug, Clone, Copy)]
pub struct BucketOptions {
    /// So often at most a request is sent again that failed in a way that may pass: errors of the server, too many requests, lost connections.
    pub retries: usize,
    /// A request is not sent again when it was first sent so long ago.
    pub retry_within: Duration,
    /// Pause before a request is sent again for the first time; each further one is up to twice as long as the one before.
    pub retry_pause: Duration,
    /// Longest pause before a request is sent again.
    pub retry_pause_max: Duration,
    /// Longest time to connect.
    pub connect: Duration,
    /// Longest time of one request, from connecting to the last byte of its answer.
    pub request: Duration,
    /// Longest wait for what a request without a body is answered, to the first byte of an object and with all that is sent again: what is known of a bucket
    /// that takes requests and never answers.
    pub answer: Duration,
    /// A larger object goes up in parts of this size, each a request of its own. Google Cloud Storage and S3 take none under 5 MiB but the last.
    pub part_bytes: usize,
}

impl Default for BucketOptions {
    fn default() -> Self {
        Self {
            retries: limits::BUCKET_RETRIES,
            retry_within: limits::BUCKET_RETRY_WITHIN,
            retry_pause: limits::BUCKET_RETRY_PAUSE,
            retry_pause_max: limits::BUCKET_RETRY_PAUSE_MAX,
            connect: limits::BUCKET_CONNECT,
            request: limits::BUCKET_REQUEST,
            answer: limits::BUCKET_ANSWER,
            part_bytes: limits::BUCKET_PART_BYTES,
        }
    }
}

impl BucketOptions {
    pub(super) fn retry(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig { init_backoff: self.retry_pause, max_backoff: self.retry_pause_max, base: 2.0 },
            max_retries: self.retries,
            retry_timeout: self.retry_within,
        }
    }

    pub(super) fn client(&self) -> ClientOptions {
        ClientOptions::new().with_connect_timeout(self.connect).with_timeout(self.request)
    }
}
