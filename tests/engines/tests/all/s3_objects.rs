//! Objects, one request each.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ChecksumMode, ExpirationStatus,
    LifecycleRule, LifecycleRuleFilter,
};
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use moorage_engines::Engines;
use moorage_engines::s3::Stored;
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Outcome, refused};

pub(crate) const BUCKET: &str = "bucket";

/// An S3 with one bucket.
pub(crate) async fn bucket() -> Result<(Engines, Client), Box<dyn std::error::Error>> {
    let engines = Engines::in_process();
    let client = Client::new(&engines.sdk_config());
    client.create_bucket().bucket(BUCKET).send().await?;
    Ok((engines, client))
}

fn stored(key: &str, bytes: u64) -> Stored {
    Stored { key: key.to_owned(), bytes }
}

#[tokio::test]
async fn a_bucket_is_there_or_not() -> Outcome {
    let (_, client) = bucket().await?;
    client.head_bucket().bucket(BUCKET).send().await?;
    let absent = client.head_bucket().bucket("absent").send().await;
    assert!(absent.expect_err("no such bucket").into_service_error().is_not_found());
    assert_eq!(refused(client.create_bucket().bucket(BUCKET).send().await), "BucketAlreadyOwnedByYou");
    let put = client.put_object().bucket("absent").key("k").body(ByteStream::from_static(b"x"));
    assert_eq!(refused(put.send().await), "NoSuchBucket");

    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"x")).send().await?;
    assert_eq!(refused(client.delete_bucket().bucket(BUCKET).send().await), "BucketNotEmpty");
    client.delete_object().bucket(BUCKET).key("k").send().await?;
    client.delete_bucket().bucket(BUCKET).send().await?;
    assert_eq!(refused(client.list_objects_v2().bucket(BUCKET).send().await), "NoSuchBucket");
    Ok(())
}

#[tokio::test]
async fn bytes_and_attributes_come_back_as_they_went() -> Outcome {
    let (engines, client) = bucket().await?;
    let key = "sha256:1/a b/ü+&=?#%";
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .content_type("text/plain; x=y")
        .metadata("who", "me")
        .body(ByteStream::from_static(b"\xff\x00hello"));
    let e_tag = put.send().await?.e_tag;
    // md5sum of those bytes.
    assert_eq!(e_tag.as_deref(), Some("\"68df214033bd0f5a966fc60f26e22480\""));

    let got = client.get_object().bucket(BUCKET).key(key).send().await?;
    assert_eq!((got.content_length, got.content_type.as_deref()), (Some(7), Some("text/plain; x=y")));
    assert_eq!(got.e_tag, e_tag);
    assert_eq!(got.metadata.and_then(|all| all.get("who").cloned()).as_deref(), Some("me"));
    assert_eq!(got.body.collect().await?.into_bytes().as_ref(), b"\xff\x00hello");

    let head = client.head_object().bucket(BUCKET).key(key).send().await?;
    assert_eq!((head.content_length, head.e_tag), (Some(7), e_tag));
    assert_eq!(engines.s3().objects(BUCKET), [stored(key, 7)]);
    assert_eq!(engines.s3().bytes(BUCKET, key).as_deref(), Some(b"\xff\x00hello".as_slice()));
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_deleting_it_is_fine() -> Outcome {
    let (engines, client) = bucket().await?;
    let get = client.get_object().bucket(BUCKET).key("k").send().await;
    assert!(get.expect_err("no such key").into_service_error().is_no_such_key());
    let head = client.head_object().bucket(BUCKET).key("k").send().await.expect_err("no such key");
    assert_eq!(head.raw_response().map(|response| response.status().as_u16()), Some(404));
    assert!(head.into_service_error().is_not_found());
    client.delete_object().bucket(BUCKET).key("k").send().await?;

    client.put_object().bucket(BUCKET).key("k").send().await?;
    assert_eq!(engines.s3().objects(BUCKET), [stored("k", 0)]);
    let empty = client.get_object().bucket(BUCKET).key("k").send().await?;
    assert_eq!((empty.content_length, empty.body.collect().await?.into_bytes().len()), (Some(0), 0));
    client.delete_object().bucket(BUCKET).key("k").send().await?;
    assert_eq!(engines.s3().objects(BUCKET), []);
    Ok(())
}

#[tokio::test]
async fn ranges_are_cut_out_and_impossible_ones_refused() -> Outcome {
    let (_, client) = bucket().await?;
    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"0123456789")).send().await?;
    for (range, bytes, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=7-99", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = client.get_object().bucket(BUCKET).key("k").range(range).send().await?;
        assert_eq!(got.content_range.as_deref(), Some(content_range), "{range}");
        assert_eq!(got.content_length, Some(bytes.len() as i64), "{range}");
        assert_eq!(got.body.collect().await?.into_bytes(), bytes, "{range}");
    }
    for range in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
        let error = client.get_object().bucket(BUCKET).key("k").range(range).send().await.expect_err(range);
        assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(416), "{range}");
        assert_eq!(refused::<(), _>(Err(error)), "InvalidRange", "{range}");
    }
    client.put_object().bucket(BUCKET).key("empty").send().await?;
    let of_nothing = client.get_object().bucket(BUCKET).key("empty").range("bytes=-1").send().await;
    assert_eq!(refused(of_nothing), "InvalidRange");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_many_creates_an_object() -> Outcome {
    let (engines, client) = bucket().await?;
    let puts = (0..20).map(|writer| {
        let put = client.put_object().bucket(BUCKET).key("k").if_none_match("*");
        tokio::spawn(put.body(ByteStream::from(vec![b'x'; writer + 1])).send())
    });
    let mut winners = Vec::new();
    for (writer, put) in puts.collect::<Vec<_>>().into_iter().enumerate() {
        match put.await? {
            Ok(_) => winners.push(writer),
            Err(lost) => {
                assert_eq!(lost.raw_response().map(|response| response.status().as_u16()), Some(412));
                assert_eq!(refused::<(), _>(Err(lost)), "PreconditionFailed");
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(engines.s3().objects(BUCKET), [stored("k", winners[0] as u64 + 1)]);
    // Without the condition it is replaced.
    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"new")).send().await?;
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"new".as_slice()));
    Ok(())
}

#[tokio::test]
async fn an_etag_fences_a_write_and_a_delete() -> Outcome {
    let (engines, client) = bucket().await?;
    let put =
        |body: &'static [u8]| client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(body));
    assert_eq!(refused(put(b"a").if_match("\"00\"").send().await), "NoSuchKey");
    let e_tag = put(b"a").send().await?.e_tag.unwrap_or_default();
    assert_eq!(refused(put(b"b").if_match("\"00\"").send().await), "PreconditionFailed");
    put(b"b").if_match(&e_tag).send().await?;
    let delete = client.delete_object().bucket(BUCKET).key("k").if_match(&e_tag).send().await;
    assert_eq!(refused(delete), "PreconditionFailed");
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"b".as_slice()));
    let unchanged = client.get_object().bucket(BUCKET).key("k").if_match(&e_tag).send().await;
    assert_eq!(refused(unchanged), "PreconditionFailed");
    Ok(())
}

#[tokio::test]
async fn checksums_are_checked_and_told() -> Outcome {
    let (engines, client) = bucket().await?;
    let body = b"some bytes".as_slice();
    let sha256 = BASE64.encode(Sha256::digest(body));
    let sha512 = BASE64.encode(Sha512::digest(body));
    let wrong256 = BASE64.encode(Sha256::digest(b"other bytes"));
    let wrong512 = BASE64.encode(Sha512::digest(b"other bytes"));
    let put =
        |key: &str| client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"some bytes"));

    let refused256 = put("wrong").checksum_sha256(&wrong256).send().await.expect_err("a wrong checksum");
    assert_eq!(refused256.raw_response().map(|response| response.status().as_u16()), Some(400));
    assert_eq!(refused::<(), _>(Err(refused256)), "BadDigest");
    assert_eq!(refused(put("wrong").checksum_sha512(&wrong512).send().await), "BadDigest");
    assert_eq!(refused(put("wrong").content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await), "BadDigest");
    assert_eq!(engines.s3().objects(BUCKET), []);

    let answer = put("sha256").checksum_sha256(&sha256).send().await?;
    assert_eq!(answer.checksum_sha256.as_ref(), Some(&sha256));
    let answer = put("sha512").checksum_sha512(&sha512).send().await?;
    assert_eq!(answer.checksum_sha512.as_ref(), Some(&sha512));
    for (key, checksums) in [("sha256", (Some(&sha256), None)), ("sha512", (None, Some(&sha512)))] {
        let head = client.head_object().bucket(BUCKET).key(key);
        let told = head.clone().checksum_mode(ChecksumMode::Enabled).send().await?;
        assert_eq!((told.checksum_sha256.as_ref(), told.checksum_sha512.as_ref()), checksums, "{key}");
        assert_eq!(told.checksum_type.map(|kind| kind.to_string()).as_deref(), Some("FULL_OBJECT"), "{key}");
        assert_eq!(head.send().await?.checksum_sha256, None, "told only when asked");
        // The SDK checks it against what it reads.
        let got = client.get_object().bucket(BUCKET).key(key).send().await?;
        assert_eq!(got.body.collect().await?.into_bytes(), body, "{key}");
    }
    Ok(())
}

/// A body of unknown kind to the SDK, which sends it in signed chunks with a checksum behind them.
fn streaming(chunks: Vec<std::io::Result<&'static [u8]>>) -> ByteStream {
    let frames = chunks.into_iter().map(|chunk| chunk.map(|bytes| Frame::data(Bytes::from_static(bytes))));
    let body = StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>()));
    ByteStream::new(SdkBody::from_body_1_x(body))
}

#[tokio::test]
async fn a_body_that_streams_brings_its_checksum_behind_it() -> Outcome {
    let (engines, client) = bucket().await?;
    let body = streaming(vec![Ok(b"ab"), Ok(b""), Ok(b"cd")]);
    client.put_object().bucket(BUCKET).key("k").content_length(4).body(body).send().await?;
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"abcd".as_slice()));
    let head =
        client.head_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled).send().await?;
    assert!(head.checksum_crc32.is_some(), "{head:?}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_breaks_stores_nothing() -> Outcome {
    let (engines, client) = bucket().await?;
    for (name, body) in [
        ("short", streaming(vec![Ok(b"ab")])),
        ("long", streaming(vec![Ok(b"ab"), Ok(b"cde")])),
        ("broken", streaming(vec![Ok(b"ab"), Err(std::io::Error::other("the sender died"))])),
    ] {
        let put = client.put_object().bucket(BUCKET).key(name).content_length(4).body(body).send().await;
        assert!(put.is_err(), "{name}");
        assert_eq!(engines.s3().objects(BUCKET), [], "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn lifecycle_rules_are_kept() -> Outcome {
    let (_, client) = bucket().await?;
    let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET);
    assert_eq!(refused(get.clone().send().await), "NoSuchLifecycleConfiguration");
    let rule = LifecycleRule::builder()
        .id("abort")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(3).build(),
        )
        .build()?;
    let rules = BucketLifecycleConfiguration::builder().rules(rule.clone()).build()?;
    let put = client.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules);
    put.send().await?;
    let kept = get.send().await?;
    assert_eq!(kept.rules(), [rule], "{:?}", kept.request_id());
    Ok(())
}
