//! Who may ask, and for how long.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use moorage_engines::{ACCESS_KEY, Engines};

use crate::s3_objects::{BUCKET, bucket};
use crate::{Outcome, refused};

async fn fetch(
    engines: &Engines,
    method: Method,
    url: &str,
    header: Option<(&str, &str)>,
) -> Result<(u16, String), Box<dyn std::error::Error>> {
    let mut request = Request::builder().method(method).uri(url);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer: Response<s3s::Body> = engines.answer(request.body(s3s::Body::empty())?).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec())?))
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "S3 compares a URL's age with the wall clock")]
async fn a_signed_url_gets_its_object_while_it_lasts() -> Outcome {
    let (engines, client) = bucket().await?;
    client.put_object().bucket(BUCKET).key("a b").body(ByteStream::from_static(b"0123456789")).send().await?;
    let sign = |started: SystemTime, seconds| {
        PresigningConfig::builder().start_time(started).expires_in(Duration::from_secs(seconds)).build()
    };
    let get = client.get_object().bucket(BUCKET).key("a b").response_content_type("text/x");
    let url = get.clone().presigned(sign(SystemTime::now(), 60)?).await?.uri().to_owned();

    assert_eq!(fetch(&engines, Method::GET, &url, None).await?, (200, "0123456789".to_owned()));
    assert_eq!(
        fetch(&engines, Method::GET, &url, Some(("range", "bytes=2-3"))).await?,
        (206, "23".to_owned())
    );
    let (status, text) = fetch(&engines, Method::GET, &url.replace("a%20b", "other"), None).await?;
    assert_eq!((status, text.contains("SignatureDoesNotMatch")), (403, true), "{text}");
    assert_eq!(
        fetch(&engines, Method::HEAD, &url, None).await?,
        (403, String::new()),
        "it was signed for GET"
    );
    let (status, text) = fetch(&engines, Method::GET, &url, Some(("authorization", "Bearer x"))).await?;
    assert_eq!((status, text.contains("InvalidArgument")), (400, true), "{text}");

    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let late = get.presigned(sign(hour_ago, 60)?).await?.uri().to_owned();
    let (status, text) = fetch(&engines, Method::GET, &late, None).await?;
    assert_eq!((status, text.contains("AccessDenied")), (403, true), "{text}");
    Ok(())
}

#[tokio::test]
async fn only_the_tests_own_key_opens() -> Outcome {
    let (engines, _) = bucket().await?;
    let with = |key, secret| {
        let credentials = SharedCredentialsProvider::new(Credentials::new(key, secret, None, None, "test"));
        let config = engines.sdk_config().into_builder().credentials_provider(credentials).build();
        Client::new(&config).list_objects_v2().bucket(BUCKET).send()
    };
    assert_eq!(refused(with(ACCESS_KEY, "wrong").await), "SignatureDoesNotMatch");
    assert!(with("AKIASOMEONEELSE", "wrong").await.is_err());
    let (status, text) = fetch(&engines, Method::GET, "http://127.0.0.1/bucket/k", None).await?;
    assert_eq!((status, text.contains("AccessDenied")), (403, true), "{text}");
    Ok(())
}
