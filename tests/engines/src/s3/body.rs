//! Reading a body: whole, or not at all.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use super::checksum::verified;
use super::object::Content;

/// Reads `body` to its end and checks its length and every checksum that came with it.
///
/// # Errors
///
/// `MissingContentLength`, `IncompleteBody` (also when the sender went away), `BadDigest`, or what the signature of
/// the body refuses.
pub(super) async fn read(
    body: Option<StreamingBlob>,
    headers: &HeaderMap,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<Content> {
    let expected = length(headers).ok_or_else(|| s3_error!(MissingContentLength))?;
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut received = 0;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(broken)?;
            received += chunk.len() as u64;
            if received > expected {
                break;
            }
            if !chunk.is_empty() {
                chunks.push(chunk);
            }
        }
    }
    if received != expected {
        return Err(s3_error!(IncompleteBody));
    }
    let mut sent = headers.clone();
    if let Some(trailers) = trailers.and_then(TrailingHeaders::take) {
        sent.extend(trailers);
    }
    let checksums = verified(&sent, &chunks)?;
    Ok(Content { chunks, checksums })
}

/// Of the bytes themselves: a body in signed chunks is longer on the wire.
fn length(headers: &HeaderMap) -> Option<u64> {
    let header =
        headers.get("x-amz-decoded-content-length").or_else(|| headers.get(http::header::CONTENT_LENGTH))?;
    header.to_str().ok()?.parse().ok()
}

/// s3s keeps the kinds of these errors to itself, so their texts tell them apart.
fn broken(error: StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut mismatch = S3Error::with_source(code, error);
        mismatch.set_status_code(StatusCode::BAD_REQUEST);
        return mismatch;
    }
    let code = if text.contains("SignatureMismatch") {
        S3ErrorCode::SignatureDoesNotMatch
    } else {
        S3ErrorCode::IncompleteBody
    };
    S3Error::with_source(code, error)
}
