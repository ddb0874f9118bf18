//! Uploads whose token is out of date: what they left is given up.

use moorage_oci::Digest;
use moorage_ports::facts::{OpenUpload, Progress};
use moorage_ports::{Action, Expect, Fact, Item, Key, Nonce, PortError, Reviewed, Transacted};

use crate::collector::{Collector, TRIES_MAX};
use crate::reviews::Review;
use crate::steps::version_of;
use crate::tally::Event;
use crate::trash::{trash, trash_parts};

impl Collector {
    pub(crate) async fn review_upload(&self, id: Nonce) -> Result<(), PortError> {
        let key = Key::upload(id);
        for _ in 0..TRIES_MAX {
            let Some(item) = self.steps.table.get(&key).await? else { return Ok(()) };
            let version = version_of(&item)?;
            let Fact::Session(session) = item.fact else {
                return Err(PortError::Corrupt(format!("{key:?} is not an upload")));
            };
            // A request that came with the token just before it was out of date may still be under way.
            let due = self.steps.times.after_grace(session.expires);
            if due > self.steps.now() {
                return self.steps.ask([Review { due, of: Reviewed::Upload(id) }]).await;
            }
            let mut actions = vec![Action::Delete(key.clone(), Expect::VersionIs(version))];
            match &session.progress {
                Progress::Open(upload) => {
                    // Without parts nothing lies under the object's own key.
                    if upload.parts_id.is_some() {
                        actions.push(self.give_up_bytes(upload));
                    }
                    actions.extend(upload.tail.iter().map(|tail| trash(&tail.object, self.steps.now())));
                }
                Progress::Closing { upload, digest } => {
                    actions.extend(self.closing(upload, digest).await?);
                    actions.extend(upload.tail.iter().map(|tail| trash(&tail.object, self.steps.now())));
                }
                Progress::Closed => {}
            }
            if self.steps.table.transact(actions).await? == Transacted::Done {
                self.tally.note(Event::UploadExpired);
                return Ok(());
            }
            self.tally.note(Event::Lost);
        }
        Err(PortError::Unavailable(format!("{key:?} is changed all the time")))
    }

    /// The object of an upload that was being closed, unless it became the blob. Whoever closes it late can't
    /// record it any more: that asks the trash, in the same instant; so what was read of the content is checked
    /// in this one.
    async fn closing(&self, upload: &OpenUpload, digest: &Digest) -> Result<Vec<Action>, PortError> {
        let key = Key::content(digest);
        let content = self.steps.table.get(&key).await?;
        let (expect, is_the_blob) = match &content {
            Some(item @ Item { fact: Fact::Content(content), .. }) => {
                (Expect::VersionIs(version_of(item)?), content.object == upload.object)
            }
            Some(item) => return Err(PortError::Corrupt(format!("{:?} is not a content", item.key))),
            None => (Expect::Absent, false),
        };
        if is_the_blob {
            return Ok(vec![Action::Check(key, expect)]);
        }
        Ok(vec![Action::Check(key, expect), self.give_up_bytes(upload)])
    }

    fn give_up_bytes(&self, upload: &OpenUpload) -> Action {
        match &upload.parts_id {
            Some(id) => trash_parts(&upload.object, id.clone(), self.steps.now()),
            None => trash(&upload.object, self.steps.now()),
        }
    }
}
