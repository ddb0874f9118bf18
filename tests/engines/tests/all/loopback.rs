//! The same engines behind a socket, and the variables that lead there.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::ByteStream;
use moorage_engines::{ACCESS_KEY, Engines, REGION, SECRET_KEY};

use crate::Outcome;
use crate::s3_objects::BUCKET;

/// As a program would have it from the variables.
pub(crate) fn config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            ACCESS_KEY, SECRET_KEY, None, None, "test",
        )))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

#[tokio::test]
async fn what_goes_in_through_the_socket_is_there() -> Outcome {
    let served = Engines::serve().await?;
    let environment = served.environment();
    let url = environment.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL_S3").map(|(_, url)| url.as_str());
    let config = config(url.ok_or("S3's endpoint")?);
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.create_bucket().bucket(BUCKET).send().await?;
    let body = vec![7; 3_000_000];
    s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(body.clone())).send().await?;
    assert_eq!(served.engines().s3().bytes(BUCKET, "k").as_deref(), Some(body.as_slice()));
    let head = s3.head_object().bucket(BUCKET).key("k").send().await?;
    assert_eq!(head.content_length, Some(3_000_000));
    assert!(
        s3.head_object()
            .bucket(BUCKET)
            .key("x")
            .send()
            .await
            .is_err_and(|e| e.into_service_error().is_not_found())
    );
    assert_eq!(
        s3.get_object().bucket(BUCKET).key("k").send().await?.body.collect().await?.into_bytes(),
        body
    );

    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    assert_eq!(dynamodb.list_tables().send().await?.table_names(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_port_closes_with_its_handle() -> Outcome {
    let served = Engines::serve().await?;
    let address = served.address();
    let mut open = tokio::net::TcpStream::connect(address).await?;
    drop(served);
    // The end of the connection is what tells that the server has gone.
    let mut end = [0];
    let read = tokio::io::AsyncReadExt::read(&mut open, &mut end).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}
