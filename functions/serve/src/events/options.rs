//! What can be said of who is told of events.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use reqwest::Url;

/// As Standard Webhooks writes a secret, and how many bytes it asks for
/// (<https://github.com/standard-webhooks/standard-webhooks>, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

#[derive(Args, Clone)]
pub(crate) struct EventOptions {
    /// Events (what was pushed, deleted, restored, collected; where tags point) are appended to this file, a line of
    /// JSON each. It may be moved away at any time, and is made again.
    #[arg(long, env = "MOORAGE_EVENTS_FILE", value_name = "PATH")]
    events_file: Option<OsString>,

    /// Events are sent to this http or https URL, a POST each. What is not answered with 2xx is sent again later.
    #[arg(long, env = "MOORAGE_EVENTS_WEBHOOK", value_name = "URL", hide_env_values = true)]
    events_webhook: Option<String>,

    /// What is sent to the webhook is signed with this secret, as Standard Webhooks has it: `whsec_` and 24 to 64 random
    /// bytes in base64. Better given in the environment, where other users of the machine don't see it.
    #[arg(long, env = "MOORAGE_EVENTS_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    events_webhook_secret: Option<String>,

    /// What events say they come from: the `source` of each CloudEvent, a URI or a part of one.
    #[arg(long, env = "MOORAGE_EVENTS_SOURCE", value_name = "URI", default_value = "moorage")]
    events_source: String,
}

/// Who is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum To {
    File(PathBuf),
    Webhook { url: Url, secret: Option<Secret> },
}

/// What a webhook's requests are signed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl EventOptions {
    /// Who is told, if anybody. A variable that is set to nothing is not set.
    ///
    /// # Errors
    /// What is wrong with what was said, and what to say instead.
    pub(super) fn to(&self) -> Result<Option<To>, String> {
        let said = |option: &'_ Option<String>| option.clone().filter(|text| !text.is_empty());
        let file = self.events_file.clone().filter(|path| !path.is_empty()).map(PathBuf::from);
        let (url, secret) = (said(&self.events_webhook), said(&self.events_webhook_secret));
        match (file, url) {
            (Some(_), Some(_)) => {
                Err("--events-file and --events-webhook were both given, and each event is told once: \
                                       give one of them"
                    .to_owned())
            }
            (None, Some(url)) => {
                let secret = secret.as_deref().map(read_secret).transpose()?;
                Ok(Some(To::Webhook { url: read_url(&url)?, secret }))
            }
            (_, None) if secret.is_some() => {
                Err("--events-webhook-secret signs what is sent to a webhook: give --events-webhook URL too"
                    .to_owned())
            }
            (file, None) => Ok(file.map(To::File)),
        }
    }

    /// What events say they come from.
    ///
    /// # Errors
    /// Where it is no URI reference.
    pub(super) fn source(&self) -> Result<&str, String> {
        let source = self.events_source.as_str();
        let is_of_uri = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if source.is_empty() || !source.bytes().all(is_of_uri) {
            return Err(format!(
                "--events-source {source:?} is no URI, nor a part of one: give a name without spaces, or the registry's \
                 URL"
            ));
        }
        Ok(source)
    }
}

fn read_url(text: &str) -> Result<Url, String> {
    // Neither is shown: what is wrong may be, or have, a secret.
    let url = Url::parse(text).map_err(|error| {
        format!("--events-webhook is no URL ({error}): give one such as https://example.org/events")
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("--events-webhook is a URL of the scheme {scheme}: give one of https or http")),
    }
}

fn read_secret(text: &str) -> Result<Secret, String> {
    let wrong = |what: String| {
        format!(
            "--events-webhook-secret {what}: it is {SECRET_PREFIX} and {} to {} random bytes in base64, such as \
             `echo {SECRET_PREFIX}$(openssl rand -base64 32)` makes",
            SECRET_BYTES.start(),
            SECRET_BYTES.end()
        )
    };
    let encoded = text
        .strip_prefix(SECRET_PREFIX)
        .ok_or_else(|| wrong(format!("does not begin with {SECRET_PREFIX}")))?;
    let secret =
        STANDARD.decode(encoded).map_err(|_| wrong(format!("has no base64 after {SECRET_PREFIX}")))?;
    if !SECRET_BYTES.contains(&secret.len()) {
        return Err(wrong(format!("has {} bytes", secret.len())));
    }
    Ok(Secret(secret))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Read {
        #[command(flatten)]
        events: EventOptions,
    }

    fn read(arguments: &[&str]) -> EventOptions {
        Read::try_parse_from(std::iter::once(&"x").chain(arguments)).expect("arguments").events
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const URL: &str = "https://example.org/events?token=x";

    #[test]
    fn nobody_a_file_or_a_webhook() {
        assert_eq!(read(&[]).to(), Ok(None));
        assert_eq!(read(&["--events-file", "", "--events-webhook", ""]).to(), Ok(None));
        assert_eq!(read(&["--events-file", "a/b"]).to(), Ok(Some(To::File("a/b".into()))));
        let webhook = |secret| Ok(Some(To::Webhook { url: URL.parse().expect("a URL"), secret }));
        assert_eq!(read(&["--events-webhook", URL]).to(), webhook(None));
        let signed = read(&["--events-webhook", URL, "--events-webhook-secret", SECRET]).to();
        let secret = STANDARD.decode(&SECRET[SECRET_PREFIX.len()..]).expect("base64");
        assert_eq!(signed, webhook(Some(Secret(secret))));
        assert!(!format!("{signed:?}").contains("77"), "{signed:?}");
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_secret() {
        let hook = |secret| ["--events-webhook", URL, "--events-webhook-secret", secret];
        for (arguments, said) in [
            (&["--events-webhook", URL, "--events-file", "f"][..], "give one of them"),
            (&["--events-webhook-secret", SECRET], "give --events-webhook URL too"),
            (&["--events-webhook", "example.org"], "no URL"),
            (&["--events-webhook", "ftp://example.org"], "of the scheme ftp"),
            (&hook("secret-as-text"), "does not begin with whsec_"),
            (&hook("whsec_secret-as-text!"), "no base64"),
            (&hook("whsec_c2VjcmV0LWFzLXRleHQ="), "has 14 bytes"),
        ] {
            let refused = read(arguments).to().expect_err(said);
            assert!(refused.contains(said), "{refused}");
            assert!(!refused.contains("as-text") && !refused.contains("token"), "{refused}");
        }
        for wrong in ["", "my registry", "a\"b"] {
            assert!(read(&["--events-source", wrong]).source().is_err(), "{wrong}");
        }
        assert_eq!(read(&[]).source(), Ok("moorage"));
    }
}
