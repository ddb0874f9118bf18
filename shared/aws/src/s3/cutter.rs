//! Cuts a stream into parts.

use bytes::{Buf as _, Bytes};

/// S3's smallest part that others may follow.
const PART_BYTES_MIN: usize = 5 << 20;
/// What goes out in one request: an object up to this, and each part of a longer one. Longer parts would take more
/// memory and come later to their end, shorter ones cost more requests: 8 MiB are 256 for 2 GiB.
const PART_BYTES: usize = 8 << 20;

/// Where streams are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Each part but the last of an object has at least so many bytes.
    pub(super) part_bytes_min: usize,
    /// Each part but the last of a stream has so many.
    pub(super) part_bytes: usize,
}

impl Default for Cut {
    fn default() -> Self {
        Self { part_bytes_min: PART_BYTES_MIN, part_bytes: PART_BYTES }
    }
}

impl Cut {
    /// Both sizes; a part is never shorter than the smallest.
    pub(super) fn with(part_bytes_min: usize, part_bytes: usize) -> Self {
        let part_bytes_min = part_bytes_min.max(1);
        Self { part_bytes_min, part_bytes: part_bytes.max(part_bytes_min) }
    }
}

/// The bytes of a stream that have come and are no part yet: one part at most, and what comes behind it.
pub(super) struct Cutter {
    part_bytes: usize,
    /// A part is given out when so many bytes are there that come behind it, at least 1.
    hold_back: usize,
    part: Vec<u8>,
    behind: Vec<u8>,
}

impl Cutter {
    /// Cuts parts of `part_bytes`; the last is shorter, or longer by less than `hold_back`, and never shorter than
    /// `hold_back` unless it is the only one.
    pub(super) fn new(part_bytes: usize, hold_back: usize) -> Self {
        Self { part_bytes, hold_back: hold_back.max(1), part: Vec::new(), behind: Vec::new() }
    }

    /// How many bytes are held at most.
    pub(super) fn room(part_bytes: usize, hold_back: usize) -> usize {
        part_bytes + hold_back
    }

    /// How many bytes are held.
    pub(super) fn held(&self) -> usize {
        self.part.len() + self.behind.len()
    }

    /// Takes from `chunk` what there is room for, and gives out a part that is ready.
    pub(super) fn take(&mut self, chunk: &mut Bytes) -> Option<Vec<u8>> {
        fill(&mut self.part, self.part_bytes, chunk);
        if self.part.len() < self.part_bytes {
            return None;
        }
        fill(&mut self.behind, self.hold_back, chunk);
        if self.behind.len() < self.hold_back {
            return None;
        }
        let next = std::mem::take(&mut self.behind);
        Some(std::mem::replace(&mut self.part, next))
    }

    /// The rest, at the end of the stream.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut last = std::mem::take(&mut self.part);
        last.append(&mut self.behind);
        last
    }
}

fn fill(part: &mut Vec<u8>, up_to: usize, chunk: &mut Bytes) {
    let taken = up_to.saturating_sub(part.len()).min(chunk.len());
    part.extend_from_slice(&chunk[..taken]);
    chunk.advance(taken);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the parts of a stream in chunks of that length; no byte is lost or moved.
    fn cut(length: usize, chunk: usize, part_bytes: usize, hold_back: usize) -> Vec<usize> {
        let stream: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let mut cutter = Cutter::new(part_bytes, hold_back);
        let mut parts = Vec::new();
        for chunk in stream.chunks(chunk) {
            let mut chunk = Bytes::copy_from_slice(chunk);
            while !chunk.is_empty() {
                parts.extend(cutter.take(&mut chunk));
                assert!(cutter.held() <= Cutter::room(part_bytes, hold_back.max(1)));
            }
        }
        parts.push(cutter.finish());
        assert_eq!(parts.concat(), stream);
        parts.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_part_waits_for_what_comes_behind_it() {
        for chunk in [1, 3, 8, 100] {
            assert_eq!(cut(7, chunk, 8, 5), [7]);
            assert_eq!(cut(8, chunk, 8, 5), [8]);
            assert_eq!(cut(12, chunk, 8, 5), [12]);
            assert_eq!(cut(13, chunk, 8, 5), [8, 5]);
            assert_eq!(cut(16, chunk, 8, 5), [8, 8]);
            assert_eq!(cut(20, chunk, 8, 5), [8, 12]);
            assert_eq!(cut(21, chunk, 8, 5), [8, 8, 5]);
        }
    }

    #[test]
    fn a_stream_that_ends_with_its_object_may_end_short() {
        for chunk in [1, 3, 8, 100] {
            assert_eq!(cut(0, chunk, 8, 0), [0]);
            assert_eq!(cut(8, chunk, 8, 0), [8]);
            assert_eq!(cut(9, chunk, 8, 0), [8, 1]);
            assert_eq!(cut(16, chunk, 8, 0), [8, 8]);
        }
    }
}
