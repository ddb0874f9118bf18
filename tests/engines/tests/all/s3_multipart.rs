//! Objects in parts.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use moorage_engines::s3::{PART_BYTES_MIN, Unfinished};

use crate::s3_objects::{BUCKET, bucket};
use crate::{Outcome, refused};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

async fn open(client: &Client) -> Fallible<String> {
    let opened = client.create_multipart_upload().bucket(BUCKET).key("k").send().await?;
    Ok(opened.upload_id.ok_or("an upload has an id")?)
}

async fn put(client: &Client, id: &str, number: i32, body: impl Into<Bytes>) -> Fallible<CompletedPart> {
    let part = client.upload_part().bucket(BUCKET).key("k").upload_id(id).part_number(number);
    let e_tag = part.body(ByteStream::from(body.into())).send().await?.e_tag;
    Ok(CompletedPart::builder().part_number(number).set_e_tag(e_tag).build())
}

fn complete(
    client: &Client,
    id: &str,
    parts: &[&CompletedPart],
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder {
    let parts = parts.iter().map(|part| (*part).clone()).collect();
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(id).multipart_upload(upload)
}

#[tokio::test]
async fn parts_become_one_object_in_the_order_of_their_numbers() -> Outcome {
    let (engines, client) = bucket().await?;
    engines.s3().set_part_bytes_min(3);
    let id = open(&client).await?;
    let three = put(&client, &id, 30, "fg").await?;
    put(&client, &id, 1, "replaced").await?;
    let one = put(&client, &id, 1, "abc").await?;
    let left_out = put(&client, &id, 7, "left out").await?;
    assert_eq!(left_out.part_number, Some(7));
    let parts = vec![(1, 3), (7, 8), (30, 2)];
    let unfinished = Unfinished { key: "k".to_owned(), upload_id: id.clone(), parts };
    assert_eq!(engines.s3().unfinished(BUCKET), [unfinished]);
    assert_eq!(engines.s3().objects(BUCKET), []);

    let done = complete(&client, &id, &[&one, &three]).send().await?;
    // md5(md5("abc") ++ md5("fg")), of two parts.
    assert_eq!(done.e_tag.as_deref(), Some("\"f957956d5b12b504000f02e2c74e3787-2\""));
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"abcfg".as_slice()));
    assert_eq!(engines.s3().unfinished(BUCKET), []);
    let got = client.get_object().bucket(BUCKET).key("k").range("bytes=1-3").send().await?;
    assert_eq!(got.body.collect().await?.into_bytes(), "bcf");

    assert_eq!(refused(complete(&client, &id, &[&one, &three]).send().await), "NoSuchUpload");
    let late = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(2);
    assert_eq!(refused(late.body(ByteStream::from_static(b"x")).send().await), "NoSuchUpload");
    Ok(())
}

#[tokio::test]
async fn a_completion_that_is_not_right_changes_nothing() -> Outcome {
    let (engines, client) = bucket().await?;
    let id = open(&client).await?;
    let small = put(&client, &id, 1, "small").await?;
    let large = put(&client, &id, 2, vec![b'x'; PART_BYTES_MIN as usize]).await?;
    let last = put(&client, &id, 3, "last").await?;
    let absent = CompletedPart::builder().part_number(9).e_tag("\"00\"").build();
    let stale = CompletedPart::builder().part_number(2).set_e_tag(last.e_tag.clone()).build();
    for (parts, code) in [
        (vec![&small, &large], "EntityTooSmall"),
        (vec![&last, &large], "InvalidPartOrder"),
        (vec![&large, &large], "InvalidPartOrder"),
        (vec![&large, &absent], "InvalidPart"),
        (vec![&stale, &last], "InvalidPart"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(refused(complete(&client, &id, &parts).send().await), code, "{parts:?}");
    }
    let elsewhere = complete(&client, &id, &[&large]).key("other");
    assert_eq!(refused(elsewhere.send().await), "NoSuchUpload");

    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"first")).send().await?;
    let second = complete(&client, &id, &[&large, &last]).if_none_match("*").send().await;
    assert_eq!(refused(second), "PreconditionFailed");
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"first".as_slice()));
    assert_eq!(engines.s3().unfinished(BUCKET).len(), 1);

    client.delete_object().bucket(BUCKET).key("k").send().await?;
    complete(&client, &id, &[&large, &last]).if_none_match("*").send().await?;
    assert_eq!(engines.s3().objects(BUCKET)[0].bytes, PART_BYTES_MIN + 4);
    Ok(())
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() -> Outcome {
    let (engines, client) = bucket().await?;
    let id = open(&client).await?;
    let part = put(&client, &id, 1, "x").await?;
    let abort = client.abort_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
    abort.clone().send().await?;
    assert_eq!(engines.s3().unfinished(BUCKET), []);
    assert_eq!(refused(abort.send().await), "NoSuchUpload");
    assert_eq!(refused(complete(&client, &id, &[&part]).send().await), "NoSuchUpload");
    let list = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).send().await;
    assert_eq!(refused(list), "NoSuchUpload");
    Ok(())
}

#[tokio::test]
async fn a_part_is_checked_as_it_comes() -> Outcome {
    let (engines, client) = bucket().await?;
    let id = open(&client).await?;
    let part = |number| {
        let part = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(number);
        part.body(ByteStream::from_static(b"x"))
    };
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(refused(part(1).checksum_sha256(wrong).send().await), "BadDigest");
    for number in [0, 10_001] {
        assert_eq!(refused(part(number).send().await), "InvalidArgument", "{number}");
    }
    assert_eq!(engines.s3().unfinished(BUCKET)[0].parts, []);
    part(10_000).send().await?;
    assert_eq!(engines.s3().unfinished(BUCKET)[0].parts, [(10_000, 1)]);
    Ok(())
}

#[tokio::test]
async fn checksums_of_parts_make_one_of_the_object() -> Outcome {
    let (engines, client) = bucket().await?;
    engines.s3().set_part_bytes_min(1);
    let opened = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256);
    let id = opened.send().await?.upload_id.ok_or("an upload has an id")?;
    let mut parts = Vec::new();
    for (number, body) in [(1, "a"), (2, "b")] {
        let part = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(number);
        let part =
            part.checksum_algorithm(ChecksumAlgorithm::Sha256).body(ByteStream::from_static(body.as_bytes()));
        let told = part.send().await?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(told.e_tag);
        parts.push(part.set_checksum_sha256(told.checksum_sha256).build());
    }
    let wrong = CompletedPart::builder().part_number(1).set_e_tag(parts[0].e_tag.clone());
    let wrong = wrong.set_checksum_sha256(parts[1].checksum_sha256.clone()).build();
    assert_eq!(refused(complete(&client, &id, &[&wrong, &parts[1]]).send().await), "InvalidPart");
    let done = complete(&client, &id, &parts.iter().collect::<Vec<_>>()).send().await?;
    // base64(sha256(sha256("a") ++ sha256("b"))), of two parts.
    assert_eq!(done.checksum_sha256.as_deref(), Some("5aAf7hTg7VxIcU8iGA8lrYNltT+XefedxKPX6Tlj+Uo=-2"));
    let head =
        client.head_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled).send().await?;
    assert_eq!(head.checksum_sha256, done.checksum_sha256);
    Ok(())
}

#[tokio::test]
async fn an_object_s_bytes_become_a_part() -> Outcome {
    let (engines, client) = bucket().await?;
    engines.s3().set_part_bytes_min(5);
    client
        .put_object()
        .bucket(BUCKET)
        .key("a b/ü")
        .body(ByteStream::from_static(b"0123456789"))
        .send()
        .await?;
    client.put_object().bucket(BUCKET).key("tail").body(ByteStream::from_static(b"tail")).send().await?;
    let id = open(&client).await?;
    let copy = |number, source: &str| {
        let copy = client.upload_part_copy().bucket(BUCKET).key("k").upload_id(&id).part_number(number);
        copy.copy_source(format!("{BUCKET}/{source}"))
    };
    let mut parts = Vec::new();
    for (number, copy) in [
        (1, copy(1, "a%20b/%C3%BC")),
        (2, copy(2, "a%20b/%C3%BC").copy_source_range("bytes=3-8")),
        (3, copy(3, "tail")),
    ] {
        let told = copy.send().await?.copy_part_result.and_then(|result| result.e_tag);
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(told).build());
    }
    assert_eq!(refused(copy(4, "absent").send().await), "NoSuchKey");
    assert_eq!(
        refused(copy(4, "a%20b/%C3%BC").copy_source_range("bytes=3-10").send().await),
        "InvalidArgument"
    );
    assert_eq!(
        refused(copy(4, "a%20b/%C3%BC").copy_source_range("bytes=3-").send().await),
        "InvalidArgument"
    );
    assert_eq!(refused(copy(4, "tail").copy_source_range("bytes=0-3").send().await), "InvalidRequest");
    assert_eq!(refused(copy(4, "tail").upload_id("other").send().await), "NoSuchUpload");

    complete(&client, &id, &parts.iter().collect::<Vec<_>>()).send().await?;
    assert_eq!(engines.s3().bytes(BUCKET, "k").as_deref(), Some(b"0123456789345678tail".as_slice()));
    Ok(())
}

#[tokio::test]
async fn uploads_and_parts_are_listed_in_pages() -> Outcome {
    let (_, client) = bucket().await?;
    let mut ids = Vec::new();
    for key in ["b", "a", "a", "other"] {
        let opened = client.create_multipart_upload().bucket(BUCKET).key(key).send().await?;
        ids.push(opened.upload_id.ok_or("an upload has an id")?);
    }
    let list = client.list_multipart_uploads().bucket(BUCKET).max_uploads(2);
    let first = list.clone().send().await?;
    let names = |uploads: &[aws_sdk_s3::types::MultipartUpload]| {
        uploads.iter().map(|upload| upload.upload_id.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(first.uploads()), first.is_truncated),
        (vec![ids[1].clone(), ids[2].clone()], Some(true))
    );
    let next = list
        .clone()
        .set_key_marker(first.next_key_marker)
        .set_upload_id_marker(first.next_upload_id_marker)
        .send()
        .await?;
    assert_eq!(
        (names(next.uploads()), next.is_truncated),
        (vec![ids[0].clone(), ids[3].clone()], Some(false))
    );
    assert_eq!(names(list.prefix("o").send().await?.uploads()), [ids[3].clone()]);

    for number in [5, 2, 9] {
        let part = client.upload_part().bucket(BUCKET).key("b").upload_id(&ids[0]).part_number(number);
        part.body(ByteStream::from(vec![b'x'; number as usize])).send().await?;
    }
    let list = client.list_parts().bucket(BUCKET).key("b").upload_id(&ids[0]).max_parts(2);
    let first = list.clone().send().await?;
    let sizes = |parts: &[aws_sdk_s3::types::Part]| {
        parts.iter().map(|part| (part.part_number, part.size)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(first.parts()), [(Some(2), Some(2)), (Some(5), Some(5))]);
    assert_eq!(first.is_truncated, Some(true));
    let next = list.set_part_number_marker(first.next_part_number_marker).send().await?;
    assert_eq!((sizes(next.parts()), next.is_truncated), (vec![(Some(9), Some(9))], Some(false)));
    Ok(())
}
