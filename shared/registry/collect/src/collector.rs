//! The collector: what is done with a node when a review of it is due. One procedure for manifests, grants and
//! contents.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use moorage_ports::facts::State;
use moorage_ports::{
    Action, BlobStore, Cursor, Durability, Expect, Fact, Item, Key, PortError, Reviewed, SortRange,
    Timestamp, Transacted,
};

use crate::events::{Delivery, Outlet};
use crate::kept::Unheld;
use crate::look::Look;
use crate::mutants::{Mutant, without};
use crate::recycle::recycled_since;
use crate::reviews::Review;
use crate::steps::{Steps, give_up, node_of};
use crate::tally::{Event, Tally};

/// How often a compare-and-set that somebody else won is tried again in one review. What is left is done by the
/// next, which is asked for by then.
pub(crate) const TRIES_MAX: usize = 64;

/// Reviews read in one page, and done at once: enough to hide the time that a table's answer takes, few enough
/// not to be in the way of requests.
const REVIEWS_IN_PAGE_MAX: usize = 64;
const REVIEWS_AT_ONCE: usize = 8;

/// Takes away what nothing holds. Any number may work on one registry.
pub struct Collector {
    pub(crate) steps: Steps,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) tally: Tally,
    /// Whether search items are written.
    pub(crate) is_searched: bool,
    pub(crate) outlet: Outlet,
    pub(crate) delivery: Delivery,
    place: Mutex<Option<Cursor>>,
}

/// What one round of work did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Worked {
    /// Reviews done.
    pub done: usize,
    /// Reviews that could not be done, and are due still.
    pub failed: usize,
    /// When the next review will be due, where one was seen. Others may be asked for before.
    pub next: Option<Timestamp>,
    /// The time was over before all that is due was done.
    pub out_of_time: bool,
}

/// What to do next with a node.
enum Next {
    Done,
    /// Go on with its record as it is now.
    With(Option<Box<Item>>),
}

impl Collector {
    #[must_use]
    pub fn new(steps: Steps, blobs: Arc<dyn BlobStore>) -> Self {
        Self {
            steps,
            blobs,
            tally: Tally::default(),
            is_searched: false,
            outlet: Outlet::Nobody,
            delivery: Delivery::default(),
            place: Mutex::default(),
        }
    }

    /// The same, but it also writes what is searched, if `is_searched`.
    #[must_use]
    pub fn searched(self, is_searched: bool) -> Self {
        Self { is_searched, ..self }
    }

    /// The same, but it also tells of what happened.
    #[must_use]
    pub fn telling(self, outlet: Outlet) -> Self {
        Self { outlet, ..self }
    }

    #[must_use]
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn place(&self) -> Option<Cursor> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_place(&self, cursor: Cursor) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor);
    }

    /// Does the reviews that are due, for no longer than `time` where that is given. What fails is logged, and
    /// stays due.
    ///
    /// # Errors
    /// Those of the table where it can't be asked what is due.
    pub async fn work(&self, time: Option<Duration>) -> Result<Worked, PortError> {
        let clock = &self.steps.context.clock;
        let end = time.map(|time| clock.monotonic() + time);
        let mut worked = Worked::default();
        // Several collectors begin at different places, so as not to do the same at the same time.
        let first = self.steps.context.random.nonce().0 % u128::from(Reviewed::SHARDS);
        for shard in 0..Reviewed::SHARDS {
            let shard = (shard + u8::try_from(first).unwrap_or(0)) % Reviewed::SHARDS;
            let mut after = None;
            loop {
                if end.is_some_and(|end| clock.monotonic() >= end) {
                    worked.out_of_time = true;
                    return Ok(worked);
                }
                let due =
                    self.steps.due(shard, after.as_ref(), self.steps.now(), REVIEWS_IN_PAGE_MAX).await?;
                worked.next = [worked.next, due.next].into_iter().flatten().min();
                let reviews = due.reviews.into_iter().map(|(item, of)| self.do_review(item, of));
                let done: Vec<bool> = stream::iter(reviews).buffer_unordered(REVIEWS_AT_ONCE).collect().await;
                worked.done += done.iter().filter(|done| **done).count();
                worked.failed += done.iter().filter(|done| !**done).count();
                after = due.after;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(worked)
    }

    /// Does a review, and takes it away on the version that was read, so that one asked for meanwhile stays.
    /// `false` where that failed.
    async fn do_review(&self, review: Item, of: Reviewed) -> bool {
        let done = async {
            self.review(&of).await?;
            if !self.steps.done(&review).await? {
                self.tally.note(Event::ReviewStays);
            }
            Ok::<_, PortError>(())
        };
        match done.await {
            Ok(()) => true,
            Err(error) => {
                self.tally.note(Event::Failed);
                tracing::warn!(%of, %error, "a review could not be done, and will be tried again");
                false
            }
        }
    }

    /// Looks at one thing, and does what is due with it.
    ///
    /// # Errors
    /// Those of the storage; all of it can be repeated.
    pub async fn review(&self, of: &Reviewed) -> Result<(), PortError> {
        match of {
            Reviewed::Manifest(..) | Reviewed::Grant(..) | Reviewed::Content(_) => self.review_node(of).await,
            Reviewed::Upload(id) => self.review_upload(*id).await,
            Reviewed::Object(object) => self.review_object(object).await,
            Reviewed::Repository(repository) => {
                let listed = self.steps.all_keys(SortRange::listed(repository)).await?;
                let now = self.steps.now();
                let digests = listed.iter().filter_map(Key::listed_digest);
                let review = |digest| Review { due: now, of: Reviewed::Manifest(repository.clone(), digest) };
                self.steps.ask(digests.map(review)).await
            }
        }
    }

    async fn review_node(&self, of: &Reviewed) -> Result<(), PortError> {
        let mut found = self.steps.table.get(&of.key()).await?.map(Box::new);
        for _ in 0..TRIES_MAX {
            let Some(item) = found.map(|item| *item) else { return self.clear_absent(of).await };
            let next = match node_of(&item)?.state {
                State::Pending => self.pending(of, item).await?,
                State::Live => self.live(of, item).await?,
                State::Condemned => self.condemned(of, item).await?,
                State::Recycled => self.recycled(of, item).await?,
                State::Deleting => {
                    self.steps.finish(item).await?;
                    self.tally.note(Event::Finished);
                    Next::Done
                }
            };
            match next {
                Next::Done => return Ok(()),
                Next::With(item) => found = item,
            }
        }
        Err(PortError::Unavailable(format!("{of} is changed all the time")))
    }

    /// A node that is not there may have holds of those who died: they are removed. One that waits for what it
    /// holds (where missing children are allowed) is real, and stays.
    async fn clear_absent(&self, of: &Reviewed) -> Result<(), PortError> {
        let look = self.steps.look(of, None).await?;
        self.bury(look.dead).await?;
        match of {
            Reviewed::Manifest(repository, digest) if look.by.is_none() => {
                self.clear_note(of, Key::was_held(repository, digest)).await
            }
            _ => Ok(()),
        }
    }

    /// An index that may name what is not there leaves its note where no record is, with which it would go.
    async fn clear_note(&self, of: &Reviewed, note: Key) -> Result<(), PortError> {
        if self.steps.table.get(&note).await?.is_none() {
            return Ok(());
        }
        let is_absent = Action::Check(of.key(), Expect::Absent);
        match self.steps.table.transact(vec![Action::Delete(note, Expect::Anything), is_absent]).await? {
            // What was pushed meanwhile has it from now on.
            Transacted::Done | Transacted::Refused(_) => Ok(()),
        }
    }

    /// Its pusher may have died: it is given up when its time is over.
    async fn pending(&self, of: &Reviewed, item: Item) -> Result<Next, PortError> {
        let deadline = node_of(&item)?.deadline.unwrap_or_default();
        if deadline > self.steps.now() {
            return self.wait(of, deadline).await;
        }
        self.change(item, Event::Expired, give_up).await
    }

    /// The first look.
    async fn live(&self, of: &Reviewed, item: Item) -> Result<Next, PortError> {
        let look = self.look(of, &item).await?;
        if let Fact::Manifest(record) = &item.fact {
            let is_new =
                look.around.subject_is_there && record.subject.as_ref().is_some_and(|s| !s.was_there);
            if is_new && !self.note_subject(&item).await? {
                return self.lost(of).await;
            }
            if is_new {
                return self.again(of).await;
            }
            if look.by.is_some() && record.unheld.is_some() && !self.note_unheld(&item, None).await? {
                return self.lost(of).await;
            }
        }
        if look.by.is_some() {
            self.tally.note(Event::Held);
            return Ok(Next::Done);
        }
        if let Reviewed::Manifest(repository, digest) = of {
            match self.unheld(repository, digest, &item, &look.around).await? {
                Unheld::Goes => {}
                Unheld::Kept => return Ok(Next::Done),
                Unheld::Waits(due) => return self.wait(of, due).await,
                Unheld::Changed => return self.lost(of).await,
            }
        }
        let keep_until = node_of(&item)?.keep_until;
        if keep_until > self.steps.now() && !without(Mutant::KeepUntilAsked) {
            return self.wait(of, keep_until).await;
        }
        self.change(item, Event::Condemned, |node| node.state = State::Condemned).await
    }

    /// The second look, after the state was changed: whoever put a hold before now is seen, and whoever puts one
    /// later sees the state.
    async fn condemned(&self, of: &Reviewed, item: Item) -> Result<Next, PortError> {
        let look = self.look(of, &item).await?;
        if look.by.is_some() && !without(Mutant::SecondLook) {
            let rescued = self.change(item, Event::Rescued, |node| node.state = State::Live).await?;
            return Ok(match rescued {
                Next::With(Some(item)) if node_of(&item)?.state == State::Live => Next::Done,
                next => next,
            });
        }
        let Reviewed::Manifest(repository, digest) = of else {
            return self.change(item, Event::Deleting, |node| node.state = State::Deleting).await;
        };
        Ok(match self.steps.recycle(repository, digest, item, &[]).await? {
            Ok(recycled) => {
                self.tally.note(Event::Recycled);
                tracing::info!(%of, "nothing holds it: it went into the recycle bin");
                Next::With(Some(Box::new(recycled)))
            }
            Err(now) => self.lost_to(now),
        })
    }

    /// A manifest leaves the bin when its time there is over, a grant when no manifest in the bin needs it. From
    /// here no holder can bring it back to life, so there is no second look; an index that holds it has to be gone
    /// first.
    async fn recycled(&self, of: &Reviewed, item: Item) -> Result<Next, PortError> {
        if let Reviewed::Manifest(repository, digest) = of {
            // Whoever recycled it may have died before its last tag was gone.
            if let Ok(tags) = self.steps.holding_tags(repository, digest).await?
                && !tags.is_empty()
            {
                if !self.steps.take_away_tags(repository, digest, &item, &tags).await? {
                    return self.lost(of).await;
                }
                self.tally.note(Event::Untagged);
            }
            let ends = self.steps.times.bin_ends(recycled_since(&item)?);
            if ends > self.steps.now() {
                return self.wait(of, ends).await;
            }
        }
        // What a restore would need again is not removed: only looked at.
        if self.steps.look(of, Some(&item)).await?.by.is_some() {
            self.tally.note(Event::Held);
            return Ok(Next::Done);
        }
        self.change(item, Event::Deleting, |node| node.state = State::Deleting).await
    }

    /// Looks for what holds a live or condemned node; removes what nobody has, and looks again then.
    async fn look(&self, of: &Reviewed, item: &Item) -> Result<Look, PortError> {
        loop {
            let mut look = self.steps.look(of, Some(item)).await?;
            let dead = std::mem::take(&mut look.dead);
            let found_dead = !dead.is_empty();
            self.bury(dead).await?;
            if look.by.is_some() || !found_dead {
                return Ok(look);
            }
        }
    }

    async fn bury(&self, dead: Vec<Key>) -> Result<(), PortError> {
        dead.iter().for_each(|_| self.tally.note(Event::DeadHold));
        self.steps.remove_dead(dead).await
    }

    async fn change(
        &self,
        item: Item,
        event: Event,
        change: impl FnOnce(&mut moorage_ports::facts::Node),
    ) -> Result<Next, PortError> {
        Ok(match self.steps.compare_and_set(item, change, Durability::BeforeNext).await? {
            Ok(changed) => {
                self.tally.note(event);
                tracing::debug!(key = ?changed.key, ?event, "a node's state was changed");
                Next::With(Some(Box::new(changed)))
            }
            Err(now) => self.lost_to(now),
        })
    }

    /// Another was faster: go on with what is there now.
    async fn lost(&self, of: &Reviewed) -> Result<Next, PortError> {
        let now = self.steps.table.get(&of.key()).await?;
        Ok(self.lost_to(now))
    }

    fn lost_to(&self, now: Option<Item>) -> Next {
        self.tally.note(Event::Lost);
        if without(Mutant::LostReadsAgain) {
            return Next::Done;
        }
        Next::With(now.map(Box::new))
    }

    async fn again(&self, of: &Reviewed) -> Result<Next, PortError> {
        Ok(Next::With(self.steps.table.get(&of.key()).await?.map(Box::new)))
    }

    async fn wait(&self, of: &Reviewed, due: Timestamp) -> Result<Next, PortError> {
        self.tally.note(Event::NotYet);
        self.steps.ask([Review { due, of: of.clone() }]).await?;
        Ok(Next::Done)
    }
}
