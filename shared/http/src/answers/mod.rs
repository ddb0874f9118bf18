//! The answers, one file for each thing that the API names.

mod blobs;
mod explain;
mod lists;
mod manifests;
mod policy;
mod recycle_bin;
mod referrers;
mod search;
mod tag_history;
mod type_policy;
mod types;
mod uploads;

use http::{Response, StatusCode};

use crate::answer::Answer;
use crate::body::{AnswerBody, Content};

/// `GET /v2/`: the API is here.
pub(crate) fn ping() -> Response<AnswerBody> {
    Answer::new(StatusCode::OK).content_type("application/json").body(Content::Bytes("{}".into()), 2)
}
