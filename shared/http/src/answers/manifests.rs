//! GET, HEAD, PUT and DELETE of a manifest.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WARNING};
use http::{Response, StatusCode};
use moorage_oci::{InvalidReference, Reference, RepositoryName, Tag};
use moorage_operations::{ManifestHead, ManifestPush, RegistryError};
use moorage_types::Finding;

use crate::answer::{Answer, OCI_SUBJECT, OCI_TAG, manifest_path};
use crate::body::{AnswerBody, Content};
use crate::registry::Registry;
use crate::request::{Head, Incoming};

impl Registry {
    pub(crate) async fn get_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, reference) = (repository.parse::<RepositoryName>()?, asked_for(reference)?);
        let manifest = self.pull()?.manifest(&repository, &reference).await?;
        let size = manifest.head.size;
        Ok(found(&manifest.head).body(Content::of_object(manifest.body, size), size))
    }

    pub(crate) async fn head_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let (repository, reference) = (repository.parse::<RepositoryName>()?, asked_for(reference)?);
        let manifest = self.pull()?.manifest_head(&repository, &reference, self.asker()).await?;
        Ok(found(&manifest).head(manifest.size))
    }

    pub(crate) async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        head: &Head<'_>,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let reference = reference.parse::<Reference>().map_err(|error| match error {
            InvalidReference::Tag(error) => RegistryError::Tag(error),
            InvalidReference::Digest(error) => RegistryError::Digest(error),
        })?;
        let tags = head.query.all("tag").map(str::parse::<Tag>).collect::<Result<Vec<Tag>, _>>()?;
        let content_type = head.header(&CONTENT_TYPE);
        let bytes = self.collect(incoming).await?;
        let echoed: Vec<Tag> = tags.clone();
        let push = ManifestPush { repository: &repository, reference: &reference, tags, content_type, bytes };
        let pushed = self.push()?.push_manifest(push).await?;
        let mut answer = Answer::new(StatusCode::CREATED)
            .location(&manifest_path(&repository, pushed.digest.as_str()))
            .digest(&pushed.digest);
        if let Some(subject) = &pushed.subject {
            answer = answer.text(OCI_SUBJECT, subject.as_str());
        }
        for tag in &echoed {
            answer = answer.text(OCI_TAG, tag.as_str());
        }
        Ok(warned(answer, &pushed.warnings).empty())
    }

    pub(crate) async fn delete_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        match asked_for(reference)? {
            Reference::Tag(tag) => self.push()?.delete_tag(&repository, &tag).await?,
            Reference::Digest(digest) => self.push()?.delete_manifest(&repository, &digest).await?,
        }
        Ok(Answer::new(StatusCode::ACCEPTED).empty())
    }

    /// A manifest's bytes, as long as they are not too many.
    async fn collect(&self, incoming: Incoming) -> Result<Bytes, RegistryError> {
        let max = self.push()?.settings().manifest_bytes_max;
        incoming.up_to(max).await?.ok_or(RegistryError::ManifestTooLong { max })
    }
}

/// A `Warning` for each finding, as far as they fit (distribution-spec, "Warnings": 4096 bytes in all).
fn warned(mut answer: Answer, findings: &[Finding]) -> Answer {
    const WARNINGS_BYTES_MAX: usize = 4096;
    let mut room = WARNINGS_BYTES_MAX;
    for finding in findings {
        // What a quoted string cannot hold as it is.
        let text: String = finding
            .to_string()
            .chars()
            .map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' })
            .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
            .collect();
        let value = format!("299 - \"{text}\"");
        if value.len() > room {
            break;
        }
        room -= value.len();
        answer = answer.text(WARNING, &value);
    }
    answer
}

/// A reference to something that should be there: a tag that nothing can have is simply not there.
fn asked_for(reference: &str) -> Result<Reference, RegistryError> {
    reference.parse().map_err(|error| match error {
        InvalidReference::Tag(error) => RegistryError::NoSuchTag(error),
        InvalidReference::Digest(error) => RegistryError::Digest(error),
    })
}

fn found(manifest: &ManifestHead) -> Answer {
    Answer::new(StatusCode::OK).content_type(&manifest.media_type).digest(&manifest.digest)
}
