//! Which engines a test runs on.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::HttpClient;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use s3s::Body;
use s3s::service::S3Service;

use crate::dynamodb::{DynamoDb, TARGET};
use crate::in_process::InProcess;
use crate::loopback::Served;
use crate::s3::{self, S3};

/// The one access key that the doubles know, with [`SECRET_KEY`].
pub const ACCESS_KEY: &str = "AKIAMOORAGETESTS";
/// See [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "a-secret-that-guards-nothing";
/// The region that everything is signed for.
pub const REGION: &str = "us-east-1";

/// An address, so that S3's clients put the bucket into the path and not into the host's name. Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1";

/// One S3 and one DynamoDB, empty at first. Clones share what is stored.
#[derive(Clone)]
pub struct Engines {
    s3: S3,
    s3_service: S3Service,
    dynamodb: DynamoDb,
}

impl Engines {
    /// Both engines, reached through [`Engines::sdk_config`] without a socket.
    pub fn in_process() -> Self {
        let s3 = S3::default();
        Self { s3_service: s3::service(s3.clone()), s3, dynamodb: DynamoDb::new() }
    }

    /// Both engines on a loopback port that the system chose, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn serve() -> std::io::Result<Served> {
        Served::start(Self::in_process()).await
    }

    /// The engines that the standard variables `AWS_ENDPOINT_URL_S3` and `AWS_ENDPOINT_URL_DYNAMODB` name (plain HTTP:
    /// MinIO, versitygw, DynamoDB Local, or what [`Engines::serve`] started); `None` when neither is set.
    ///
    /// # Errors
    ///
    /// When only one of the two is set: the other half of the test would otherwise run on something else, unseen.
    pub async fn from_environment() -> Result<Option<SdkConfig>, EnvironmentError> {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match (set(S3_URL), set(DYNAMODB_URL)) {
            (false, false) => return Ok(None),
            (true, false) => return Err(EnvironmentError { set: S3_URL, missing: DYNAMODB_URL }),
            (false, true) => return Err(EnvironmentError { set: DYNAMODB_URL, missing: S3_URL }),
            (true, true) => {}
        }
        let http_client = aws_smithy_http_client::Builder::new().build_http();
        Ok(Some(aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).load().await))
    }

    /// What the SDK's clients are made from: region, credentials, and an HTTP client that calls these engines.
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(InProcess::new(self.clone()))
    }

    /// The S3, to look inside.
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// The DynamoDB, to look inside.
    pub fn dynamodb(&self) -> &DynamoDb {
        &self.dynamodb
    }

    /// Answers one HTTP request to either: only DynamoDB's requests name a target.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        if parts.headers.contains_key(TARGET) {
            return match body.collect().await {
                Ok(whole) => self.dynamodb.answer(&parts.headers, whole.to_bytes()).await.map(Body::from),
                Err(broken) => internal(&*broken),
            };
        }
        // HTTP/1 clients over a socket send it; the SDK leaves it to its connector.
        if !parts.headers.contains_key(http::header::HOST)
            && let Some(host) =
                parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
        {
            parts.headers.insert(http::header::HOST, host);
        }
        let signed_url = parts.uri.query().is_some_and(|query| query.contains("X-Amz-Signature="));
        if signed_url && parts.headers.contains_key(http::header::AUTHORIZATION) {
            return two_authorizations();
        }
        let head = parts.method == http::Method::HEAD;
        match self.s3_service.call(Request::from_parts(parts, body)).await {
            // s3s writes errors' text under HEAD too; a server's socket would drop it.
            Ok(response) if head => response.map(|_| Body::empty()),
            Ok(response) => response,
            Err(failed) => internal(&*s3s::StdError::from(failed)),
        }
    }
}

/// What the SDK's clients are made from that are answered in this process.
pub(crate) fn sdk_config(http_client: impl HttpClient + 'static) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "moorage-engines");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .endpoint_url(NOWHERE)
        .http_client(http_client)
        .build()
}

const S3_URL: &str = "AWS_ENDPOINT_URL_S3";
const DYNAMODB_URL: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// What S3 answers to a client that takes its own token along to where it was redirected; s3s would look at one only.
fn two_authorizations() -> Response<Body> {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidArgument</Code><Message>Only one auth \
               mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the \
               Authorization header should be specified</Message></Error>";
    let mut response = Response::new(Body::from(Bytes::from_static(xml.as_bytes())));
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(error.to_string())));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// One endpoint is named and the other is not.
#[derive(Debug, thiserror::Error)]
#[error("{set} is set and {missing} is not: set both to run on other engines, or neither to run in process")]
pub struct EnvironmentError {
    set: &'static str,
    missing: &'static str,
}
