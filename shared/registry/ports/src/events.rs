//! The events of a registry: what happened to artifacts and tags, for whoever wants to know.
//!
//! An event is told at least once. Told again, it has the same id; of different things nobody promises an order.
//! On the wire it is a CloudEvent (<https://github.com/cloudevents/spec>, version 1.0.2), as JSON.

use async_trait::async_trait;
use moorage_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};

use crate::error::PortError;
use crate::rfc3339::rfc3339;
use crate::value::Timestamp;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Follows from what happened alone: from the node, its incarnation and the transition, or from the tag, the version
    /// of its record and what became of it.
    pub id: String,
    pub happened: Happened,
    /// About when.
    pub at: Timestamp,
    pub repository: RepositoryName,
    pub digest: Digest,
    /// Of the manifest.
    pub media_type: String,
    /// Bytes of the manifest.
    pub size: u64,
    /// As the rules of types resolve it. An event of a tag has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    /// What the manifest refers to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<Tag>,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// A manifest is there that was not.
    Pushed,
    /// It is not there for readers any more: somebody deleted it, or nothing held it. It is in the recycle bin.
    Deleted,
    /// It came back from there.
    Restored,
    /// It is gone for good.
    Collected,
    /// A tag was made, or moved.
    Tagged,
    /// A tag was deleted, by itself or with its manifest.
    Untagged,
}

impl Happened {
    /// As the `type` of a CloudEvent has it.
    #[must_use]
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Pushed => "dev.moorage.artifact.pushed",
            Self::Deleted => "dev.moorage.artifact.deleted",
            Self::Restored => "dev.moorage.artifact.restored",
            Self::Collected => "dev.moorage.artifact.collected",
            Self::Tagged => "dev.moorage.tag.pointed",
            Self::Untagged => "dev.moorage.tag.deleted",
        }
    }
}

impl Event {
    /// As a CloudEvent in JSON, on one line (the structured mode, `application/cloudevents+json`). `source` is a URI
    /// reference that names the registry.
    #[must_use]
    pub fn cloud_event(&self, source: &str) -> String {
        let subject = match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest),
        };
        let event = CloudEvent {
            specversion: "1.0",
            id: &self.id,
            source,
            event_type: self.happened.event_type(),
            subject,
            time: rfc3339(self.at),
            datacontenttype: "application/json",
            data: Data {
                repository: &self.repository,
                digest: &self.digest,
                media_type: &self.media_type,
                size: self.size,
                artifact_type: self.artifact_type.as_deref(),
                subject: self.subject.as_ref(),
                tag: self.tag.as_ref(),
            },
        };
        serde_json::to_string(&event).expect("texts and numbers can be written")
    }
}

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'static str,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    repository: &'a RepositoryName,
    digest: &'a Digest,
    media_type: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a Tag>,
}

/// Takes events, and hands them on to somebody.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Hands some events over, and answers for each, in their order, whether it was: what was not is handed over
    /// again, later. Answers within a bounded time. What was taken is not lost when this answers.
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(happened: Happened) -> Event {
        Event {
            id: "a/b@d#1#pushed".to_owned(),
            happened,
            at: Timestamp(1_764_158_400_123),
            repository: "a/b".parse().expect("a name"),
            digest: Digest::sha256(b"a"),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            size: 7,
            artifact_type: None,
            subject: None,
            tag: None,
        }
    }

    #[test]
    fn of_an_artifact() {
        let event = Event {
            artifact_type: Some("text/\"x\"".to_owned()),
            subject: Some(Digest::sha256(b"b")),
            ..event(Happened::Pushed)
        };
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let expected = format!(
            r#"{{"specversion":"1.0","id":"a/b@d#1#pushed","source":"moorage","type":"dev.moorage.artifact.pushed","subject":"a/b@{a}","time":"2025-11-26T12:00:00.123Z","datacontenttype":"application/json","data":{{"repository":"a/b","digest":"{a}","mediaType":"application/vnd.oci.image.manifest.v1+json","size":7,"artifactType":"text/\"x\"","subject":"{b}"}}}}"#
        );
        assert_eq!(event.cloud_event("moorage"), expected);
    }

    #[test]
    fn of_a_tag() {
        let event = Event { tag: Some("v1".parse().expect("a tag")), ..event(Happened::Untagged) };
        let written: serde_json::Value =
            serde_json::from_str(&event.cloud_event("https://x.example")).expect("JSON");
        let expected = ("https://x.example", "dev.moorage.tag.deleted", "a/b:v1", "v1");
        let (said, data) = (|name: &str| written[name].as_str().expect("a text"), &written["data"]);
        let tag = data["tag"].as_str().expect("a text");
        assert_eq!((said("source"), said("type"), said("subject"), tag), expected);
        assert!(data.get("artifactType").is_none() && data.get("subject").is_none());
    }
}
