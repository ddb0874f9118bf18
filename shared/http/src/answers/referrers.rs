//! The list of a manifest's referrers, as an image index.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderValue, Response, StatusCode};
use moorage_oci::{Descriptor, Digest, RepositoryName, media_type};
use moorage_operations::{InvalidRequest, RegistryError};
use moorage_ports::Key;
use serde::Serialize;

use crate::answer::{Answer, OCI_FILTERS_APPLIED};
use crate::body::AnswerBody;
use crate::paging::link;
use crate::registry::Registry;
use crate::request::Head;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: &'a [Descriptor],
}

impl Registry {
    pub(crate) async fn get_referrers(
        &self,
        repository: &str,
        digest: &str,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, subject) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        let filter = head.query.get("artifactType").filter(|text| !text.is_empty());
        let after = head.query.get("last").map(|text| place(&repository, &subject, text)).transpose()?;
        let page = self.pull()?.referrers(&repository, &subject, filter, after.as_ref()).await?;
        let next = page.next.map(|key| {
            let last = BASE64_URL_SAFE_NO_PAD.encode(key.sort());
            let mut parameters = Vec::new();
            parameters.extend(filter.map(|filter| ("artifactType", filter)));
            parameters.push(("last", last.as_str()));
            link(&format!("/v2/{repository}/referrers/{subject}"), &parameters)
        });
        let mut answer = Answer::new(StatusCode::OK).link(next);
        if filter.is_some() {
            answer = answer.header(OCI_FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        let index =
            Index { schema_version: 2, media_type: media_type::OCI_INDEX, manifests: &page.descriptors };
        Ok(answer.json(media_type::OCI_INDEX, &index))
    }
}

/// Where a page begins, as an earlier page's link said.
fn place(repository: &RepositoryName, subject: &Digest, text: &str) -> Result<Key, InvalidRequest> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let sort = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    sort.and_then(|sort| Key::referrer_at(repository, subject, &sort)).ok_or_else(|| InvalidRequest::Query {
        parameter: "last",
        reason: "it is not from the Link of an earlier page; begin again without it".into(),
    })
}
