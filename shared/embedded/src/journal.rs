//! The journal: what makes a write durable, before the database has it.
//!
//! redb alone would be durable too, but at a price: to open in milliseconds after a crash it needs its
//! `quick_repair`, and that costs two syncs and about 200 KiB of writes a commit at a million records (one
//! sync and 0.6 s of repair without it, 5 s with a cold cache). So redb's commits are not durable of
//! themselves. Each group's row changes are first appended here, one record a group, and one sync of this
//! file, at about 100 µs, makes the record durable and all before it. Now and then a *checkpoint* makes
//! redb durable as a whole (with `quick_repair`), and the journal begins anew at its first byte.
//!
//! A start opens redb as the last checkpoint left it, applies the records that came after, and goes on
//! behind the last of them.
//!
//! The file is written over and over in place, zeros first, since a sync that must also make a new length
//! or a new block durable costs half as much again.
//!
//! A record counts only if its number follows the one before, if it is not of an earlier run than that, and
//! if its checksum is right: the first that does not is where the journal ends. Numbers go up for ever. A
//! record that was written and never answered may still lie behind that end after a crash; by its run it
//! is told from those that the next run writes over it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

/// Its name in the data directory.
pub(crate) const JOURNAL_FILE: &str = "journal";

/// Bytes of the journal at most; a group that does not fit any more is a checkpoint.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The file is made longer by so many bytes at a time.
const GROWTH_BYTES: u64 = 512 * 1024;

/// A record of another form needs another format of the data too (`moorage_ports::facts::FORMAT`): to an older
/// binary it would be the end of the journal.
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
    /// A checkpoint is due before there are more.
    rows_max: usize,
    /// Whether there are records that are not durable.
    unsynced: bool,
}

impl Journal {
    /// The journal of a run, which goes on where the reader of the last one has come to its end.
    pub(crate) fn begin(read: Reader, run: u64, rows_max: usize) -> Self {
        let Reader { file, last, position, file_bytes, rows, .. } = read;
        Self { file, run, last, position, file_bytes, rows, rows_max, unsynced: false }
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
        self.position + changes.record.len() as u64 <= BYTES_MAX && self.rows + changes.rows <= self.rows_max
    }

    /// Appends a record. After an error it is as if nothing had been appended.
    pub(crate) fn append(&mut self, changes: &mut Changes) -> io::Result<()> {
        let record = changes.as_record(self.run, self.last + 1);
        let end = self.position + record.len() as u64;
        self.grow(end)?;
        self.file.write_at(record, self.position)?;
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
pub(crate) struct Changes {
    /// Room for a header, and the changes: a record is made of them in place.
    record: Vec<u8>,
    rows: usize,
}

impl Default for Changes {
    fn default() -> Self {
        Self { record: vec![0; HEADER_BYTES], rows: 0 }
    }
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
        self.record.push(change.space);
        self.record.extend_from_slice(&length(change.key.len()));
        self.record.extend_from_slice(&length(change.value.map_or(0, |value| value.len() + 1)));
        self.record.extend_from_slice(change.key);
        self.record.extend_from_slice(change.value.unwrap_or_default());
        self.rows += 1;
    }

    fn as_record(&mut self, run: u64, number: u64) -> &[u8] {
        let length = self.record.len() - HEADER_BYTES;
        let length = u32::try_from(length).expect("a journal is smaller than 4 GiB");
        self.record[..4].copy_from_slice(&MAGIC);
        self.record[8..16].copy_from_slice(&run.to_be_bytes());
        self.record[16..24].copy_from_slice(&number.to_be_bytes());
        self.record[24..HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        let checksum = crc32fast::hash(&self.record[8..]);
        self.record[4..8].copy_from_slice(&checksum.to_be_bytes());
        &self.record
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

/// The file, made where there is none.
pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> io::Result<Arc<dyn DiskFile>> {
    disk.open(&dir.join(JOURNAL_FILE))
}

/// Reads the records after a checkpoint, in order.
pub(crate) struct Reader {
    file: Arc<dyn DiskFile>,
    /// The run of the last record that was read.
    run: u64,
    /// Its number.
    last: u64,
    /// Where the next one would be.
    position: u64,
    file_bytes: u64,
    /// Rows changed by those that were read.
    rows: usize,
}

impl Reader {
    /// Those after number `last`.
    pub(crate) fn new(file: Arc<dyn DiskFile>, last: u64) -> io::Result<Self> {
        let file_bytes = file.size()?;
        Ok(Self { file, run: 0, last, position: 0, file_bytes, rows: 0 })
    }

    /// Its run.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Counts a row that a record changed.
    pub(crate) fn count_row(&mut self) {
        self.rows += 1;
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
        let (checksum, run, bytes) = (word(4), number(8), u64::from(word(24)));
        let follows = header[..4] == MAGIC && run >= self.run && number(16) == self.last + 1;
        let end = self.position + HEADER_BYTES as u64 + bytes;
        if !follows || end > self.file_bytes {
            return Ok(None);
        }
        let mut changes = vec![0; bytes as usize];
        self.file.read_at(&mut changes, self.position + HEADER_BYTES as u64)?;
        let mut found = crc32fast::Hasher::new();
        found.update(&header[8..]);
        found.update(&changes);
        if found.finalize() != checksum {
            return Ok(None);
        }
        self.run = run;
        self.last += 1;
        self.position = end;
        Ok(Some(changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn put(value: &[u8]) -> Changes {
        let mut changes = Changes::default();
        changes.push(&RowChange { space: 0, key: b"key", value: Some(value) });
        changes
    }

    /// The values that a reader finds, and the reader at its end.
    fn read(file: &Arc<dyn DiskFile>) -> (Vec<Vec<u8>>, Reader) {
        let mut reader = Reader::new(Arc::clone(file), 0).expect("it can be read");
        let mut values = Vec::new();
        while let Some(record) = reader.next().expect("it can be read") {
            for change in changes(&record) {
                let value = change.expect("well-formed").value.expect("put");
                values.push(value.to_vec());
            }
        }
        (values, reader)
    }

    #[test]
    fn a_journal_goes_on_behind_its_last_whole_record() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = open(&RealDisk, dir.path()).expect("made");
        let mut journal = Journal::begin(read(&file).1, 0, 100);
        let mut ends = Vec::new();
        for value in [b"one", b"two", b"six"] {
            journal.append(&mut put(value)).expect("appended");
            ends.push(journal.position);
        }
        assert_eq!(read(&file).0, [b"one", b"two", b"six"]);

        // The power went while the second was written; the third was never answered, and is there.
        file.write_at(b"x", ends[1] - 1).expect("written");
        let (values, reader) = read(&file);
        assert_eq!(values, [b"one"]);
        let mut journal = Journal::begin(reader, 1, 100);
        journal.append(&mut put(b"new")).expect("appended");
        assert_eq!(journal.position, ends[1], "the third record follows right behind");
        assert_eq!(read(&file).0, [b"one", b"new"]);
    }

    #[test]
    fn after_a_checkpoint_no_earlier_record_counts() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = open(&RealDisk, dir.path()).expect("made");
        let mut journal = Journal::begin(read(&file).1, 0, 100);
        for value in [b"one", b"two", b"six"] {
            journal.append(&mut put(value)).expect("appended");
        }
        journal.restart();
        let applied = journal.last();
        let found = |file: &Arc<dyn DiskFile>| {
            Reader::new(Arc::clone(file), applied).expect("it can be read").next().expect("it can be read")
        };
        assert!(found(&file).is_none());
        journal.append(&mut put(b"new")).expect("appended");
        assert!(found(&file).is_some());
    }

    #[test]
    fn a_group_that_does_not_fit_is_for_a_checkpoint() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = open(&RealDisk, dir.path()).expect("made");
        let mut journal = Journal::begin(read(&file).1, 0, 2);
        assert!(!journal.fits(&put(&vec![0; BYTES_MAX as usize])));
        for _ in 0..2 {
            assert!(journal.fits(&put(b"few")));
            journal.append(&mut put(b"few")).expect("appended");
        }
        assert!(!journal.fits(&put(b"few")), "two rows are the most");
    }
}
