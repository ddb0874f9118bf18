//! What is stored, and the steps on it that need more than one look.

use std::collections::BTreeMap;

use s3s::dto::{CompletedPart, ETag, ETagCondition, LifecycleRules, Timestamp};
use s3s::{S3Result, s3_error};

use super::PART_BYTES_MIN;
use super::checksum::{Algorithm, Checksum};
use super::object::{Attributes, Content, Object, multipart_etag};

pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) part_bytes_min: u64,
    uploads_made: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { buckets: BTreeMap::new(), part_bytes_min: PART_BYTES_MIN, uploads_made: 0 }
    }
}

#[derive(Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    /// By key and upload id.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
    pub(super) lifecycle: Option<LifecycleRules>,
}

pub(super) struct Upload {
    pub(super) attributes: Attributes,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) begun: Timestamp,
    pub(super) parts: BTreeMap<i32, Part>,
}

pub(super) struct Part {
    pub(super) content: Content,
    pub(super) etag: ETag,
    pub(super) modified: Timestamp,
}

/// `If-Match` and `If-None-Match` of a write.
#[derive(Default)]
pub(super) struct Precondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl Precondition {
    /// Whether `present`, the object at the key now, may be replaced.
    pub(super) fn check(&self, present: Option<&Object>) -> S3Result {
        match &self.if_none_match {
            Some(ETagCondition::Any) if present.is_some() => return Err(s3_error!(PreconditionFailed)),
            Some(ETagCondition::ETag(_)) => {
                return Err(s3_error!(NotImplemented, "If-None-Match takes only * here"));
            }
            _ => {}
        }
        match (&self.if_match, present) {
            (None, _) | (Some(ETagCondition::Any), Some(_)) => Ok(()),
            (Some(_), None) => Err(s3_error!(NoSuchKey)),
            (Some(ETagCondition::ETag(wanted)), Some(object)) if wanted.strong_cmp(&object.etag) => Ok(()),
            (Some(ETagCondition::ETag(_)), Some(_)) => Err(s3_error!(PreconditionFailed)),
        }
    }
}

impl State {
    pub(super) fn bucket(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket))
    }

    /// Opens an upload; its id is never used again.
    pub(super) fn open_upload(&mut self, bucket: &str, key: String, upload: Upload) -> S3Result<String> {
        // Padded, so that a key's uploads are listed in the order of their making.
        let upload_id = format!("upload-{:012}", self.uploads_made);
        self.bucket(bucket)?.uploads.insert((key, upload_id.clone()), upload);
        self.uploads_made += 1;
        Ok(upload_id)
    }

    /// Makes one object of an upload's parts, or changes nothing.
    pub(super) fn complete(
        &mut self,
        bucket: &str,
        at: &(String, String),
        wanted: &[CompletedPart],
        precondition: &Precondition,
        now: Timestamp,
    ) -> S3Result<Object> {
        let part_bytes_min = self.part_bytes_min;
        let bucket = self.bucket(bucket)?;
        let upload = bucket.uploads.get(at).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let parts = upload.choose(wanted, part_bytes_min)?;
        precondition.check(bucket.objects.get(&at.0))?;

        let checksums = match upload.algorithm {
            Some(algorithm) => vec![Checksum::of_parts(algorithm, parts.iter().map(|part| &part.content))?],
            None => Vec::new(),
        };
        let object = Object {
            content: Content {
                chunks: parts.iter().flat_map(|part| part.content.chunks.clone()).collect(),
                checksums,
            },
            etag: multipart_etag(parts.iter().map(|part| &part.etag)),
            attributes: upload.attributes.clone(),
            modified: now,
        };
        bucket.objects.insert(at.0.clone(), object.clone());
        bucket.uploads.remove(at);
        Ok(object)
    }
}

impl Upload {
    /// The parts that a completion names, if it may be made of them.
    fn choose(&self, wanted: &[CompletedPart], part_bytes_min: u64) -> S3Result<Vec<&Part>> {
        if wanted.is_empty() {
            return Err(s3_error!(MalformedXML, "an upload is completed with at least one part"));
        }
        if !wanted.is_sorted_by(|a, b| a.part_number < b.part_number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        let mut parts = Vec::with_capacity(wanted.len());
        for one in wanted {
            let part = one.part_number.and_then(|number| self.parts.get(&number));
            let part = part.ok_or_else(|| s3_error!(InvalidPart))?;
            if one.e_tag.as_ref() != Some(&part.etag) || !part.content.agrees_with(one) {
                return Err(s3_error!(InvalidPart));
            }
            parts.push(part);
        }
        let (_, all_but_last) = parts.split_last().expect("there is at least one, see above");
        if all_but_last.iter().any(|part| part.content.size() < part_bytes_min) {
            return Err(s3_error!(EntityTooSmall));
        }
        Ok(parts)
    }
}
