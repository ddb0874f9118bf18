//! Between Lambda and the registry: an event in, an answer out, whatever the event holds.

use moorage_http::{Registry, refuse};
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::request::request;

/// Answers one event. What cannot be a request is refused in the protocol's own form (400).
pub(crate) async fn answer(registry: &Registry, event: &RawValue) -> Answer {
    match request(event) {
        Ok(request) => Answer::of(registry.answer(request).await).await,
        Err(invalid) => {
            tracing::warn!(reason = %invalid, "an event could not be read as a request");
            Answer::of(refuse(&invalid.into())).await
        }
    }
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
