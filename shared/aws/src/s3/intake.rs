//! The bytes that a client sends, counted.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{self, Either};
use moorage_ports::{ByteStream, Clock, PortError};

/// How long a client may send nothing while it holds room that others may be waiting for.
const SILENCE_TIME_MAX: Duration = Duration::from_secs(60);

/// A stream that ends in an error if it does not have as many bytes as its sender said.
pub(super) struct Intake {
    body: ByteStream,
    said: Option<u64>,
    came: u64,
}

impl Intake {
    pub(super) fn new(body: ByteStream, said: Option<u64>) -> Self {
        Self { body, said, came: 0 }
    }

    /// The next bytes, some at least, or `None` at the end. May be given up and called again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, PortError> {
        loop {
            match self.body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.came += chunk.len() as u64;
                    return match self.said {
                        Some(said) if self.came > said => Err(self.wrong_number()),
                        _ => Ok(Some(chunk)),
                    };
                }
                Some(Err(error)) => return Err(error),
                None => {
                    return match self.said {
                        Some(said) if self.came != said => Err(self.wrong_number()),
                        _ => Ok(None),
                    };
                }
            }
        }
    }

    /// The same, for whom others may be waiting.
    pub(super) async fn next_soon(&mut self, clock: &dyn Clock) -> Result<Option<Bytes>, PortError> {
        match future::select(Box::pin(self.next()), clock.sleep(SILENCE_TIME_MAX)).await {
            Either::Left((next, _)) => next,
            Either::Right(((), _)) => {
                Err(PortError::Body(format!("nothing came for {} s", SILENCE_TIME_MAX.as_secs())))
            }
        }
    }

    /// Worded as embedded storage does: a client is told the same on both.
    fn wrong_number(&self) -> PortError {
        let missing = self.said.unwrap_or_default().saturating_sub(self.came);
        PortError::Body(match missing {
            0 => "more bytes came than were said to".to_owned(),
            missing => format!("{missing} bytes are missing at the end"),
        })
    }
}
