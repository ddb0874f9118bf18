//! Makes an object of its parts.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use moorage_ports::{ObjectKey, Part, PartsId, PortError, Put};

use super::parts::{no_such_upload, wire_number};
use super::{Blobs, tries};
use crate::s3::error::Failure as _;

/// What became of a completion.
pub(super) enum Completed {
    Stored,
    AlreadyThere,
    /// One of the parts is not there, or not so; nothing was made.
    BadParts(String),
    /// It was given up, or completed and the object deleted.
    Gone,
}

impl Blobs {
    pub(super) async fn complete_named(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
    ) -> Result<Put, PortError> {
        if parts.is_empty() {
            return Err(PortError::Misuse(format!("{key} of no parts")));
        }
        match self.complete_parts(key, id, parts).await? {
            Completed::Stored => Ok(Put::Stored { size: parts.iter().map(|part| part.size).sum() }),
            Completed::AlreadyThere => Ok(Put::AlreadyThere),
            Completed::BadParts(why) => Err(PortError::Body(why)),
            Completed::Gone => Err(no_such_upload(key)),
        }
    }

    /// A completion that comes again finds no upload and an object, or an object where the condition looks:
    /// `AlreadyThere`, whoever made it.
    pub(super) async fn complete_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
    ) -> Result<Completed, PortError> {
        let named: Vec<CompletedPart> = parts
            .iter()
            .map(|part| {
                let number = wire_number(part.number)?;
                Ok(CompletedPart::builder().part_number(number).e_tag(&part.tag).build())
            })
            .collect::<Result<_, PortError>>()?;
        let named = CompletedMultipartUpload::builder().set_parts(Some(named)).build();
        let mut made = 1;
        loop {
            let completed = self
                .client
                .complete_multipart_upload()
                .bucket(&*self.bucket)
                .key(key.as_str())
                .upload_id(&id.0)
                .if_none_match("*")
                .multipart_upload(named.clone())
                .customize()
                .config_override(self.times.server_side())
                .send()
                .await;
            // S3 may answer 200 with an error in the body; the SDK looks there too.
            return match completed {
                Ok(_) => Ok(Completed::Stored),
                Err(error) if error.is_already_there() => Ok(Completed::AlreadyThere),
                Err(error) if error.is("NoSuchUpload") => match self.head(key).await? {
                    Some(_) => Ok(Completed::AlreadyThere),
                    None => Ok(Completed::Gone),
                },
                Err(error) if error.is_bad_parts() => {
                    let told = error.told(&format!("complete {key}")).to_string();
                    Ok(Completed::BadParts(told))
                }
                Err(error) if error.is_conflict() && made < tries::TRIES_MAX => {
                    tries::pause(&self.context, made).await;
                    made += 1;
                    continue;
                }
                Err(error) => Err(error.told(&format!("complete {key}"))),
            };
        }
    }
}
