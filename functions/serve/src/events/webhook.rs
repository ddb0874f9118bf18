//! Events to a webhook: a POST each, signed as Standard Webhooks has it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use moorage_ports::{Clock, Event, EventSink, PortError};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url, redirect};
use sha2::Sha256;

use super::options::Secret;

/// How long a receiver may take for an answer: it should note the event and do its work after that.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Requests under way at once: enough to hide the time of an answer, few enough for a small receiver.
const AT_ONCE: usize = 8;

/// The receiver of a webhook.
pub(super) struct Webhook {
    client: Client,
    url: Url,
    secret: Option<Secret>,
    source: String,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// # Errors
    /// Where TLS can't be set up.
    pub(super) fn new(
        url: Url,
        secret: Option<Secret>,
        source: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        // Another part of the process may have said the same already.
        let _set = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("moorage/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER_TIME_MAX)
            // A redirect could lead anywhere, and what is signed is meant for one.
            .redirect(redirect::Policy::none());
        // No certificates are needed, nor have to be there, where nothing is encrypted.
        let client = if url.scheme() == "http" { client.tls_certs_only([]) } else { client };
        let client = client.build().map_err(|error| format!("no webhook can be sent: {}", whole(&error)))?;
        Ok(Self { client, url, secret, source: source.to_owned(), clock })
    }

    async fn post(&self, event: &Event) -> Result<(), PortError> {
        let id = webhook_id(event);
        let timestamp = (self.clock.now().0 / 1000).to_string();
        let body = event.cloud_event(&self.source);
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"))
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp);
        if let Some(Secret(key)) = &self.secret {
            request = request.header("webhook-signature", signature(key, &id, &timestamp, &body));
        }
        // The URL may have a secret in it.
        let answer = request.body(body).send().await.map_err(|error| {
            PortError::Unavailable(format!("the webhook was not answered: {}", whole(&error.without_url())))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(PortError::Unavailable(format!("the webhook answered {status}")))
    }
}

#[async_trait]
impl EventSink for Webhook {
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
        let posts: Vec<_> = events.iter().map(|event| self.post(event)).collect();
        stream::iter(posts).buffered(AT_ONCE).collect().await
    }
}

/// The event's id. Standard Webhooks signs it before a full stop, so that none may be in it: `%2E` stands for one, as
/// there is no other `%` in an id.
fn webhook_id(event: &Event) -> String {
    event.id.replace('.', "%2E")
}

/// `v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64.
fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// An error with what caused it: by itself it says little.
fn whole(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
