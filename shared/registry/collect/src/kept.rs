//! Manifests that nothing holds, under the policy of their repository.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::{Action, Durability, Expect, Fact, Item, Key, PortError, Transacted, Written};

use crate::collector::Collector;
use crate::look::Around;
use crate::steps::{node_of, version_of};
use crate::tally::Event;
use crate::untagged::{WhenUnheld, when_unheld};

/// What becomes of a live manifest that nothing holds.
pub(crate) enum Unheld {
    /// The policy keeps it from now on.
    Kept,
    /// It goes when its time is up.
    Goes,
    /// It is looked at again then.
    Waits(moorage_ports::Timestamp),
    /// It was changed meanwhile.
    Changed,
}

impl Collector {
    /// Under `keep`, what never had a holder stays: only what was the child of an index, or a referrer, leaves
    /// with its holder. Under `recycle`, it waits for as long as the policy says.
    pub(crate) async fn unheld(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        item: &Item,
        around: &Around,
    ) -> Result<Unheld, PortError> {
        let Fact::Manifest(record) = &item.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", item.key)));
        };
        match when_unheld(record, around) {
            WhenUnheld::Goes => Ok(Unheld::Goes),
            WhenUnheld::Kept => {
                let hold = Key::held_by_policy(repository, digest, node_of(item)?.incarnation);
                let actions = vec![
                    Action::Put(Item::once(hold, Fact::Hold), Expect::Anything),
                    Action::Check(item.key.clone(), Expect::VersionIs(version_of(item)?)),
                    // An index may have come and gone since the look.
                    Action::Check(Key::was_held(repository, digest), Expect::Absent),
                ];
                Ok(match self.steps.table.transact(actions).await? {
                    Transacted::Done => {
                        self.tally.note(Event::Kept);
                        Unheld::Kept
                    }
                    Transacted::Refused(_) => Unheld::Changed,
                })
            }
            WhenUnheld::GoesAfter { after_ms, since } => {
                let now = self.steps.now();
                let Some(since) = since else {
                    let noted = self.note_unheld(item, Some(now)).await?;
                    return Ok(if noted { Unheld::Waits(now.plus_ms(after_ms)) } else { Unheld::Changed });
                };
                let due = since.plus_ms(after_ms);
                Ok(if due > now { Unheld::Waits(due) } else { Unheld::Goes })
            }
        }
    }

    /// Notes since when nothing holds a manifest; `false` where another was faster.
    pub(crate) async fn note_unheld(
        &self,
        item: &Item,
        since: Option<moorage_ports::Timestamp>,
    ) -> Result<bool, PortError> {
        self.change_record(item, |record| record.unheld = since).await
    }

    /// Notes that the subject of a referrer is there: from now on it leaves with it.
    pub(crate) async fn note_subject(&self, item: &Item) -> Result<bool, PortError> {
        self.change_record(item, |record| {
            if let Some(subject) = &mut record.subject {
                subject.was_there = true;
            }
        })
        .await
    }

    async fn change_record(
        &self,
        item: &Item,
        change: impl FnOnce(&mut moorage_ports::facts::ManifestRecord),
    ) -> Result<bool, PortError> {
        let mut changed = Item { version: Some(self.steps.next_version(item)), ..item.clone() };
        if let Fact::Manifest(record) = &mut changed.fact {
            change(record);
        }
        let expect = Expect::VersionIs(version_of(item)?);
        Ok(self.steps.table.put(changed, expect, Durability::BeforeNext).await? == Written::Done)
    }
}
