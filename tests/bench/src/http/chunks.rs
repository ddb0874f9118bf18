//! Chunked transfer coding (RFC 9112, section 7.1), decoded as the bytes come.

use anyhow::{Result, bail};

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// In the hexadecimal size; so much of it was read.
    Size(u64),
    /// After the size, up to the end of its line; the size.
    Extension(u64),
    /// In a chunk, with so many bytes to come.
    Data(u64),
    /// Between a chunk's bytes and the next size.
    AfterData,
    /// At the start of a trailer line (`true`), or within one.
    Trailer(bool),
    Complete,
}

impl Chunks {
    pub const START: Self = Self::Size(0);

    /// Takes coded `bytes`, hands the decoded ones to `sink`, and returns how many coded ones it used: all
    /// of them, unless the coding ended before.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize> {
        let mut at = 0;
        while at < bytes.len() && *self != Self::Complete {
            if let Self::Data(left) = *self {
                let take = usize::try_from(left).map_or(bytes.len() - at, |left| left.min(bytes.len() - at));
                sink(&bytes[at..at + take]);
                at += take;
                *self = match left - take as u64 {
                    0 => Self::AfterData,
                    left => Self::Data(left),
                };
                continue;
            }
            *self = self.step(bytes[at])?;
            at += 1;
        }
        Ok(at)
    }

    fn step(self, byte: u8) -> Result<Self> {
        Ok(match (self, byte) {
            (Self::Size(size), _) if byte.is_ascii_hexdigit() => {
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                match size.checked_mul(16) {
                    Some(size) => Self::Size(size + u64::from(digit)),
                    None => bail!("a chunk's size is too large"),
                }
            }
            (Self::Size(0) | Self::Extension(0), b'\n') => Self::Trailer(true),
            (Self::Size(size) | Self::Extension(size), b'\n') => Self::Data(size),
            (Self::Size(size), b'\r' | b';' | b' ') | (Self::Extension(size), _) => Self::Extension(size),
            (Self::AfterData, b'\r') => Self::AfterData,
            (Self::AfterData, b'\n') => Self::START,
            (Self::Trailer(true), b'\n') => Self::Complete,
            (Self::Trailer(_), b'\n') => Self::Trailer(true),
            (Self::Trailer(start), b'\r') => Self::Trailer(start),
            (Self::Trailer(_), _) => Self::Trailer(false),
            _ => bail!("not chunked coding: byte {byte:#x} in {self:?}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Chunks;

    #[test]
    fn any_split_decodes_to_the_same_bytes() {
        let coded = b"5\r\nhello\r\nA;x=1\r\n, registry\r\n0\r\nTrailer: 1\r\n\r\n";
        for cut in 0..=coded.len() {
            let mut chunks = Chunks::START;
            let mut decoded = Vec::new();
            for part in [&coded[..cut], &coded[cut..]] {
                let used = chunks.feed(part, |bytes| decoded.extend_from_slice(bytes));
                assert_eq!(used.ok(), Some(part.len()));
            }
            assert_eq!(chunks, Chunks::Complete);
            assert_eq!(decoded, b"hello, registry");
        }
    }

    #[test]
    fn what_is_not_the_coding_is_an_error() {
        let mut chunks = Chunks::START;
        assert!(chunks.feed(b"xyz", |_| ()).is_err());
    }
}
