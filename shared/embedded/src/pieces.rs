//! What an object is made of: its bytes themselves, or pieces, each a file or a row of the database.

use std::fmt;

use bytes::Bytes;
use moorage_ports::limits::OBJECT_KEY_BYTES_MAX;
use moorage_ports::{ObjectKey, PartsId, PortError, Timestamp};

use crate::error::corrupt;

/// The name of one piece; never used again. Made of the number of the run that wrote it (goes up at each
/// start) and a count within the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PieceId {
    pub(crate) run: u64,
    pub(crate) number: u64,
}

/// `2-1f`: the 32nd piece of the third run.
impl fmt::Display for PieceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.run, self.number)
    }
}

impl PieceId {
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        ((u128::from(self.run) << 64) | u128::from(self.number)).to_be_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, PortError> {
        let bytes = bytes.try_into().map_err(|_| corrupt("a piece"))?;
        let both = u128::from_be_bytes(bytes);
        Ok(Self { run: (both >> 64) as u64, number: both as u64 })
    }
}

/// Where the bytes of a piece are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    File,
    Row,
}

/// Some bytes of an object, or of one in the making.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    pub(crate) id: PieceId,
    pub(crate) place: Place,
    /// Bytes.
    pub(crate) size: u64,
}

impl Piece {
    const BYTES: usize = 1 + PieceId::BYTES + 8;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.push(match self.place {
            Place::File => 0,
            Place::Row => 1,
        });
        bytes.extend_from_slice(&self.id.encode());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, PortError> {
        let malformed = || corrupt("a piece");
        let (&place, bytes) = bytes.split_first().ok_or_else(malformed)?;
        let place = match place {
            0 => Place::File,
            1 => Place::Row,
            _ => return Err(malformed()),
        };
        let (id, size) = bytes.split_at_checked(PieceId::BYTES).ok_or_else(malformed)?;
        let size = u64::from_be_bytes(size.try_into().map_err(|_| malformed())?);
        Ok(Self { id: PieceId::decode(id)?, place, size })
    }
}

/// An object, as its row says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    Inline(Bytes),
    Pieces(Vec<Piece>),
}

impl Stored {
    /// As they were written at first: without the time.
    const INLINE: u8 = 0;
    const PIECES: u8 = 1;
    /// The same with the time when the object was made, in eight bytes.
    const INLINE_SINCE: u8 = 2;
    const PIECES_SINCE: u8 = 3;

    pub(crate) fn encode(&self, made: Timestamp) -> Vec<u8> {
        let since = made.0.to_be_bytes();
        match self {
            Self::Inline(bytes) => [&[Self::INLINE_SINCE], &since[..], &bytes[..]].concat(),
            Self::Pieces(pieces) => {
                let mut bytes = Vec::with_capacity(1 + since.len() + pieces.len() * Piece::BYTES);
                bytes.push(Self::PIECES_SINCE);
                bytes.extend_from_slice(&since);
                for piece in pieces {
                    bytes.extend_from_slice(&piece.encode());
                }
                bytes
            }
        }
    }

    /// When the object was made; `None` where its row does not say it.
    pub(crate) fn made(bytes: &[u8]) -> Option<Timestamp> {
        match bytes.split_first()? {
            (&(Self::INLINE_SINCE | Self::PIECES_SINCE), rest) => {
                rest.first_chunk::<8>().map(|since| Timestamp(u64::from_be_bytes(*since)))
            }
            _ => None,
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, PortError> {
        let without_time = match bytes.split_first() {
            Some((&Self::INLINE_SINCE, rest)) => Some((&Self::INLINE, rest.get(8..))),
            Some((&Self::PIECES_SINCE, rest)) => Some((&Self::PIECES, rest.get(8..))),
            Some((kind, rest)) => Some((kind, Some(rest))),
            None => None,
        };
        let without_time = without_time.and_then(|(kind, rest)| Some((kind, rest?)));
        match without_time {
            Some((&Self::INLINE, bytes)) => Ok(Self::Inline(Bytes::copy_from_slice(bytes))),
            Some((&Self::PIECES, bytes)) => {
                bytes.chunks(Piece::BYTES).map(Piece::decode).collect::<Result<_, _>>().map(Self::Pieces)
            }
            _ => Err(corrupt("an object")),
        }
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.size).sum(),
        }
    }
}

/// An object's key in the database.
///
/// # Errors
/// `Misuse` where it is too long, empty, or has a zero byte.
pub(crate) fn object_key(key: &ObjectKey) -> Result<&[u8], PortError> {
    let bytes = key.as_str().as_bytes();
    if bytes.is_empty() || bytes.len() > OBJECT_KEY_BYTES_MAX || bytes.contains(&0) {
        return Err(PortError::Misuse(format!(
            "an object key of {} bytes, or with a zero byte",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// The key of an object in the making: object key, zero byte, parts id.
pub(crate) fn upload_key(key: &ObjectKey, id: &PartsId) -> Result<Vec<u8>, PortError> {
    let id = id.0.as_bytes();
    if id.len() > OBJECT_KEY_BYTES_MAX || id.contains(&0) {
        return Err(PortError::Misuse("a parts id that this store did not make".to_owned()));
    }
    Ok([object_key(key)?, &[0], id].concat())
}

/// What the keys of the parts of one object in the making begin with.
pub(crate) fn parts_prefix(upload: &[u8]) -> Vec<u8> {
    [upload, &[0]].concat()
}

/// The key of a part: after that, its number in four bytes and its tag.
pub(crate) fn part_key(upload: &[u8], number: u32, tag: &str) -> Vec<u8> {
    [&parts_prefix(upload)[..], &number.to_be_bytes(), tag.as_bytes()].concat()
}
