//! One page of a bucket's objects.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use s3s::{S3Result, s3_error};

use super::object::Object;

/// No page is longer, whatever is asked.
pub(super) const PAGE_MAX: i32 = 1000;

/// What is asked of a page.
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    pub(super) start_after: Option<&'a str>,
    pub(super) continuation_token: Option<&'a str>,
    pub(super) limit: usize,
}

#[derive(Default)]
pub(super) struct Page<'a> {
    pub(super) objects: Vec<(&'a String, &'a Object)>,
    pub(super) common_prefixes: Vec<String>,
    pub(super) next: Option<String>,
}

/// Where a page ended: its last object, or the last prefix that stands for all the objects under it.
enum Place {
    Key(String),
    Prefix(String),
}

impl Place {
    fn token(&self) -> String {
        match self {
            Self::Key(key) => BASE64.encode(format!("k{key}")),
            Self::Prefix(prefix) => BASE64.encode(format!("p{prefix}")),
        }
    }

    fn parse(token: &str) -> Option<Self> {
        let mut place = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
        let rest = place.split_off(1.min(place.len()));
        match place.as_str() {
            "k" => Some(Self::Key(rest)),
            "p" => Some(Self::Prefix(rest)),
            _ => None,
        }
    }

    fn is_before(&self, key: &str) -> bool {
        match self {
            Self::Key(last) => last.as_str() < key,
            Self::Prefix(last) => last.as_str() < key && !key.starts_with(last.as_str()),
        }
    }
}

/// The first objects in the order of the keys' bytes that the query asks for. `PAGE_MAX` is the caller's to keep.
pub(super) fn page<'a>(objects: &'a BTreeMap<String, Object>, query: &Query<'_>) -> S3Result<Page<'a>> {
    let from = match (query.continuation_token, query.start_after) {
        (Some(token), _) => {
            let wrong = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
            Some(Place::parse(token).ok_or_else(wrong)?)
        }
        (None, Some(key)) => Some(Place::Key(key.to_owned())),
        (None, None) => None,
    };
    let first = match &from {
        Some(Place::Key(last) | Place::Prefix(last)) if last.as_str() > query.prefix => last,
        _ => query.prefix,
    };

    let mut page = Page::default();
    let mut last = None;
    if query.limit == 0 {
        return Ok(page);
    }
    for (key, object) in objects.range::<str, _>((Bound::Included(first), Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(query.prefix) else { break };
        if from.as_ref().is_some_and(|from| !from.is_before(key)) {
            continue;
        }
        if matches!(&last, Some(Place::Prefix(prefix)) if key.starts_with(prefix.as_str())) {
            continue;
        }
        if page.objects.len() + page.common_prefixes.len() == query.limit {
            page.next = last.as_ref().map(Place::token);
            break;
        }
        let divided = query.delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        last = Some(match divided {
            Some(end) => {
                let prefix = key[..query.prefix.len() + end].to_owned();
                page.common_prefixes.push(prefix.clone());
                Place::Prefix(prefix)
            }
            None => {
                page.objects.push((key, object));
                Place::Key(key.clone())
            }
        });
    }
    Ok(page)
}
