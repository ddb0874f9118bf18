//! `_moorage/explain/<digest>`: why something is kept, or when and by what it goes.

use http::{Response, StatusCode};
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{By, Explanation, KeptBy, Outlook, RegistryError};
use moorage_ports::facts::State;
use moorage_ports::{Holder, Reviewed};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::registry::Registry;
use crate::time::rfc3339;

/// What is left out is not so: without `goesAt` it stays for as long as what holds it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationAnswer<'a> {
    name: &'a str,
    digest: &'a str,
    /// `manifest` or `blob`.
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    reason: String,
    kept_by: Vec<Link>,
    /// The chain goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_until: Option<String>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    /// `tag`, `index`, `manifest`, `subject` or `policy`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// Nothing holds this one: it goes, not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_at: Option<String>,
}

impl Registry {
    /// `GET /v2/<name>/_moorage/explain/<digest>`
    pub(crate) async fn get_explanation(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        let explanation = self.pull()?.explain(&repository, &digest).await?;
        let answer = answer(&repository, &digest, &explanation);
        Ok(Answer::new(StatusCode::OK).json("application/json", &answer))
    }
}

fn answer<'a>(
    repository: &'a RepositoryName,
    digest: &'a Digest,
    explanation: &Explanation,
) -> ExplanationAnswer<'a> {
    ExplanationAnswer {
        name: repository.as_str(),
        digest: digest.as_str(),
        kind: if matches!(explanation.of, Reviewed::Manifest(..)) { "manifest" } else { "blob" },
        state: explanation.state,
        reason: explanation.reason(),
        kept_by: explanation.kept_by.iter().map(link).collect(),
        more: explanation.more,
        keep_until: explanation.keep_until.map(rfc3339),
        goes_at: explanation.outlook.goes_from().map(rfc3339),
    }
}

fn link(kept: &KeptBy) -> Link {
    let (kind, tag, digest) = match &kept.holder {
        By::Subject(digest) => ("subject", None, Some(digest)),
        By::Holder(Holder::Tag(tag, _)) => ("tag", Some(tag.to_string()), None),
        By::Holder(Holder::Index(digest, _)) => ("index", None, Some(digest)),
        By::Holder(Holder::Manifest(_, digest, _)) => ("manifest", None, Some(digest)),
        By::Holder(Holder::Kept(_)) => ("policy", None, None),
        // Only a content is held by one, and contents are no repository's.
        By::Holder(Holder::Grant(..)) => ("grant", None, None),
    };
    Link {
        kind,
        tag,
        digest: digest.map(ToString::to_string),
        state: kept.state,
        goes_at: kept.outlook.as_ref().and_then(Outlook::goes_from).map(rfc3339),
    }
}
