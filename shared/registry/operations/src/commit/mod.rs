//! How what is pushed comes to be, so that no collector can take it away half-way.
//!
//! Nodes are manifests, grants and contents. To commit one that holds others: (1) take its record, pending;
//! (2) put a hold under each child, keyed with the record's incarnation; (3) read each child, which must be
//! live; (4) set the record live by compare-and-set. Writers put the hold and then look at the state;
//! collectors change the state and then look for holds: so one of the two always sees the other, whatever
//! the interleaving, pause or crash.
//!
//! Who dies half-way leaves a pending record, which readers don't see, and which the next pusher joins.
//!
//! Every step but the last is [`Durability::BeforeNext`]: the last one is what the client is told of.

mod content;
mod grant;
mod manifest;

pub(crate) use grant::Granted;
pub(crate) use manifest::Committed;
pub(crate) use moorage_collector::{node_of, state_of, version_of};

use moorage_collector::give_up;
use moorage_collector::mutants::{Mutant, without};
use moorage_ports::facts::{Node, State};
use moorage_ports::{Durability, Expect, Item, PortError, Written};

use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::{CONTENTION_TRIES_MAX, PENDING_DEADLINE_MS};

/// A record that was taken, or what stood in the way.
pub(crate) enum Taken {
    /// It is live: nothing is left to do.
    Live(Item),
    /// It is pending, and ours to finish together with whoever else joined.
    Pending(Item),
    /// It was changed meanwhile; this is what is there now.
    Changed(Option<Item>),
}

impl Push {
    pub(crate) fn pending_node(&self) -> Node {
        let now = self.now();
        Node {
            state: State::Pending,
            incarnation: self.fresh_incarnation(),
            keep_until: self.common.first_keep_until(now),
            deadline: Some(now.plus_ms(PENDING_DEADLINE_MS)),
            from_bin: false,
        }
    }

    pub(crate) fn live_node(&self) -> Node {
        Node { state: State::Live, deadline: None, ..self.pending_node() }
    }

    /// Step 4, for a node that was pending. What comes out of the bin, or was left pending for long, stays at first for as
    /// long as what is new: its pusher is told that it is there.
    pub(crate) fn set_live(&self, node: &mut Node) {
        node.state = State::Live;
        node.deadline = None;
        node.from_bin = false;
        node.keep_until = node.keep_until.max(self.common.first_keep_until(self.now()));
    }

    /// Step 1: takes a node's record, whatever state it is in. `found` is what is known to be there;
    /// `fresh` makes a record where none is.
    pub(crate) async fn take(
        &self,
        found: Option<Item>,
        fresh: impl FnOnce() -> Item,
    ) -> Result<Taken, RegistryError> {
        let Some(item) = found else {
            let made = fresh();
            let written = self.table.put(made.clone(), Expect::Absent, Durability::BeforeNext).await?;
            return Ok(match written {
                Written::Done => Taken::Pending(made),
                Written::Refused(now) => Taken::Changed(now.map(|i| *i)),
            });
        };
        match state_of(&item)? {
            State::Live => Ok(Taken::Live(item)),
            State::Pending if without(Mutant::JoinPending) && !node_of(&item)?.from_bin => {
                let (made, expect) = (fresh(), Expect::VersionIs(version_of(&item)?));
                Ok(match self.table.put(made.clone(), expect, Durability::BeforeNext).await? {
                    Written::Done => Taken::Pending(made),
                    Written::Refused(now) => Taken::Changed(now.map(|i| *i)),
                })
            }
            State::Pending => Ok(Taken::Pending(item)),
            State::Condemned => self.revive(item).await,
            State::Recycled if without(Mutant::RecycledThroughPending) => self.revive(item).await,
            State::Recycled => {
                let deadline = self.now().plus_ms(PENDING_DEADLINE_MS);
                let revive = |node: &mut Node| {
                    node.state = State::Pending;
                    node.deadline = Some(deadline);
                    node.from_bin = true;
                };
                Ok(match self.compare_and_set(item, revive).await? {
                    Ok(pending) => Taken::Pending(pending),
                    Err(now) => Taken::Changed(now),
                })
            }
            State::Deleting => {
                let key = item.key.clone();
                self.make_room(item).await?;
                Ok(Taken::Changed(self.table.get(&key).await?))
            }
        }
    }

    async fn revive(&self, item: Item) -> Result<Taken, RegistryError> {
        let revive = |node: &mut Node| node.state = State::Live;
        Ok(match self.steps.compare_and_set(item, revive, Durability::OnAnswer).await? {
            Ok(live) => Taken::Live(live),
            Err(now) => Taken::Changed(now),
        })
    }

    /// Finishes a node that is being deleted, and whose place is needed.
    pub(crate) async fn make_room(&self, deleting: Item) -> Result<(), PortError> {
        if without(Mutant::FinishBeforeTakeOver) {
            let expect = Expect::VersionIs(version_of(&deleting)?);
            self.table.delete(&deleting.key, expect, Durability::BeforeNext).await?;
            return Ok(());
        }
        self.steps.finish(deleting).await
    }

    /// A client's delete begins: nobody who looks from now on relies on the node without setting it back.
    pub(crate) async fn condemn(&self, item: Item) -> Result<Result<Item, Option<Item>>, PortError> {
        if without(Mutant::DeleteCondemns) {
            return Ok(Ok(item));
        }
        self.compare_and_set(item, |node| node.state = State::Condemned).await
    }

    /// As [`moorage_collector::Steps::compare_and_set`]; durable with what follows.
    pub(crate) async fn compare_and_set(
        &self,
        item: Item,
        change: impl FnOnce(&mut Node),
    ) -> Result<Result<Item, Option<Item>>, PortError> {
        self.steps.compare_and_set(item, change, Durability::BeforeNext).await
    }

    /// Sees to it that a child is live: sets a condemned one back. Answers its record as it was seen live, the
    /// only one that may be relied on; `None` where it is not there.
    pub(crate) async fn settle_child(&self, found: Option<Item>) -> Result<Option<Item>, RegistryError> {
        let mut found = found;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else { return Ok(None) };
            match state_of(&item)? {
                State::Live => return Ok(Some(item)),
                State::Pending | State::Recycled | State::Deleting => return Ok(None),
                State::Condemned => {
                    match self.compare_and_set(item, |node| node.state = State::Live).await? {
                        Ok(live) => return Ok(Some(live)),
                        Err(now) => found = now,
                    }
                }
            }
        }
        Err(RegistryError::Contended)
    }

    /// Gives up a record that was taken: a child is missing. One that came out of the bin falls back into it.
    pub(crate) async fn give_up(&self, pending: Item) -> Result<(), RegistryError> {
        // Whoever changed it meanwhile goes on with it; there is nothing to repeat.
        let _changed_by_another = self.compare_and_set(pending, give_up).await?;
        Ok(())
    }
}
