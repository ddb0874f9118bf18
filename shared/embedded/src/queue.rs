//! The queue of the writer: how a step gets to its thread, and how the answer gets back.
//!
//! The thread takes all steps that wait as one group. (To do a step that need not be durable on the task that
//! brings it, when nobody else writes, was tried and measured: waking a thread is not what takes the time.)

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;

use moorage_ports::{Durability, PortError};
use redb::StorageError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{Failure, Stop, closed};
use crate::rows::Rows;
use crate::writer::{Idle, Writer};

/// Bytes that may wait in the queue, each step counted as at least [`STEP_BYTES_MIN`]. A group is at most
/// what waits, and is in memory three times: here, for the journal, and in the database's pages.
const QUEUE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a step counts at least: so no more than 256 wait.
const STEP_BYTES_MIN: usize = 8 * 1024;

/// Most steps of one group.
const GROUP_STEPS_MAX: usize = 256;

/// One write that waits for the writer.
pub(crate) trait Step: Send {
    /// Whether it must be durable when it is answered.
    fn durable(&self) -> bool;
    /// Does it, or refuses without having written anything. A failure undoes the group.
    fn apply(&mut self, rows: &mut Rows<'_>) -> Result<(), StorageError>;
    /// Tells whoever waits for it.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

struct Pending<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, PortError>>,
    answer: oneshot::Sender<Result<T, PortError>>,
    durable: bool,
    _room: Option<OwnedSemaphorePermit>,
}

impl<T, W> Step for Pending<T, W>
where
    T: Send,
    W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send,
{
    fn durable(&self) -> bool {
        self.durable
    }

    fn apply(&mut self, rows: &mut Rows<'_>) -> Result<(), StorageError> {
        let work = self.work.take().expect("a step is applied once");
        self.outcome = Some(match work(rows) {
            Ok(done) => Ok(done),
            Err(Stop::Refuse(error)) => Err(error),
            Err(Stop::Fail(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let outcome = match (failure, self.outcome) {
            (Some(failure), _) => Err(failure.to_port()),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(PortError::Unavailable("the step was not done".to_owned())),
        };
        // Whoever asked may have gone away; what was done stays done.
        let _ = self.answer.send(outcome);
    }
}

/// What the writer's thread is told.
enum Message {
    Step(Box<dyn Step>),
    /// Make everything durable, and go on.
    Flush(Sender<()>),
    /// Make everything durable, say that this run ended cleanly (if `clean`), and stop.
    Close {
        clean: bool,
    },
}

/// Hands steps to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: Sender<Message>,
    room: Arc<Semaphore>,
}

impl Queue {
    /// Starts the writer's thread.
    pub(crate) fn start(writer: Writer) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let queue = Self { sender, room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)) };
        let thread = std::thread::Builder::new()
            .name("moorage-writer".to_owned())
            .spawn(move || write_until_closed(writer, &receiver))?;
        Ok((queue, thread))
    }

    /// Has `work` done by the writer; answers once it is (as `durability` says) done. It holds about `bytes`
    /// of memory while it waits. Once it waits it is done, even if the caller goes away.
    pub(crate) async fn step<T, W>(
        &self,
        durability: Durability,
        bytes: usize,
        work: W,
    ) -> Result<T, PortError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send + 'static,
    {
        let counted = bytes.clamp(STEP_BYTES_MIN, QUEUE_BYTES_MAX);
        let room = u32::try_from(counted).expect("the queue is smaller than 4 GiB");
        let room = Arc::clone(&self.room).acquire_many_owned(room).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        let durable = durability == Durability::OnAnswer;
        let step = Box::new(Pending { work: Some(work), outcome: None, answer, durable, _room: Some(room) });
        self.sender.send(Message::Step(step)).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Has `work` done some time, without an answer.
    pub(crate) fn step_unanswered<W>(&self, work: W)
    where
        W: FnOnce(&mut Rows<'_>) -> Result<(), Stop> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        let step = Pending { work: Some(work), outcome: None, answer, durable: false, _room: None };
        // A writer that has stopped leaves it undone, as a crash would.
        let _ = self.sender.send(Message::Step(Box::new(step)));
    }

    /// Waits until everything that was answered is durable.
    pub(crate) fn flush(&self) {
        let (done, flushed) = std::sync::mpsc::channel();
        if self.sender.send(Message::Flush(done)).is_ok() {
            // An error means that the writer stopped, and that does as much.
            let _ = flushed.recv();
        }
    }

    /// Lets the writer finish what waits and stop.
    pub(crate) fn close(&self, clean: bool) {
        self.room.close();
        let _ = self.sender.send(Message::Close { clean });
    }
}

/// What the writer's thread does: takes all steps that wait as one group, again and again.
fn write_until_closed(mut writer: Writer, messages: &Receiver<Message>) {
    while let Some(first) = next(&mut writer, messages) {
        let (group, then) = gather(first, messages);
        if !group.is_empty() {
            writer.do_group(group);
        }
        match then {
            None | Some(Message::Step(_)) => {}
            Some(Message::Flush(done)) => {
                writer.while_idle(Idle::Sync);
                // Whoever waited may have gone away.
                let _ = done.send(());
            }
            Some(Message::Close { clean }) => return writer.close(clean),
        }
    }
    writer.close(false);
}

/// The next message; what is to be done while none comes is done. `None`: none can come.
fn next(writer: &mut Writer, messages: &Receiver<Message>) -> Option<Message> {
    loop {
        let Some((idle, after)) = writer.when_idle() else { return messages.recv().ok() };
        match messages.recv_timeout(after) {
            Ok(message) => return Some(message),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => writer.while_idle(idle),
        }
    }
}

/// The steps that wait, and what came after them that is none.
fn gather(first: Message, messages: &Receiver<Message>) -> (Vec<Box<dyn Step>>, Option<Message>) {
    let mut group = Vec::new();
    let mut message = Some(first);
    while let Some(Message::Step(step)) = message {
        group.push(step);
        message = if group.len() < GROUP_STEPS_MAX { messages.try_recv().ok() } else { None };
    }
    (group, message)
}
