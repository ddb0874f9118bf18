//! `_moorage/recycle-bin`: what is in it, bringing something back, taking something out for good.

use http::{Response, StatusCode};
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{InvalidRequest, RegistryError};
use moorage_ports::Timestamp;
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::paging::{limit, link};
use crate::registry::Registry;
use crate::request::Head;
use crate::time::rfc3339;

#[derive(Serialize)]
struct Bin<'a> {
    name: &'a str,
    manifests: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    digest: &'a str,
    media_type: &'a str,
    size: u64,
    recycled_at: String,
    kept_until: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoredAnswer<'a> {
    name: &'a str,
    manifests: Vec<&'a str>,
    tags: Vec<&'a str>,
    tags_elsewhere: Vec<&'a str>,
}

impl Registry {
    /// `GET /v2/<name>/_moorage/recycle-bin/`
    pub(crate) async fn get_recycle_bin(
        &self,
        repository: &str,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let limit = limit(&head.query)?;
        let after = head.query.get("last").map(place).transpose()?;
        let page = self.pull()?.recycle_bin(&repository, limit, after).await?;
        let manifests = page.manifests.iter().map(|manifest| Entry {
            digest: manifest.digest.as_str(),
            media_type: &manifest.media_type,
            size: manifest.size,
            recycled_at: rfc3339(manifest.since),
            kept_until: rfc3339(manifest.until),
        });
        let next = page.next.map(|(since, digest)| {
            let (n, last) = (limit.map(|n| n.to_string()), format!("{}@{digest}", since.0));
            let mut parameters = Vec::new();
            parameters.extend(n.as_deref().map(|n| ("n", n)));
            parameters.push(("last", last.as_str()));
            link(&format!("/v2/{repository}/_moorage/recycle-bin/"), &parameters)
        });
        let bin = Bin { name: repository.as_str(), manifests: manifests.collect() };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &bin))
    }

    /// `POST /v2/<name>/_moorage/recycle-bin/<digest>`
    pub(crate) async fn restore(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        let restored = self.push()?.restore_manifest(&repository, &digest).await?;
        let answer = RestoredAnswer {
            name: repository.as_str(),
            manifests: restored.manifests.iter().map(Digest::as_str).collect(),
            tags: restored.tags.iter().map(|tag| tag.as_str()).collect(),
            tags_elsewhere: restored.tags_elsewhere.iter().map(|tag| tag.as_str()).collect(),
        };
        Ok(Answer::new(StatusCode::OK).digest(&digest).json("application/json", &answer))
    }

    /// `DELETE /v2/<name>/_moorage/recycle-bin/<digest>`
    pub(crate) async fn purge(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        self.push()?.purge_manifest(&repository, &digest).await?;
        Ok(Answer::new(StatusCode::ACCEPTED).empty())
    }
}

/// Where a page ended: `<milliseconds>@<digest>`, as a link of ours says.
fn place(text: &str) -> Result<(Timestamp, Digest), InvalidRequest> {
    let parse = || {
        let (since, digest) = text.split_once('@')?;
        Some((Timestamp(since.parse().ok()?), digest.parse().ok()?))
    };
    parse().ok_or_else(|| InvalidRequest::Query {
        parameter: "last",
        reason: "take it from the Link of the page before".to_owned(),
    })
}
