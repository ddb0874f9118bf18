//! How a run of the process begins: with what the journal has, a number of its own, and a format it knows.

use std::io;
use std::path::Path;
use std::sync::Arc;

use moorage_ports::facts::FORMAT;
use moorage_ports::{Context, Fact, Item, Key, PortError};
use redb::{Database, StorageError};

use crate::database::{JOURNAL_APPLIED, Space};
use crate::disk::DiskFile;
use crate::encoding;
use crate::error::{OpenError, Stop, corrupt};
use crate::feed::{FeedState, decode_number};
use crate::journal::{self, Journal};
use crate::rows::{Rows, Snapshot};

/// A row of `Runs` says this while the run goes on, and for ever if it did not end cleanly.
const OPEN: &[u8] = &[0];
/// The run has ended, and left nothing behind. Such a row stays until the next run has its number.
pub(crate) const ENDED_CLEANLY: &[u8] = &[1];

/// A run that has begun.
pub(crate) struct Begun {
    pub(crate) run: u64,
    /// Earlier runs that did not end cleanly.
    pub(crate) unclean_runs: Vec<u64>,
    pub(crate) journal: Journal,
    pub(crate) feed: FeedState,
    pub(crate) snapshot: Snapshot,
}

/// Checks the format, applies what the journal has, and writes down that a run has begun: its number, and
/// the items that every registry has. That is durable before anything else is done, so that no two runs
/// have one number.
///
/// A new database is made durable as a whole. Later starts only append to the journal: a start after a crash
/// must not have to wait until all that was applied is written a second time.
pub(crate) fn begin(
    database: &Database,
    journal: Arc<dyn DiskFile>,
    journal_rows_max: usize,
    context: &Context,
) -> Result<Begun, Refusal> {
    let mut transaction = database.begin_write()?;
    let mut rows = Rows::new(&transaction, FeedState::unknown(context.clock.now()));
    check_format(&mut rows)?;
    for space in Space::ALL {
        rows.make(space)?;
    }
    rows.find_feed()?;
    let checkpoint =
        rows.get(Space::Meta, JOURNAL_APPLIED)?.map(|number| decode_number(&number)).transpose()?;
    let mut reader = journal::Reader::new(journal, checkpoint.unwrap_or(0))?;
    if checkpoint.is_some() {
        take_in(&mut rows, &mut reader)?;
        check_format(&mut rows)?;
    }
    let (run, unclean_runs) = begin_run(&mut rows)?;
    put_basics(&mut rows, context)?;

    let mut journal = Journal::begin(reader, run, journal_rows_max);
    let feed = if checkpoint.is_some() && journal.fits(rows.changes()) {
        let mut done = rows.finish();
        journal.append(&mut done.changes)?;
        journal.sync()?;
        transaction.set_durability(redb::Durability::None)?;
        done.feed
    } else {
        rows.put(Space::Meta, JOURNAL_APPLIED, &journal.last().to_be_bytes())?;
        journal.restart();
        let done = rows.finish();
        transaction.set_quick_repair(true);
        done.feed
    };
    transaction.commit()?;
    Ok(Begun { run, unclean_runs, journal, feed, snapshot: Snapshot::new(database)? })
}

fn check_format(rows: &mut Rows<'_>) -> Result<(), Refusal> {
    match item(rows, &Key::format())?.map(|item| item.fact) {
        None => Ok(()),
        Some(Fact::Format { number }) if number <= FORMAT => Ok(()),
        Some(Fact::Format { number }) => Err(Refusal::Newer(number)),
        Some(_) => Err(corrupt("the format").into()),
    }
}

/// Applies what was written to the journal after the last checkpoint.
fn take_in(rows: &mut Rows<'_>, reader: &mut journal::Reader) -> Result<(), Refusal> {
    while let Some(changes) = reader.next()? {
        rows.enter_run(reader.run());
        for change in journal::changes(&changes) {
            rows.replay(&change.ok_or_else(|| corrupt("a record of the journal"))?)?;
            reader.count_row();
        }
    }
    rows.forget_changes();
    Ok(())
}

/// Gives the run its number, one above the last. Answers which earlier ones did not end cleanly.
fn begin_run(rows: &mut Rows<'_>) -> Result<(u64, Vec<u64>), Stop> {
    let mut run = 0;
    let mut unclean_runs = Vec::new();
    for (number, state) in rows.with_prefix(Space::Runs, &[])? {
        let earlier = decode_number(&number)?;
        run = earlier + 1;
        if state == ENDED_CLEANLY {
            rows.delete(Space::Runs, &number)?;
        } else {
            unclean_runs.push(earlier);
        }
    }
    rows.put(Space::Runs, &run.to_be_bytes(), OPEN)?;
    rows.enter_run(run);
    Ok((run, unclean_runs))
}

/// What every registry has: the number of its format, and the secret of its uploads.
fn put_basics(rows: &mut Rows<'_>, context: &Context) -> Result<(), Stop> {
    if item(rows, &Key::format())?.is_none() {
        put_item(rows, &Item::once(Key::format(), Fact::Format { number: FORMAT }))?;
    }
    if item(rows, &Key::upload_secret())?.is_none() {
        let key = format!("{}{}", context.random.nonce(), context.random.nonce());
        put_item(rows, &Item::once(Key::upload_secret(), Fact::UploadSecret { key }))?;
    }
    Ok(())
}

fn item(rows: &mut Rows<'_>, key: &Key) -> Result<Option<Item>, Stop> {
    let value = rows.get(Space::Facts, &encoding::key(key)?)?;
    Ok(value.map(|value| encoding::decode_item(key.clone(), &value)).transpose()?)
}

fn put_item(rows: &mut Rows<'_>, item: &Item) -> Result<(), Stop> {
    let key = encoding::key(&item.key)?;
    let value = encoding::value(item, key.len())?;
    Ok(rows.change_fact(&key, Some(&value))?)
}

/// Why no run was begun, and nothing written.
pub(crate) enum Refusal {
    /// The data has this format.
    Newer(u32),
    Other(String),
}

impl Refusal {
    pub(crate) fn into_open_error(self, dir: &Path) -> OpenError {
        let dir = dir.to_owned();
        match self {
            Self::Newer(found) => OpenError::Newer { dir, found, known: FORMAT },
            Self::Other(reason) => OpenError::Database { dir, reason },
        }
    }
}

macro_rules! refusal_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::Other(error.to_string())
            }
        }
    )*};
}

refusal_from!(io::Error, redb::Error, redb::TransactionError, redb::CommitError, redb::SetDurabilityError);
refusal_from!(StorageError, PortError);

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refuse(error) => error.into(),
            Stop::Fail(error) => error.into(),
        }
    }
}
