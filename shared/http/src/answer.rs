//! Making answers: the few headers of the API, by name.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LINK, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use moorage_oci::{Digest, RepositoryName};

use crate::body::{AnswerBody, Content};

pub(crate) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const DOCKER_API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// An answer in the making.
pub(crate) struct Answer(Response<AnswerBody>);

impl Answer {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut answer = Response::new(AnswerBody::default());
        *answer.status_mut() = status;
        Self(answer)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().append(name, value);
        self
    }

    pub(crate) fn text(self, name: HeaderName, value: &str) -> Self {
        self.header(name, header(value))
    }

    pub(crate) fn digest(self, digest: &Digest) -> Self {
        self.text(DOCKER_CONTENT_DIGEST, digest.as_str())
    }

    pub(crate) fn location(self, path: &str) -> Self {
        self.text(LOCATION, path)
    }

    pub(crate) fn content_type(self, media_type: &str) -> Self {
        self.text(CONTENT_TYPE, media_type)
    }

    pub(crate) fn link(self, link: Option<String>) -> Self {
        match link {
            Some(link) => self.text(LINK, &link),
            None => self,
        }
    }

    /// The answer, with a body whose length is known.
    pub(crate) fn body(mut self, content: Content, size: u64) -> Response<AnswerBody> {
        self.0.headers_mut().insert(CONTENT_LENGTH, size.into());
        *self.0.body_mut() = AnswerBody::new(content);
        self.0
    }

    /// The answer to a HEAD: the length of what a GET would send, and nothing of it.
    pub(crate) fn head(self, size: u64) -> Response<AnswerBody> {
        self.body(Content::Empty, size)
    }

    pub(crate) fn json(self, media_type: &str, value: &impl serde::Serialize) -> Response<AnswerBody> {
        let bytes = serde_json::to_vec(value).expect("our own values are JSON");
        let size = bytes.len() as u64;
        self.content_type(media_type).body(Content::Bytes(bytes.into()), size)
    }

    pub(crate) fn empty(self) -> Response<AnswerBody> {
        self.head(0)
    }

    /// An answer that by its status has no body and no length (204).
    pub(crate) fn bare(self) -> Response<AnswerBody> {
        self.0
    }
}

/// A header's value. Texts that clients sent may hold what no header can; it is left out then.
pub(crate) fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| {
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        HeaderValue::from_bytes(clean.as_bytes()).unwrap_or(HeaderValue::from_static(""))
    })
}

/// The value of a header, where it is readable text.
pub(crate) fn header_text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(crate) fn blob_path(repository: &RepositoryName, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

pub(crate) fn manifest_path(repository: &RepositoryName, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}

pub(crate) fn upload_path(repository: &RepositoryName, token: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/{token}")
}
