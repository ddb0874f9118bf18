//! The steps of an upload: POST, PATCH, PUT, GET and DELETE.

use http::header::{CONTENT_RANGE, RANGE};
use http::{Response, StatusCode};
use moorage_oci::{Algorithm, Digest, RepositoryName};
use moorage_operations::{ChunkRange, InvalidRequest, Mounted, RegistryError};

use crate::answer::{Answer, blob_path, upload_path};
use crate::body::AnswerBody;
use crate::content_range::content_range;
use crate::error::{error_answer, received_range};
use crate::registry::Registry;
use crate::request::{Head, Incoming};

impl Registry {
    /// Opens an upload; or mounts a blob; or, with a digest, takes the whole blob at once.
    pub(crate) async fn post_upload(
        &self,
        repository: &str,
        head: &Head<'_>,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        if let Some(mount) = head.query.get("mount") {
            let digest = mount.parse::<Digest>()?;
            let from = head.query.get("from").map(str::parse::<RepositoryName>).transpose()?;
            if self.push()?.mount_blob(&repository, &digest, from.as_ref()).await? == Mounted::Done {
                return Ok(created(&repository, &digest));
            }
        } else if let Some(digest) = head.query.get("digest") {
            let digest = digest.parse::<Digest>()?;
            self.push()?.put_blob(&repository, &digest, size_of(head, &incoming)?, incoming.stream).await?;
            return Ok(created(&repository, &digest));
        }
        let algorithm = match head.query.get("digest-algorithm") {
            None => Algorithm::Sha256,
            Some(text) => text.parse().map_err(|_| InvalidRequest::Query {
                parameter: "digest-algorithm",
                reason: format!("expected sha256 or sha512, found `{text}`"),
            })?,
        };
        let push = self.push()?;
        let token = push.seal_upload(&repository, push.open_upload(algorithm));
        Ok(progress(StatusCode::ACCEPTED, &repository, &token, 0).empty())
    }

    pub(crate) async fn get_upload(
        &self,
        repository: &str,
        token: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let received = self.pull()?.upload_received(&repository, token).await?;
        Ok(progress(StatusCode::NO_CONTENT, &repository, token, received).bare())
    }

    pub(crate) async fn patch_upload(
        &self,
        repository: &str,
        token: &str,
        head: &Head<'_>,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let (range, size) = (chunk_range(head)?, size_of(head, &incoming)?);
        let chunk = self.push()?.upload_chunk(&repository, token, range, size, incoming.stream).await;
        match chunk {
            Ok(received) => Ok(progress(StatusCode::ACCEPTED, &repository, token, received).empty()),
            Err(error) => refused(&error, &repository, token).ok_or(error),
        }
    }

    pub(crate) async fn put_upload(
        &self,
        repository: &str,
        token: &str,
        head: &Head<'_>,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let digest = head.query.get("digest").ok_or(InvalidRequest::DigestMissing)?.parse::<Digest>()?;
        let (range, size) = (chunk_range(head)?, size_of(head, &incoming)?);
        match self.push()?.finish_upload(&repository, token, &digest, range, size, incoming.stream).await {
            Ok(()) => Ok(created(&repository, &digest)),
            Err(error) => refused(&error, &repository, token).ok_or(error),
        }
    }

    pub(crate) async fn delete_upload(
        &self,
        repository: &str,
        token: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        self.push()?.cancel_upload(&repository, token).await?;
        Ok(Answer::new(StatusCode::NO_CONTENT).bare())
    }
}

/// A chunk in the wrong place is told where to go on.
fn refused(error: &RegistryError, repository: &RepositoryName, token: &str) -> Option<Response<AnswerBody>> {
    let (RegistryError::ChunkOutOfOrder { .. } | RegistryError::UploadRaced { .. }) = error else {
        return None;
    };
    let mut answer = error_answer(error);
    let location = crate::answer::header(&upload_path(repository, token));
    answer.headers_mut().insert(http::header::LOCATION, location);
    Some(answer)
}

fn chunk_range(head: &Head<'_>) -> Result<Option<ChunkRange>, InvalidRequest> {
    head.header(&CONTENT_RANGE).map(content_range).transpose()
}

/// Bytes of the body, where somebody knows.
fn size_of(head: &Head<'_>, incoming: &Incoming) -> Result<Option<u64>, InvalidRequest> {
    Ok(head.content_length()?.or(incoming.exact_size))
}

fn progress(status: StatusCode, repository: &RepositoryName, token: &str, received: u64) -> Answer {
    Answer::new(status).location(&upload_path(repository, token)).text(RANGE, &received_range(received))
}

fn created(repository: &RepositoryName, digest: &Digest) -> Response<AnswerBody> {
    Answer::new(StatusCode::CREATED).location(&blob_path(repository, digest)).digest(digest).empty()
}
