//! `_moorage/search`: which manifests there are, by what they are; in the whole registry or in a repository.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{FoundManifest, InvalidRequest, Lead, NamedValue, RegistryError, SearchQuery};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::paging::{before, last, limit, link, since};
use crate::query::Query;
use crate::registry::Registry;
use crate::request::Head;
use crate::time::rfc3339;

/// Annotations that one search may ask for, and labels: each candidate is held against all of them.
const NAMED_VALUES_MAX: usize = 32;

#[derive(Serialize)]
struct Found<'a> {
    results: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    repository: &'a str,
    digest: &'a str,
    media_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    size: u64,
    pushed: String,
    platforms: &'a [String],
    annotations: &'a BTreeMap<String, String>,
    labels: &'a BTreeMap<String, String>,
    /// Some annotations or labels are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

impl Registry {
    /// `GET /v2/_moorage/search` and `GET /v2/<name>/_moorage/search`; a repository that is not known has nothing.
    pub(crate) async fn get_search(
        &self,
        repository: Option<&str>,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.map(str::parse::<RepositoryName>).transpose()?;
        let path = match &repository {
            Some(repository) => format!("/v2/{repository}/_moorage/search"),
            None => "/v2/_moorage/search".to_owned(),
        };
        let page = self.pull()?.search(&asked(repository, &head.query)?).await?;
        let next = page.next.map(|place| {
            let place = place.to_string();
            let kept = head.query.pairs().filter(|(name, _)| *name != "last");
            link(&path, &kept.chain([("last", place.as_str())]).collect::<Vec<_>>())
        });
        let found = Found { results: page.results.iter().map(entry).collect() };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &found))
    }
}

fn asked(repository: Option<RepositoryName>, query: &Query<'_>) -> Result<SearchQuery, InvalidRequest> {
    const KNOWN: &str = "type, platform, annotation, label, lead, since, before, n, last";
    if let Some((unknown, _)) = query.pairs().find(|(name, _)| !KNOWN.split(", ").any(|known| known == *name))
    {
        return Err(InvalidRequest::UnknownParameter { parameter: unknown.to_owned(), known: KNOWN });
    }
    let invalid = |parameter, reason: String| InvalidRequest::Query { parameter, reason };
    // A second one would say something else, and nobody has two types.
    for parameter in ["type", "platform", "lead", "since", "before", "n", "last"] {
        if query.all(parameter).count() > 1 {
            return Err(invalid(parameter, "say it once".to_owned()));
        }
    }
    for parameter in ["annotation", "label"] {
        if query.all(parameter).count() > NAMED_VALUES_MAX {
            return Err(invalid(parameter, format!("say at most {NAMED_VALUES_MAX}")));
        }
    }
    let named = |parameter: &'static str| {
        let parse = |text: &str| {
            NamedValue::parse(text)
                .ok_or_else(|| invalid(parameter, format!("expected `<name>=<value>`, found `{text}`")))
        };
        query.all(parameter).map(parse).collect::<Result<Vec<_>, _>>()
    };
    let artifact_type = query.get("type").map(|text| {
        let is_said = !text.is_empty();
        is_said
            .then(|| text.to_owned())
            .ok_or_else(|| invalid("type", "expected an artifact type".to_owned()))
    });
    let platform = query.get("platform").map(|text| {
        text.parse().map_err(|expected| invalid("platform", format!("{expected}, found `{text}`")))
    });
    let lead = query.get("lead").map(|text| lead(text).ok_or_else(|| invalid("lead", unknown_lead(text))));
    let asked = SearchQuery {
        repository,
        artifact_type: artifact_type.transpose()?,
        platform: platform.transpose()?,
        annotations: named("annotation")?,
        labels: named("label")?,
        lead: lead.transpose()?,
        since: since(query)?,
        before: before(query)?,
        limit: limit(query)?,
        after: last(query)?,
    };
    if let Some(text) = query.get("lead").filter(|_| asked.lead.is_some_and(|lead| !asked.can_lead(lead))) {
        let reason =
            format!("ask for a `{text}` too: what leads must be one of the criteria, and be able to lead");
        return Err(invalid("lead", reason));
    }
    Ok(asked)
}

fn lead(text: &str) -> Option<Lead> {
    match text {
        "annotation" => Some(Lead::Annotation),
        "type" => Some(Lead::Type),
        "platform" => Some(Lead::Platform),
        "all" => Some(Lead::All),
        _ => None,
    }
}

fn unknown_lead(text: &str) -> String {
    format!("expected annotation, type, platform or all, found `{text}`")
}

fn entry(found: &FoundManifest) -> Entry<'_> {
    let FoundManifest { repository, digest, searched } = found;
    Entry {
        repository: repository.as_str(),
        digest: digest.as_str(),
        media_type: &searched.media_type,
        artifact_type: searched.artifact_type.as_deref(),
        size: searched.size,
        pushed: rfc3339(searched.pushed),
        platforms: &searched.platforms,
        annotations: &searched.annotations,
        labels: &searched.labels,
        incomplete: searched.left_out,
    }
}
