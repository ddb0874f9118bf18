//! Events in a file: a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use moorage_ports::{Event, EventSink, PortError};

/// A file that events are appended to. It is opened for each time, so that it can be moved away meanwhile.
///
/// A line that a crash tore is ended by the next write. So each line is one event, or can be told from one: it is no
/// JSON. The event that it began is written again.
pub(super) struct EventsFile {
    path: PathBuf,
    source: String,
    /// One writes at a time: a piece of one must not end another's.
    turn: Arc<Mutex<()>>,
}

impl EventsFile {
    /// # Errors
    /// Where it is no file, and none can be made there.
    pub(super) fn open(path: &Path, source: &str) -> Result<Self, String> {
        append(path, b"").map_err(|error| {
            format!(
                "events can't be written to {}: {error}. Give --events-file the path of a file in a directory that is \
                 there and can be written to",
                path.display()
            )
        })?;
        Ok(Self { path: path.to_owned(), source: source.to_owned(), turn: Arc::default() })
    }
}

#[async_trait]
impl EventSink for EventsFile {
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
        let lines: String =
            events.iter().map(|event| format!("{}\n", event.cloud_event(&self.source))).collect();
        let (path, turn) = (self.path.clone(), self.turn.clone());
        let written = tokio::task::spawn_blocking(move || {
            let _mine = turn.lock().unwrap_or_else(PoisonError::into_inner);
            append(&path, lines.as_bytes())
        });
        let failed = match written.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("the events file: {error}")),
            Err(error) => Some(error.to_string()),
        };
        let result = |_| failed.clone().map_or(Ok(()), |error| Err(PortError::Unavailable(error)));
        events.iter().map(result).collect()
    }
}

/// Appends whole lines. They have survived a power cut when this answers.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let is_new = !path.try_exists()?;
    if !is_new && !path.metadata()?.is_file() {
        return Err(io::Error::other("that is not a file"));
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if is_torn(&mut file)? {
        file.write_all(b"\n")?;
    }
    file.write_all(lines)?;
    file.sync_data()?;
    if is_new {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Whether the last line has no end.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_torn_line_is_ended_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events");
        for (written, then) in [("", "a\n"), ("a\n{\"b", "a\n{\"b\nc\n"), ("a\n", "a\nb\n")] {
            fs::write(&path, written).expect("it can be written");
            let more = then.trim_end().rsplit('\n').next().expect("a line");
            append(&path, format!("{more}\n").as_bytes()).expect("it can be appended to");
            assert_eq!(fs::read_to_string(&path).expect("it can be read"), then);
        }
        fs::rename(&path, directory.path().join("events.1")).expect("it can be moved");
        append(&path, b"d\n").expect("it is made again");
        assert_eq!(fs::read_to_string(&path).expect("it can be read"), "d\n");
    }

    #[test]
    fn a_place_that_cannot_be_a_file_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        for path in [directory.path().to_owned(), directory.path().join("not-there/events")] {
            let refused = EventsFile::open(&path, "x").err().expect("it is refused");
            let named = path.to_str().expect("UTF-8");
            assert!(refused.contains(named) && refused.contains("--events-file"), "{refused}");
        }
    }
}
