//! Pages of keys.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;

use crate::s3_objects::{BUCKET, bucket};
use crate::{Outcome, refused};

async fn with_keys(keys: &[&str]) -> Result<Client, Box<dyn std::error::Error>> {
    let (_, client) = bucket().await?;
    for key in keys {
        client.put_object().bucket(BUCKET).key(*key).send().await?;
    }
    Ok(client)
}

fn keys(page: &ListObjectsV2Output) -> Vec<&str> {
    page.contents().iter().filter_map(|object| object.key()).collect()
}

fn prefixes(page: &ListObjectsV2Output) -> Vec<&str> {
    page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect()
}

#[tokio::test]
async fn keys_are_in_the_order_of_their_bytes() -> Outcome {
    let client = with_keys(&["b", "a/", "é", "a", "Z", "a0", "～"]).await?;
    let list = client.list_objects_v2().bucket(BUCKET);
    let all = list.clone().send().await?;
    assert_eq!(keys(&all), ["Z", "a", "a/", "a0", "b", "é", "～"]);
    assert_eq!((all.is_truncated, all.key_count, all.max_keys), (Some(false), Some(7), Some(1000)));
    assert_eq!(keys(&list.clone().prefix("a").send().await?), ["a", "a/", "a0"]);
    assert_eq!(keys(&list.clone().start_after("a/").send().await?), ["a0", "b", "é", "～"]);
    assert_eq!(keys(&list.clone().start_after("aa").send().await?), ["b", "é", "～"]);
    assert_eq!(keys(&list.clone().prefix("a").start_after("Y").send().await?), ["a", "a/", "a0"]);
    assert_eq!(keys(&list.prefix("none").send().await?), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn a_delimiter_rolls_up_what_lies_under_it() -> Outcome {
    let client = with_keys(&["d/a/1", "d/a/2", "d/b", "d/c/1", "d/", "e"]).await?;
    let list = client.list_objects_v2().bucket(BUCKET).delimiter("/");
    let top = list.clone().send().await?;
    assert_eq!((keys(&top), prefixes(&top)), (vec!["e"], vec!["d/"]));
    let under = list.clone().prefix("d/").send().await?;
    assert_eq!((keys(&under), prefixes(&under)), (vec!["d/", "d/b"], vec!["d/a/", "d/c/"]));
    assert_eq!(under.key_count, Some(4));
    Ok(())
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() -> Outcome {
    let client = with_keys(&["d/a/1", "d/a/2", "d/a/3", "d/b", "d/c/1", "d/c/2", "d/d"]).await?;
    for (delimiter, expected) in [
        (None, vec!["d/a/1", "d/a/2", "d/a/3", "d/b", "d/c/1", "d/c/2", "d/d"]),
        (Some("/"), vec!["d/a/", "d/b", "d/c/", "d/d"]),
    ] {
        for limit in 1..=8 {
            let mut seen: Vec<String> = Vec::new();
            let mut token = None;
            loop {
                let list = client.list_objects_v2().bucket(BUCKET).prefix("d/").max_keys(limit);
                let page = list
                    .set_delimiter(delimiter.map(str::to_owned))
                    .set_continuation_token(token)
                    .send()
                    .await?;
                let here = keys(&page).len() + prefixes(&page).len();
                assert!(here <= limit as usize && here > 0, "{limit}: {here}");
                seen.extend(keys(&page).into_iter().chain(prefixes(&page)).map(str::to_owned));
                assert_eq!(page.is_truncated, Some(page.next_continuation_token.is_some()));
                token = page.next_continuation_token;
                if token.is_none() {
                    break;
                }
            }
            seen.sort();
            assert_eq!(seen, expected, "{delimiter:?}, {limit}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_page_is_longer_than_a_thousand() -> Outcome {
    let client = with_keys(&["a", "b"]).await?;
    let list = client.list_objects_v2().bucket(BUCKET);
    let none = list.clone().max_keys(0).send().await?;
    assert_eq!((keys(&none).len(), none.is_truncated), (0, Some(false)));
    assert_eq!(list.clone().max_keys(5000).send().await?.max_keys, Some(1000));
    assert_eq!(refused(list.continuation_token("made up").send().await), "InvalidArgument");
    Ok(())
}

#[tokio::test]
async fn what_was_written_is_listed_at_once() -> Outcome {
    let client = with_keys(&["a"]).await?;
    let list = client.list_objects_v2().bucket(BUCKET);
    assert_eq!(keys(&list.clone().send().await?), ["a"]);
    client.delete_object().bucket(BUCKET).key("a").send().await?;
    assert_eq!(keys(&list.send().await?), Vec::<&str>::new());
    Ok(())
}
