//! What a request to S3 or DynamoDB is called.

use http::request::Parts;
use http::{HeaderMap, Method};

use crate::dynamodb::TARGET;

/// The operation's name, as `dynamodb:GetItem` (the streams' operations too) or `s3:PutObject`. S3's is derived from
/// method, path (`/BUCKET/KEY`) and query; one that moorage does not send is told as `s3:METHOD bucket?SUBRESOURCE`.
pub fn operation(request: &Parts) -> String {
    match request.headers.get(TARGET).and_then(|target| target.to_str().ok()) {
        Some(target) => format!("dynamodb:{}", target.rsplit('.').next().unwrap_or(target)),
        None => format!("s3:{}", s3(request)),
    }
}

fn s3(request: &Parts) -> String {
    let query = request.uri.query().unwrap_or_default();
    let names: Vec<&str> =
        query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name)).collect();
    let path = request.uri.path().trim_start_matches('/');
    let known = match path.split_once('/') {
        _ if path.is_empty() => (request.method == Method::GET).then_some("ListBuckets"),
        None | Some((_, "")) => of_bucket(&request.method, &names),
        Some(_) => of_object(&request.method, &names, &request.headers),
    };
    match known {
        Some(name) => name.to_owned(),
        None => {
            format!("{} {}?{query}", request.method, if path.contains('/') { "object" } else { "bucket" })
        }
    }
}

/// What a query has when it asks for nothing but the object or the bucket itself.
const UNTOLD: [&str; 2] = ["", "x-id"];

fn of_bucket(method: &Method, query: &[&str]) -> Option<&'static str> {
    let has = |name| query.contains(&name);
    Some(match method.as_str() {
        "HEAD" => "HeadBucket",
        "GET" if has("list-type") => "ListObjectsV2",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if has("lifecycle") => "GetBucketLifecycleConfiguration",
        "PUT" if has("lifecycle") => "PutBucketLifecycleConfiguration",
        "POST" if has("delete") => "DeleteObjects",
        "PUT" if query.iter().all(|name| UNTOLD.contains(name)) => "CreateBucket",
        "DELETE" if query.iter().all(|name| UNTOLD.contains(name)) => "DeleteBucket",
        _ => return None,
    })
}

fn of_object(method: &Method, query: &[&str], headers: &HeaderMap) -> Option<&'static str> {
    let has = |name| query.contains(&name);
    let copies = headers.contains_key("x-amz-copy-source");
    Some(match method.as_str() {
        "HEAD" => "HeadObject",
        "GET" if has("uploadId") => "ListParts",
        "GET" if has("tagging") || has("attributes") || has("acl") => return None,
        "GET" => "GetObject",
        "PUT" if has("uploadId") && copies => "UploadPartCopy",
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" if has("tagging") || has("acl") => return None,
        "PUT" if copies => "CopyObject",
        "PUT" => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" if has("tagging") => return None,
        "DELETE" => "DeleteObject",
        _ => return None,
    })
}
