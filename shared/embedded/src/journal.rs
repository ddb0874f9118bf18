//! The journal: what makes a write durable, before the database has it.
//!
//! redb alone would be durable too, but at a price: to open in milliseconds after a crash it needs its
//! `quick_repair`, and that costs two syncs and about 200 KiB of writes a commit at a million records (one
//! sync and 0.6 s of repair without it, 5 s with a cold cache). So redb's commits are not durable of
//! themselves. Each group's row changes are first appended here, one record a group, and one sync of this
//! file, at about 100 µs, makes the record durable and all before it. Now and then a *checkpoint* makes
//! redb durable as a whole (with `quick_repair`), and the journal begins anew at its first byte.
//!
//! A start opens redb as the last checkpoint left it, and applies the records that came after.
//!
//! The file is written over and over in place, zeros first, since a sync that must also make a new length
//! or a new block durable costs half as much again.
//!
//! A record counts only if it is of the last run that the checkpoint knows, if its number follows the one
//! before, and if its checksum is right: the first that does not is where the journal ends. Numbers go up
//! for ever and each run has another, so nothing left over from earlier can be taken for a record.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

/// Its name in the data directory.
pub(crate) const JOURNAL_FILE: &str = "journal";

/// Bytes of the journal at most; a group that does not fit any more is a checkpoint.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Changed rows at most: they are applied again at a start after a crash, which is to take few milliseconds.
const ROWS_MAX: usize = 2_000;
/// The file is made longer by so many bytes at a time.
const GROWTH_BYTES: u64 = 512 * 1024;

const MAGIC: [u8; 4] = *b"MJ01";
/// Magic, checksum of all that follows, run, number, length.
const HEADER_BYTES: usize = 4 + 4 + 8 + 8 + 4;

/// The journal of this run.
pub(crate) struct Journal {
    file: Arc<dyn DiskFile>,
    run: u64,
    /// Number of the last record.
    last: u64,
    /// Where the next record goes.
    position: u64,
    /// Bytes of the file.
    file_bytes: u64,
    /// Rows changed by its records.
    rows: usize,
    /// Whether there are records that are not durable.
    unsynced: bool,
}

impl Journal {
    /// Begins the journal of a run at the first byte. `last` is the number of the last record of all.
    pub(crate) fn begin(file: Arc<dyn DiskFile>, run: u64, last: u64) -> io::Result<Self> {
        let file_bytes = file.len()?;
        Ok(Self { file, run, last, position: 0, file_bytes, rows: 0, unsynced: false })
    }

    /// The number of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether there is no record since the last checkpoint.
    pub(crate) fn is_empty(&self) -> bool {
        self.position == 0
    }

    /// Whether changes of so many bytes and rows still fit.
    pub(crate) fn fits(&self, changes: &Changes) -> bool {
        let end = self.position + (HEADER_BYTES + changes.bytes.len()) as u64;
        end <= BYTES_MAX && self.rows + changes.rows <= ROWS_MAX
    }

    /// Appends a record. After an error it is as if nothing had been appended.
    pub(crate) fn append(&mut self, changes: &Changes) -> io::Result<()> {
        let record = record(self.run, self.last + 1, &changes.bytes);
        let end = self.position + record.len() as u64;
        self.grow(end)?;
        self.file.write_at(&record, self.position)?;
        self.position = end;
        self.last += 1;
        self.rows += changes.rows;
        self.unsynced = true;
        Ok(())
    }

    fn grow(&mut self, end: u64) -> io::Result<()> {
        if end <= self.file_bytes {
            return Ok(());
        }
        let file_bytes = end.next_multiple_of(GROWTH_BYTES);
        let zeros = vec![0; (file_bytes - self.file_bytes) as usize];
        self.file.write_at(&zeros, self.file_bytes)?;
        self.file_bytes = file_bytes;
        Ok(())
    }

    /// Makes all records durable. An error leaves nobody knowing what is.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Whether there are records that are not durable.
    pub(crate) fn unsynced(&self) -> bool {
        self.unsynced
    }

    /// Begins anew: the database has all of it, durably.
    pub(crate) fn restart(&mut self) {
        self.position = 0;
        self.rows = 0;
        self.unsynced = false;
    }
}

/// Row changes of one group, in the order they were made.
#[derive(Default)]
pub(crate) struct Changes {
    bytes: Vec<u8>,
    rows: usize,
}

/// A row that is put (or, without a value, deleted).
#[derive(Debug, PartialEq)]
pub(crate) struct RowChange<'b> {
    pub(crate) space: u8,
    pub(crate) key: &'b [u8],
    pub(crate) value: Option<&'b [u8]>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Space, length of the key, length of the value plus one (0: deleted), key, value.
    pub(crate) fn push(&mut self, change: &RowChange<'_>) {
        let length = |bytes: usize| u32::try_from(bytes).expect("rows are smaller than 4 GiB").to_be_bytes();
        self.bytes.push(change.space);
        self.bytes.extend_from_slice(&length(change.key.len()));
        self.bytes.extend_from_slice(&length(change.value.map_or(0, |value| value.len() + 1)));
        self.bytes.extend_from_slice(change.key);
        self.bytes.extend_from_slice(change.value.unwrap_or_default());
        self.rows += 1;
    }
}

/// The changes of a record; `None` in place of one that is malformed, which no crash makes.
pub(crate) fn changes(mut bytes: &[u8]) -> impl Iterator<Item = Option<RowChange<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let change = split_change(&mut bytes);
        if change.is_none() {
            bytes = &[];
        }
        Some(change)
    })
}

fn split_change<'b>(bytes: &mut &'b [u8]) -> Option<RowChange<'b>> {
    let (&space, rest) = bytes.split_first()?;
    let (key_length, rest) = rest.split_first_chunk::<4>()?;
    let (value_length, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*key_length) as usize)?;
    let (value, rest) = match u32::from_be_bytes(*value_length) as usize {
        0 => (None, rest),
        length => {
            let (value, rest) = rest.split_at_checked(length - 1)?;
            (Some(value), rest)
        }
    };
    *bytes = rest;
    Some(RowChange { space, key, value })
}

fn record(run: u64, number: u64, changes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(changes.len()).expect("a journal is smaller than 4 GiB");
    let mut record = Vec::with_capacity(HEADER_BYTES + changes.len());
    record.extend_from_slice(&MAGIC);
    record.extend_from_slice(&[0; 4]);
    record.extend_from_slice(&run.to_be_bytes());
    record.extend_from_slice(&number.to_be_bytes());
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(changes);
    let checksum = crc32fast::hash(&record[8..]);
    record[4..8].copy_from_slice(&checksum.to_be_bytes());
    record
}

/// The file, made where there is none.
pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> io::Result<Arc<dyn DiskFile>> {
    disk.open(&dir.join(JOURNAL_FILE))
}

/// Reads the records of a run that follow number `last`, in order.
pub(crate) struct Reader<'f> {
    file: &'f dyn DiskFile,
    run: u64,
    last: u64,
    position: u64,
    file_bytes: u64,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(file: &'f dyn DiskFile, run: u64, last: u64) -> io::Result<Self> {
        Ok(Self { file, run, last, position: 0, file_bytes: file.len()? })
    }

    /// The number of the last record that was read.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The bytes of the next record's changes; `None` where the journal ends.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; HEADER_BYTES];
        if self.position + HEADER_BYTES as u64 > self.file_bytes {
            return Ok(None);
        }
        self.file.read_at(&mut header, self.position)?;
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let number = |at: usize| u64::from_be_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        let bytes = u64::from(word(24));
        let follows = header[..4] == MAGIC && number(8) == self.run && number(16) == self.last + 1;
        let end = self.position + HEADER_BYTES as u64 + bytes;
        if !follows || end > self.file_bytes {
            return Ok(None);
        }
        let mut changes = vec![0; bytes as usize];
        self.file.read_at(&mut changes, self.position + HEADER_BYTES as u64)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&header[8..]);
        checksum.update(&changes);
        if checksum.finalize() != word(4) {
            return Ok(None);
        }
        self.last += 1;
        self.position = end;
        Ok(Some(changes))
    }
}
