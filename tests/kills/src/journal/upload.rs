//! Uploads that were opened, and how far they were acknowledged to be.

use crate::content::{Blob, encoded};
use crate::http::Answer;
use crate::journal::Name;

#[derive(Clone, Debug)]
pub struct Upload {
    /// Which client's it is.
    pub client: usize,
    pub repository: Name,
    /// The path of its Location.
    pub location: String,
    pub blob: Blob,
    /// Bytes of which the registry said that it has them.
    pub acknowledged: usize,
    /// Bytes that were sent, answered or not.
    pub sent: usize,
    pub state: UploadState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState {
    Open,
    /// A closing PUT was sent, and not answered.
    Finishing,
    /// A cancel was sent, and not answered.
    Cancelling,
    Cancelled,
    /// Cancelled, and seen to be so after a restart.
    CancelledForGood,
}

impl Upload {
    /// Whether a client can go on with it.
    pub fn can_go_on(&self) -> bool {
        matches!(self.state, UploadState::Open | UploadState::Finishing)
    }

    /// Where its closing PUT goes.
    pub fn closing_target(&self) -> String {
        closing_target(&self.location, &self.blob)
    }

    /// How many bytes the registry says it has, in the answer to a GET of the Location.
    ///
    /// # Errors
    /// They are fewer than were acknowledged, or more than were sent; or it is no such answer.
    pub fn received(&self, answer: &Answer) -> Result<usize, String> {
        let range = answer.header("Range");
        let last = range.strip_prefix("0-").and_then(|last| last.parse::<usize>().ok());
        let (204, Some(last)) = (answer.status, last) else {
            return Err(format!(
                "{} with Range `{range}`, {} bytes were acknowledged",
                answer.status, self.acknowledged
            ));
        };
        // `0-0` says that nothing came; nobody here sends a single byte.
        let received = if last == 0 { 0 } else { last + 1 };
        if (self.acknowledged..=self.sent).contains(&received) {
            return Ok(received);
        }
        let (acknowledged, sent) = (self.acknowledged, self.sent);
        Err(format!("it has {received} bytes; {acknowledged} were acknowledged, {sent} sent"))
    }
}

/// The Location of an upload, with the digest that its bytes must have.
pub fn closing_target(location: &str, blob: &Blob) -> String {
    let mark = if location.contains('?') { '&' } else { '?' };
    format!("{location}{mark}digest={}", encoded(&blob.digest))
}
