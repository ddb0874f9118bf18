//! GET, HEAD and DELETE of a blob.

use http::header::{ACCEPT_RANGES, CONTENT_RANGE, RANGE};
use http::{HeaderValue, Response, StatusCode};
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{BlobBody, RegistryError};

use crate::answer::Answer;
use crate::body::{AnswerBody, Content};
use crate::range::byte_range;
use crate::registry::Registry;
use crate::request::Head;

const MEDIA_TYPE: &str = "application/octet-stream";

impl Registry {
    pub(crate) async fn get_blob(
        &self,
        repository: &str,
        digest: &str,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        let asked = head.header(&RANGE);
        let mut served = None;
        let blob = self
            .pull()?
            .blob(&repository, &digest, |size| {
                served = asked.map_or(Ok(None), |asked| byte_range(asked, size))?;
                Ok(served.clone())
            })
            .await?;
        let body = match blob.body {
            BlobBody::Here(body) => body,
            // The range goes along with the client.
            BlobBody::At(url) => {
                let answer = Answer::new(StatusCode::TEMPORARY_REDIRECT);
                return Ok(answer.location(&url).digest(&digest).empty());
            }
        };
        let (status, size) = match &served {
            Some(range) => (StatusCode::PARTIAL_CONTENT, range.end - range.start),
            None => (StatusCode::OK, blob.size),
        };
        let mut answer = found(status, &digest);
        if let Some(range) = served {
            let range = format!("bytes {}-{}/{}", range.start, range.end - 1, blob.size);
            answer = answer.text(CONTENT_RANGE, &range);
        }
        Ok(answer.body(Content::of_object(body, size), size))
    }

    pub(crate) async fn head_blob(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        let size = self.pull()?.blob_size(&repository, &digest, self.asker()).await?;
        Ok(found(StatusCode::OK, &digest).head(size))
    }

    pub(crate) async fn delete_blob(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, digest) = (repository.parse::<RepositoryName>()?, digest.parse::<Digest>()?);
        self.push()?.delete_blob(&repository, &digest).await?;
        Ok(Answer::new(StatusCode::ACCEPTED).empty())
    }
}

fn found(status: StatusCode, digest: &Digest) -> Answer {
    Answer::new(status)
        .content_type(MEDIA_TYPE)
        .header(ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .digest(digest)
}
