//! What a client sends, in pieces that each fit one request, in the room that there is.

use bytes::Bytes;
use moorage_ports::{ByteStream, Context, PortError};

use super::Blobs;
use super::cutter::Cutter;
use super::intake::Intake;
use super::room::{Room, SMALL_BYTES, Taken};

/// A piece of a stream.
pub(super) enum Piece {
    /// More follows.
    More(Bytes),
    /// The end of it; empty where the stream is, or ended with the piece before.
    Last(Bytes),
}

/// A stream that is being cut.
pub(super) struct Pieces {
    context: Context,
    room: Room,
    intake: Intake,
    cutter: Cutter,
    /// Bytes that came and have not been cut.
    chunk: Bytes,
    /// For all that the cutter holds.
    taken: Taken,
    /// What `taken` becomes once more than a little has come.
    large_bytes: Option<usize>,
}

impl Blobs {
    /// Cuts a stream into pieces of `part_bytes`, of which the last is not shorter than `hold_back`. Waits for
    /// room for its bytes first, and again where they turn out to be many.
    pub(super) async fn pieces(
        &self,
        body: ByteStream,
        size: Option<u64>,
        part_bytes: usize,
        hold_back: usize,
    ) -> Result<Pieces, PortError> {
        let room_bytes = Cutter::room(part_bytes, hold_back.max(1));
        let size_at_most = size.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let (taken, large_bytes) = match size {
            Some(_) if size_at_most > SMALL_BYTES => {
                (self.room.large(room_bytes.min(size_at_most)).await?, None)
            }
            _ => (self.room.small().await?, Some(room_bytes)),
        };
        Ok(Pieces {
            context: self.context.clone(),
            room: self.room.clone(),
            intake: Intake::new(body, size),
            cutter: Cutter::new(part_bytes, hold_back),
            chunk: Bytes::new(),
            taken,
            large_bytes,
        })
    }
}

impl Pieces {
    /// The next piece. The one before it must have room elsewhere, or be gone, when this is called.
    pub(super) async fn next(&mut self) -> Result<Piece, PortError> {
        loop {
            while !self.chunk.is_empty() {
                self.make_room().await?;
                if let Some(piece) = self.cutter.take(&mut self.chunk) {
                    return Ok(Piece::More(piece.into()));
                }
            }
            let next = match self.large_bytes {
                Some(_) => self.intake.next().await?,
                None => self.intake.next_soon(&*self.context.clock).await?,
            };
            match next {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(Piece::Last(self.cutter.finish().into())),
            }
        }
    }

    /// Goes over to the room of a long stream where this is one.
    async fn make_room(&mut self) -> Result<(), PortError> {
        if let Some(bytes) = self.large_bytes
            && self.cutter.held() + self.chunk.len() > SMALL_BYTES
        {
            self.taken = self.room.large(bytes).await?;
            self.large_bytes = None;
        }
        Ok(())
    }
}
