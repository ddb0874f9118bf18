//! Group commit: requests queue, one thread takes all that wait, writes them in one transaction, syncs
//! once, and answers each.

use crate::data::{Condition, ConditionalPut};
use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// A condition did not hold; nothing of this request was written.
    Refused,
}

/// Applies one request: every condition first, then every put.
pub fn apply(transaction: &mut dyn Transaction, puts: &[ConditionalPut]) -> Result<Outcome> {
    for put in puts {
        let found = transaction.get(&put.key)?;
        let holds = match put.condition {
            Condition::Absent => found.is_none(),
            Condition::Present => found.is_some(),
        };
        if !holds {
            return Ok(Outcome::Refused);
        }
    }
    for put in puts {
        transaction.put(&put.key, &put.value)?;
    }
    Ok(Outcome::Committed)
}

/// A request that waits for its commit.
type Queued = (Vec<ConditionalPut>, SyncSender<Outcome>);

#[derive(Clone)]
pub struct Committer(Sender<Queued>);

impl Committer {
    /// Returns the handle that requests go through, and the queue that `run` serves until the last
    /// handle is dropped.
    pub fn new() -> (Self, Receiver<Queued>) {
        let (sender, receiver) = channel();
        (Self(sender), receiver)
    }

    /// Waits until the request is on the disk, or refused.
    pub fn commit(&self, puts: Vec<ConditionalPut>) -> Result<Outcome> {
        let (answer, waiting) = sync_channel(1);
        self.0.send((puts, answer))?;
        Ok(waiting.recv()?)
    }
}

/// Serves the queue; returns how many transactions it took.
pub fn run(store: &dyn Store, queue: &Receiver<Queued>) -> Result<u64> {
    let mut transactions = 0;
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter());
        let mut outcomes = Vec::with_capacity(batch.len());
        store.transact(Durability::Synced, &mut |transaction| {
            for (puts, _) in &batch {
                outcomes.push(apply(transaction, puts)?);
            }
            Ok(())
        })?;
        transactions += 1;
        for ((_, answer), outcome) in batch.iter().zip(outcomes) {
            // A requester that has gone away needs no answer.
            let _ = answer.send(outcome);
        }
    }
    Ok(transactions)
}
