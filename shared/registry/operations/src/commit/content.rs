//! The content record of a blob: which object its bytes are.

use moorage_collector::mutants::{Mutant, without};
use moorage_oci::Digest;
use moorage_ports::facts::{ContentRecord, State};
use moorage_ports::{Action, Expect, Fact, Item, Key, ObjectKey, Transacted};

use super::state_of;
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    pub(crate) fn content_item(&self, digest: &Digest, object: &ObjectKey, size: u64) -> Item {
        let record = ContentRecord { node: self.live_node(), object: object.clone(), size };
        Item::at(Key::content(digest), self.steps.first_version(), Fact::Content(record))
    }

    /// Sees to it that there is a content record: the one that is there (`found` is what is known of it), or
    /// a new one that names `own`.
    pub(crate) async fn ensure_content(
        &self,
        digest: &Digest,
        own: &ObjectKey,
        size: u64,
        found: Option<Item>,
    ) -> Result<(), RegistryError> {
        let mut found = found;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else {
                let actions = vec![
                    Action::Put(self.content_item(digest, own, size), Expect::Absent),
                    not_in_trash(own),
                ];
                match self.table.transact(actions).await? {
                    Transacted::Done => return Ok(()),
                    Transacted::Refused(refused) => found = unless_in_trash(refused, 1)?,
                }
                continue;
            };
            match state_of(&item)? {
                State::Live | State::Condemned => {
                    if without(Mutant::LoserKeptUntilLive)
                        && !matches!(&item.fact, Fact::Content(content) if content.object == *own)
                    {
                        self.give_up_object(own).await?;
                    }
                    return Ok(());
                }
                State::Pending | State::Recycled | State::Deleting => {
                    self.make_room(item).await?;
                    found = self.table.get(&Key::content(digest)).await?;
                }
            }
        }
        Err(RegistryError::Contended)
    }
}

/// An object that was given up must never be recorded: it may be deleted at any moment.
pub(crate) fn not_in_trash(own: &ObjectKey) -> Action {
    let expect = if without(Mutant::NotFromTrash) { Expect::Anything } else { Expect::Absent };
    Action::Check(Key::trash(own), expect)
}

/// What a refused transaction found in place of its first item, unless `own` (checked by action `check`) was
/// given up: then its bytes must come again, as another object.
pub(crate) fn unless_in_trash(
    refused: Vec<(usize, Option<Item>)>,
    check: usize,
) -> Result<Option<Item>, RegistryError> {
    if refused.iter().any(|(index, _)| *index == check) {
        return Err(RegistryError::BodyBroken(
            "they were given up by an earlier request for the same upload".into(),
        ));
    }
    Ok(refused.into_iter().find(|(index, _)| *index == 0).and_then(|(_, item)| item))
}
