//! A panic in a handler is a logged defect and a 500, never the end of the server.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};

/// What `tower_http`'s catch-panic layer answers.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands it over by value")]
pub(crate) fn answer(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "a handler panicked");
    metrics::counter!("http_panics_total").increment(1);
    Problem::new(Code::Internal, "the request could not be handled because of an error inside the server")
        .into_response()
}
