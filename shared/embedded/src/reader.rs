//! Reads the pieces of an object, one chunk after the other.
//!
//! A chunk that is in the page cache is read on the task that asks, which costs less than waking a thread;
//! the kernel says when it is not, and only then a thread that may block does it. A reader has one chunk in
//! memory at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use moorage_ports::PortError;

use crate::Embedded;
use crate::cleaner::CleanerTask;
use crate::database::Space;
use crate::error::{corrupt, disk_failed, read_failed};
use crate::pieces::{Piece, PieceId, Place};
use crate::rows::Snapshot;

/// Bytes that are read at a time.
pub(crate) const CHUNK_BYTES: u64 = 256 * 1024;

/// Some bytes of one piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    piece: Piece,
    range: Range<u64>,
}

/// The slices that are bytes `range` of all the pieces together, last one first.
pub(crate) fn slices(pieces: &[Piece], range: &Range<u64>) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut begin = 0;
    for piece in pieces {
        let end = begin + piece.size;
        let (from, to) = (range.start.max(begin), range.end.min(end));
        if from < to {
            slices.push(Slice { piece: *piece, range: from - begin..to - begin });
        }
        begin = end;
    }
    slices.reverse();
    slices
}

/// Reads slices; the object may be deleted meanwhile.
pub(crate) struct Reader {
    store: Embedded,
    /// What is still to be read, last one first.
    slices: Vec<Slice>,
    /// The file of the last slice, if it is one.
    open: Option<Arc<File>>,
    /// The rows as they were at the beginning, where some are to be read.
    rows: Option<Arc<Snapshot>>,
    /// Files that must stay until the end.
    pinned: Vec<PieceId>,
}

impl Reader {
    /// Begins to read an object of this snapshot. One of one file stays readable because that is open; the files of one with
    /// more are pinned, and the caller must look whether the object still is there.
    pub(crate) fn begin(store: &Embedded, snapshot: &Arc<Snapshot>, slices: Vec<Slice>) -> io::Result<Self> {
        let has_rows = slices.iter().any(|slice| slice.piece.place == Place::Row);
        let rows = has_rows.then(|| Arc::clone(snapshot));
        let mut reader = Self { store: store.clone(), slices, open: None, rows, pinned: Vec::new() };
        if has_rows || reader.slices.len() > 1 {
            reader.pinned = reader.slices.iter().map(|slice| slice.piece.id).collect();
            reader.store.pins().pin(&reader.pinned);
        } else {
            reader.open_next()?;
        }
        Ok(reader)
    }

    /// Whether files may have gone between looking the object up and pinning them.
    pub(crate) fn must_look_again(&self) -> bool {
        !self.pinned.is_empty()
    }

    fn open_next(&mut self) -> io::Result<()> {
        if let Some(slice) = self.slices.last()
            && slice.piece.place == Place::File
            && self.open.is_none()
        {
            self.open = Some(Arc::new(File::open(self.store.files().path(slice.piece.id))?));
        }
        Ok(())
    }

    /// All of it, if it is one slice of a file and can be had without waiting for the disk.
    pub(crate) fn try_all(&self) -> Result<Option<Bytes>, PortError> {
        let (Some(file), [slice]) = (&self.open, &self.slices[..]) else { return Ok(None) };
        let length = (slice.range.end - slice.range.start) as usize;
        let bytes = read_cached(file, slice.range.start, length).map_err(|e| disk_failed(&e))?;
        Ok(bytes.filter(|bytes| bytes.len() == length))
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next_chunk(&mut self) -> Result<Option<Bytes>, PortError> {
        let Some(slice) = self.slices.last() else { return Ok(None) };
        if slice.piece.place == Place::Row {
            let chunk = self.read_row(slice)?;
            self.slices.pop();
            return Ok(Some(chunk));
        }
        self.open_next().map_err(|e| disk_failed(&e))?;
        let (Some(file), Some(slice)) = (&self.open, self.slices.last_mut()) else { return Ok(None) };
        let from = slice.range.start;
        let length = CHUNK_BYTES.min(slice.range.end - from) as usize;
        let chunk = match read_cached(file, from, length).map_err(|e| disk_failed(&e))? {
            Some(chunk) => chunk,
            None => read_blocking(Arc::clone(file), from, length).await?,
        };
        slice.range.start += chunk.len() as u64;
        if slice.range.is_empty() {
            self.open = None;
            self.slices.pop();
        }
        Ok(Some(chunk))
    }

    fn read_row(&self, slice: &Slice) -> Result<Bytes, PortError> {
        let row = self
            .rows
            .as_ref()
            .ok_or_else(|| corrupt("a piece"))?
            .get(Space::Pieces, &slice.piece.id.encode())
            .map_err(read_failed)?;
        let row = row.ok_or_else(|| corrupt("a piece"))?;
        let bytes = row.value().get(slice.range.start as usize..slice.range.end as usize);
        Ok(Bytes::copy_from_slice(bytes.ok_or_else(|| corrupt("a piece"))?))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for id in self.store.pins().unpin(&self.pinned) {
            self.store.tell_cleaner(CleanerTask::LetGo(id));
        }
    }
}

/// At most `length` bytes, at least one, if they can be had without waiting for the disk.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, from: u64, length: usize) -> io::Result<Option<Bytes>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    let mut bytes = vec![0; length];
    let read = preadv2(file, &mut [io::IoSliceMut::new(&mut bytes)], from, ReadWriteFlags::NOWAIT);
    match read {
        // A file that is shorter than its row says: the blocking read will tell.
        Ok(0) => Ok(None),
        Ok(read) => {
            bytes.truncate(read);
            Ok(Some(Bytes::from(bytes)))
        }
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Other systems can't tell.
#[cfg(not(target_os = "linux"))]
fn read_cached(_file: &File, _from: u64, _length: usize) -> io::Result<Option<Bytes>> {
    Ok(None)
}

/// `length` bytes, in a thread that may wait for the disk.
async fn read_blocking(file: Arc<File>, from: u64, length: usize) -> Result<Bytes, PortError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, from)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    });
    let read = read.await.map_err(|e| PortError::Unavailable(format!("a read was broken off: {e}")))?;
    read.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PortError::Corrupt("a blob's file is too short".to_owned()),
        _ => disk_failed(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_into_the_slices_of_its_pieces() {
        let piece = |number, size| Piece { id: PieceId { run: 0, number }, place: Place::File, size };
        let pieces = [piece(0, 10), piece(1, 0), piece(2, 5), piece(3, 10)];
        let cut = |range| {
            let mut slices = slices(&pieces, &range);
            slices.reverse();
            slices.into_iter().map(|slice| (slice.piece.id.number, slice.range)).collect::<Vec<_>>()
        };
        assert_eq!(cut(0..25), [(0, 0..10), (2, 0..5), (3, 0..10)]);
        assert_eq!(cut(9..16), [(0, 9..10), (2, 0..5), (3, 0..1)]);
        assert_eq!(cut(10..15), [(2, 0..5)]);
        assert_eq!(cut(20..20), []);
    }
}
