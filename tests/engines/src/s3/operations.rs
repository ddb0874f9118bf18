//! What S3 does for each request that moorage sends.

use std::ops::Range as Bytes;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::S3;
use super::body::read;
use super::checksum::{self, Algorithm};
use super::listing::{PAGE_MAX, Query, page};
use super::object::{Attributes, Content, Object, stream};
use super::state::{Bucket, Part, Precondition, Upload};

/// S3's own bound on a multipart upload.
const PARTS_MAX: i32 = 10_000;

#[async_trait::async_trait]
impl s3s::S3 for S3 {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let name = request.input.bucket;
        let mut state = self.lock();
        if state.buckets.contains_key(&name) {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        state.buckets.insert(name.clone(), Bucket::default());
        let location = Some(format!("/{name}"));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.lock().bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let mut state = self.lock();
        if !state.bucket(&request.input.bucket)?.objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty));
        }
        state.buckets.remove(&request.input.bucket);
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request { input, headers, trailing_headers, .. } = request;
        self.lock().bucket(&input.bucket)?;
        let content = read(input.body, &headers, trailing_headers.as_ref()).await?;
        let object = Object {
            etag: content.md5_etag(),
            content,
            attributes: Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                cache_control: input.cache_control,
                metadata: input.metadata,
            },
            modified: now(),
        };
        let answer = PutObjectOutput { e_tag: Some(object.etag.clone()), ..PutObjectOutput::default() };
        let headers = checksum::headers(&object.checksums);

        let precondition = Precondition { if_match: input.if_match, if_none_match: input.if_none_match };
        let mut state = self.lock();
        let objects = &mut state.bucket(&input.bucket)?.objects;
        precondition.check(objects.get(&input.key))?;
        objects.insert(input.key, object);
        Ok(S3Response::with_headers(answer, headers))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.object(&input.bucket, &input.key)?;
        readable(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let range = input.range.map(|range| within(range, object.size())).transpose()?;
        let headers = match (&range, input.checksum_mode) {
            (None, Some(_)) => checksum::headers(&object.checksums),
            _ => http::HeaderMap::new(),
        };
        let sent = range.clone().unwrap_or(0..object.size());
        let answer = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some((sent.end - sent.start) as i64),
            content_range: range
                .map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, object.size())),
            body: Some(stream(object.slice(sent))),
            e_tag: Some(object.etag),
            last_modified: Some(object.modified),
            content_type: object.attributes.content_type,
            content_encoding: object.attributes.content_encoding,
            content_disposition: object.attributes.content_disposition,
            cache_control: object.attributes.cache_control,
            metadata: object.attributes.metadata,
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_headers(answer, headers))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.object(&input.bucket, &input.key)?;
        readable(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let headers = match input.checksum_mode {
            Some(_) => checksum::headers(&object.checksums),
            None => http::HeaderMap::new(),
        };
        let answer = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(object.size() as i64),
            e_tag: Some(object.etag),
            last_modified: Some(object.modified),
            content_type: object.attributes.content_type,
            content_encoding: object.attributes.content_encoding,
            content_disposition: object.attributes.content_disposition,
            cache_control: object.attributes.cache_control,
            metadata: object.attributes.metadata,
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::with_headers(answer, headers))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let mut state = self.lock();
        let objects = &mut state.bucket(&input.bucket)?.objects;
        let precondition = Precondition { if_match: input.if_match, if_none_match: None };
        precondition.check(objects.get(&input.key))?;
        objects.remove(&input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if input.encoding_type.is_some() {
            return Err(s3_error!(NotImplemented, "keys are listed as they are"));
        }
        let limit = input.max_keys.unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
            start_after: input.start_after.as_deref(),
            continuation_token: input.continuation_token.as_deref(),
            limit: usize::try_from(limit)
                .map_err(|error| s3_error!(error, InvalidArgument, "max-keys is negative"))?,
        };
        let mut state = self.lock();
        let page = page(&state.bucket(&input.bucket)?.objects, &query)?;
        let contents: Vec<_> = page.objects.into_iter().map(|(key, object)| listed(key, object)).collect();
        let common_prefixes: Vec<_> =
            page.common_prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect();
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some((contents.len() + common_prefixes.len()) as i32),
            max_keys: Some(limit),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            start_after: input.start_after,
            continuation_token: input.continuation_token,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let upload = Upload {
            attributes: Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                cache_control: input.cache_control,
                metadata: input.metadata,
            },
            algorithm: input.checksum_algorithm.as_ref().and_then(|name| Algorithm::named(name.as_str())),
            begun: now(),
            parts: Default::default(),
        };
        let upload_id = self.lock().open_upload(&input.bucket, input.key.clone(), upload)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: input.checksum_algorithm,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let S3Request { input, headers, trailing_headers, .. } = request;
        let at = (input.key, input.upload_id);
        self.uploading(&input.bucket, &at)?;
        let content = read(input.body, &headers, trailing_headers.as_ref()).await?;
        let headers = checksum::headers(&content.checksums);
        let e_tag = Some(self.put_part(&input.bucket, &at, input.part_number, content)?.0);
        Ok(S3Response::with_headers(UploadPartOutput { e_tag, ..UploadPartOutput::default() }, headers))
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = request.input;
        if input.copy_source_if_match.is_some() || input.copy_source_if_none_match.is_some() {
            return Err(s3_error!(NotImplemented, "copies take no condition here"));
        }
        let CopySource::Bucket { bucket, key, version_id: None } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "a copy's source is /BUCKET/KEY here"));
        };
        let at = (input.key, input.upload_id);
        self.uploading(&input.bucket, &at)?;
        let source = self.object(bucket, key)?;
        let range = match &input.copy_source_range {
            None => 0..source.size(),
            Some(_) if source.size() < self.lock().part_bytes_min => {
                let reason = "The specified copy source is not supported as a byte-range copy source";
                return Err(s3_error!(InvalidRequest, "{reason}"));
            }
            Some(range) => copied(range, source.size())?,
        };
        let content = Content { chunks: source.slice(range), checksums: Vec::new() };
        let (e_tag, modified) = self.put_part(&input.bucket, &at, input.part_number, content)?;
        let result =
            CopyPartResult { e_tag: Some(e_tag), last_modified: Some(modified), ..CopyPartResult::default() };
        let copy_part_result = Some(result);
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result, ..UploadPartCopyOutput::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let precondition = Precondition { if_match: input.if_match, if_none_match: input.if_none_match };
        let at = (input.key, input.upload_id);
        let object = self.lock().complete(&input.bucket, &at, &parts, &precondition, now())?;
        let checksum = |algorithm| object.checksum(algorithm).map(|checksum| checksum.value.clone());
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, at.0)),
            bucket: Some(input.bucket),
            key: Some(at.0),
            checksum_crc32: checksum(Algorithm::Crc32),
            checksum_crc32c: checksum(Algorithm::Crc32c),
            checksum_crc64nvme: checksum(Algorithm::Crc64Nvme),
            checksum_sha1: checksum(Algorithm::Sha1),
            checksum_sha256: checksum(Algorithm::Sha256),
            e_tag: Some(object.etag),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.lock();
        let uploads = &mut state.bucket(&input.bucket)?.uploads;
        uploads.remove(&(input.key, input.upload_id)).ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "uploads are listed without a delimiter here"));
        }
        let limit = input.max_uploads.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
        let prefix = input.prefix.clone().unwrap_or_default();
        // Without an upload's id, everything of the marker's key has been seen.
        let seen = |(key, id): &(String, String)| match (&input.key_marker, &input.upload_id_marker) {
            (None, _) => false,
            (Some(marker), None) => key <= marker,
            (Some(marker), Some(last)) => (key, id) <= (marker, last),
        };
        let mut state = self.lock();
        let uploads = &state.bucket(&input.bucket)?.uploads;
        let mut found = uploads.iter().filter(|(at, _)| at.0.starts_with(&prefix) && !seen(at)).peekable();
        let mut page = Vec::new();
        while page.len() < limit as usize
            && let Some(((key, id), upload)) = found.next()
        {
            page.push(MultipartUpload {
                key: Some(key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.begun.clone()),
                ..MultipartUpload::default()
            });
        }
        let last = page.last().filter(|_| found.peek().is_some()).cloned();
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(last.is_some()),
            next_key_marker: last.as_ref().and_then(|last| last.key.clone()),
            next_upload_id_marker: last.and_then(|last| last.upload_id),
            uploads: Some(page),
            bucket: Some(input.bucket),
            prefix: input.prefix,
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            max_uploads: Some(limit),
            ..ListMultipartUploadsOutput::default()
        }))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let limit = input.max_parts.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
        let marker = input.part_number_marker.unwrap_or_default();
        let at = (input.key, input.upload_id);
        let mut state = self.lock();
        let upload = state.bucket(&input.bucket)?.uploads.get(&at).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let mut found = upload.parts.iter().filter(|(number, _)| **number > marker).peekable();
        let mut page = Vec::new();
        while page.len() < limit as usize
            && let Some((number, part)) = found.next()
        {
            page.push(s3s::dto::Part {
                part_number: Some(*number),
                e_tag: Some(part.etag.clone()),
                size: Some(part.content.size() as i64),
                last_modified: Some(part.modified.clone()),
                ..s3s::dto::Part::default()
            });
        }
        let more = found.peek().is_some();
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(more),
            next_part_number_marker: page.last().filter(|_| more).and_then(|part| part.part_number),
            parts: Some(page),
            bucket: Some(input.bucket),
            key: Some(at.0),
            upload_id: Some(at.1),
            part_number_marker: input.part_number_marker,
            max_parts: Some(limit),
            ..ListPartsOutput::default()
        }))
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let rules = request.input.lifecycle_configuration.map(|configuration| configuration.rules);
        self.lock().bucket(&request.input.bucket)?.lifecycle = rules;
        Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let rules = self.lock().bucket(&request.input.bucket)?.lifecycle.clone();
        let rules = Some(rules.ok_or_else(|| s3_error!(NoSuchLifecycleConfiguration))?);
        let answer =
            GetBucketLifecycleConfigurationOutput { rules, transition_default_minimum_object_size: None };
        Ok(S3Response::new(answer))
    }
}

impl S3 {
    fn object(&self, bucket: &str, key: &str) -> S3Result<Object> {
        let mut state = self.lock();
        state.bucket(bucket)?.objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// Refuses a part's bytes before they come.
    fn uploading(&self, bucket: &str, at: &(String, String)) -> S3Result {
        match self.lock().bucket(bucket)?.uploads.contains_key(at) {
            true => Ok(()),
            false => Err(s3_error!(NoSuchUpload)),
        }
    }

    fn put_part(
        &self,
        bucket: &str,
        at: &(String, String),
        number: i32,
        content: Content,
    ) -> S3Result<(ETag, Timestamp)> {
        if !(1..=PARTS_MAX).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let part = Part { etag: content.md5_etag(), content, modified: now() };
        let told = (part.etag.clone(), part.modified.clone());
        let mut state = self.lock();
        // The upload may have ended while the bytes came.
        let upload = state.bucket(bucket)?.uploads.get_mut(at).ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.parts.insert(number, part);
        Ok(told)
    }
}

/// The conditions of a read.
fn readable(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result {
    match (if_match, if_none_match) {
        (Some(ETagCondition::ETag(wanted)), _) if !wanted.strong_cmp(&object.etag) => {
            Err(s3_error!(PreconditionFailed))
        }
        (_, Some(ETagCondition::Any)) => Err(s3_error!(NotModified)),
        (_, Some(ETagCondition::ETag(known))) if known.weak_cmp(&object.etag) => Err(s3_error!(NotModified)),
        _ => Ok(()),
    }
}

/// The bytes that a GET's `Range` names, which begin within the object.
fn within(range: Range, size: u64) -> S3Result<Bytes<u64>> {
    let range = range.check(size)?;
    if range.is_empty() {
        return Err(s3_error!(InvalidRange));
    }
    Ok(range)
}

/// The bytes of `bytes=FIRST-LAST`, which all lie within the source.
fn copied(range: &str, size: u64) -> S3Result<Bytes<u64>> {
    match Range::parse(range) {
        Ok(Range::Int { first, last: Some(last) }) if last < size => Ok(first..last + 1),
        Ok(Range::Int { last: Some(_), .. }) => {
            Err(s3_error!(InvalidArgument, "Range specified is not valid for source object of size: {size}"))
        }
        _ => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last"
        )),
    }
}

fn listed(key: &str, object: &Object) -> s3s::dto::Object {
    s3s::dto::Object {
        key: Some(key.to_owned()),
        size: Some(object.size() as i64),
        e_tag: Some(object.etag.clone()),
        last_modified: Some(object.modified.clone()),
        ..s3s::dto::Object::default()
    }
}

/// S3 stamps objects by its own clock; nothing of moorage decides by it.
#[expect(clippy::disallowed_methods, reason = "a server of its own, outside of what a test replays")]
fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}
