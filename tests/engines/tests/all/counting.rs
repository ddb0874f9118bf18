//! What the proxy counts.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use http::Request;
use moorage_engines::Engines;
use moorage_engines::counting::{Counts, operation, proxy};

use crate::Outcome;
use crate::loopback::config;
use crate::s3_objects::BUCKET;

#[test]
fn requests_have_the_names_of_their_operations() -> Outcome {
    for (method, target, name) in [
        ("PUT", "/b", "s3:CreateBucket"),
        ("HEAD", "/b/", "s3:HeadBucket"),
        ("GET", "/b?list-type=2&prefix=x", "s3:ListObjectsV2"),
        ("GET", "/b?uploads", "s3:ListMultipartUploads"),
        ("PUT", "/b?lifecycle", "s3:PutBucketLifecycleConfiguration"),
        ("GET", "/b?location", "s3:GET bucket?location"),
        ("PUT", "/b/k/l?x-id=PutObject", "s3:PutObject"),
        ("GET", "/b/k?X-Amz-Signature=0", "s3:GetObject"),
        ("HEAD", "/b/k", "s3:HeadObject"),
        ("DELETE", "/b/k", "s3:DeleteObject"),
        ("POST", "/b/k?uploads", "s3:CreateMultipartUpload"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "s3:UploadPart"),
        ("POST", "/b/k?uploadId=u", "s3:CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "s3:AbortMultipartUpload"),
        ("GET", "/b/k?uploadId=u", "s3:ListParts"),
    ] {
        let (parts, ()) = Request::builder().method(method).uri(target).body(())?.into_parts();
        assert_eq!(operation(&parts), name, "{method} {target}");
    }
    for (target, name) in [("/b/k", "s3:CopyObject"), ("/b/k?partNumber=1&uploadId=u", "s3:UploadPartCopy")] {
        let copy = Request::builder().method("PUT").uri(target).header("x-amz-copy-source", "b/o").body(())?;
        assert_eq!(operation(&copy.into_parts().0), name);
    }
    let read = Request::builder().uri("/").header("x-amz-target", "DynamoDB_20120810.GetItem").body(())?;
    assert_eq!(operation(&read.into_parts().0), "dynamodb:GetItem");
    Ok(())
}

#[tokio::test]
async fn what_passes_is_counted_and_arrives_whole() -> Outcome {
    let served = Engines::serve().await?;
    let counts = Counts::default();
    let proxy = proxy(served.address(), counts.clone()).await?;
    let config = config(&proxy.url());
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.create_bucket().bucket(BUCKET).send().await?;
    let body = vec![7; 2_000_000];
    for key in ["a", "b"] {
        s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from(body.clone())).send().await?;
    }
    assert_eq!(
        s3.get_object().bucket(BUCKET).key("b").send().await?.body.collect().await?.into_bytes(),
        body
    );
    assert!(s3.head_object().bucket(BUCKET).key("none").send().await.is_err());
    aws_sdk_dynamodb::Client::new(&config).list_tables().send().await?;

    let expected = [
        ("dynamodb:ListTables", 1),
        ("s3:CreateBucket", 1),
        ("s3:GetObject", 1),
        ("s3:HeadObject", 1),
        ("s3:PutObject", 2),
    ];
    assert_eq!(counts.get(), BTreeMap::from(expected.map(|(name, count)| (name.to_owned(), count))));
    assert_eq!(served.engines().s3().bytes(BUCKET, "a").as_deref(), Some(body.as_slice()));
    counts.reset();
    assert_eq!(counts.get(), BTreeMap::new());
    Ok(())
}
