//! `_oci/tag-history/<tag>`: where a tag pointed, and when (distribution-spec, pull request 606: a draft, followed as it
//! stood in August 2026).

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use moorage_oci::{Descriptor, Digest, RepositoryName, Tag, media_type};
use moorage_operations::{RegistryError, TagHistoryQuery};
use moorage_ports::facts::{TagEvent, TagHappening};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::paging::{before, last, limit, link, since};
use crate::query::Query;
use crate::registry::Registry;
use crate::request::Head;
use crate::time::rfc3339;

const TIMESTAMP: &str = "org.opencontainers.distribution.tag.timestamp";
const EVENT: &str = "org.opencontainers.distribution.tag.event";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: Vec<Descriptor>,
}

impl Registry {
    /// `GET /v2/<name>/_oci/tag-history/<tag>`; a tag, or a repository, that is not known has an empty one, as the
    /// draft wants it.
    pub(crate) async fn get_tag_history(
        &self,
        repository: &str,
        tag: &str,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, tag) = (repository.parse::<RepositoryName>()?, tag.parse::<Tag>()?);
        let query = asked(&head.query)?;
        let page = self.pull()?.tag_history(&repository, &tag, &query).await?;
        let next = page.next.map(|moment| {
            let last = moment.to_string();
            // What was asked for stays so; the place is exact where times are not.
            let kept = ["n", "before", "since", "digest"];
            let mut parameters: Vec<(&str, &str)> =
                kept.into_iter().filter_map(|name| Some((name, head.query.get(name)?))).collect();
            parameters.push(("last", last.as_str()));
            link(&format!("/v2/{repository}/_oci/tag-history/{tag}"), &parameters)
        });
        let manifests = page.events.into_iter().map(descriptor).collect();
        let index = Index { schema_version: 2, media_type: media_type::OCI_INDEX, manifests };
        Ok(Answer::new(StatusCode::OK).link(next).json(media_type::OCI_INDEX, &index))
    }
}

fn asked(query: &Query<'_>) -> Result<TagHistoryQuery, RegistryError> {
    Ok(TagHistoryQuery {
        limit: limit(query)?,
        after: last(query)?,
        before: before(query)?,
        since: since(query)?,
        digest: query.get("digest").map(str::parse::<Digest>).transpose()?,
    })
}

fn descriptor(event: TagEvent) -> Descriptor {
    let happened = match event.happened {
        TagHappening::Pointed => "created",
        TagHappening::Deleted => "deleted",
    };
    let mut descriptor = Descriptor::new(event.media_type, event.digest, event.size);
    descriptor.annotations =
        BTreeMap::from([(TIMESTAMP.to_owned(), rfc3339(event.at)), (EVENT.to_owned(), happened.to_owned())]);
    descriptor
}
