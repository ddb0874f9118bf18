//! The other direction: from the objects of the bucket to who names them.

use moorage_ports::{Action, Expect, Fact, Item, Key, ObjectKey, PortError};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Repair, Say, Walk, Wrong};
use crate::trash::trash_item;

/// Objects in one page of the list.
const OBJECTS_IN_PAGE_MAX: usize = 1000;

impl Audit {
    pub(super) async fn objects(
        &self,
        walk: &mut Walk,
        repair: Repair,
        say: Say<'_>,
    ) -> Result<(), PortError> {
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = self.blobs.list("", after.as_ref(), OBJECTS_IN_PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            walk.audited.objects += page.len() as u64;
            for object in page {
                if !walk.named.contains(&object)
                    && let Some(finding) = self.object(&object).await?
                {
                    self.tell(finding, repair, say, &mut walk.audited).await?;
                }
            }
        }
    }

    /// What is wrong with an object that no item of the walk names. One that is young may be about to be named: only
    /// what is older than any token lives, and any event that is told late, is nobody's.
    async fn object(&self, object: &ObjectKey) -> Result<Option<Finding>, PortError> {
        if !object.is_ours() {
            return Ok(Some(Finding { wrong: Wrong::ForeignObject(object.clone()), remedy: Remedy::None }));
        }
        let mut as_seen = Vec::new();
        if let Some((digest, _, _)) = object.blob_parts() {
            let key = Key::content(&digest);
            let content = self.steps.table.get(&key).await?;
            if matches!(&content, Some(Item { fact: Fact::Content(content), .. }) if content.object == *object)
            {
                return Ok(None);
            }
            as_seen.push(unchanged(key, content.as_ref()));
        }
        let in_trash = self.steps.table.get(&Key::trash(object)).await?;
        // A tombstone is no help: whoever put it there has deleted another object, before this one came.
        if matches!(&in_trash, Some(Item { fact: Fact::Trash(trash), .. }) if !trash.deleted) {
            return Ok(None);
        }
        let now = self.steps.now();
        match self.blobs.made_at(object).await? {
            Some(made) if now.since_ms(made) <= self.steps.times.tombstone_ms => Ok(None),
            Some(_) => {
                let expect = if in_trash.is_some() { Expect::Anything } else { Expect::Absent };
                let mut remedy = vec![Action::Put(trash_item(object, None, now), expect)];
                remedy.extend(as_seen);
                let wrong = Wrong::NamelessObject(object.clone());
                Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
            }
            // Deleted a moment ago.
            None if self.blobs.size(object).await?.is_none() => Ok(None),
            None => Ok(Some(Finding {
                wrong: Wrong::NamelessObjectOfUnknownAge(object.clone()),
                remedy: Remedy::None,
            })),
        }
    }
}
