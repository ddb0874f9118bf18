//! Recording an object that came straight to the store, under the key of a blob: its repository is granted the
//! blob then, as after any upload.
//!
//! The store says at least once that an object was made, in no order, late, and of the objects of our own
//! uploads too: so it is looked first whether the object is recorded, or was given up, by one read.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::State;
use moorage_ports::{Fact, Item, Key, ObjectKey};

use crate::error::RegistryError;
use crate::registry::Push;

/// What became of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// Its repository has the blob. Where the blob was there before, with another object, this one was given up.
    Done,
    /// It was recorded before; a grant that was deleted since stays deleted.
    Before,
    /// It was given up, and is never recorded.
    InTrash,
    /// There is no such object of that size.
    NotThere,
}

impl Push {
    /// Records `object`, of `size` bytes, as the blob of `digest` in `repository`. Can be repeated, and may run
    /// beside an upload that records the same object. The store has checked the bytes against the digest when
    /// the object was made.
    ///
    /// # Errors
    /// Those of the storage; then it is to be tried again.
    pub async fn record_object(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        object: &ObjectKey,
        size: u64,
    ) -> Result<Recorded, RegistryError> {
        let keys = [Key::content(digest), Key::grant(repository, digest), Key::trash(object)];
        let mut read = self.table.batch_get(&keys).await?;
        let (trash, grant) = (read.pop().flatten(), read.pop().flatten());
        let content = read.pop().flatten();
        if trash.is_some() {
            return Ok(Recorded::InTrash);
        }
        if was_recorded(content.as_ref(), grant.as_ref(), object) {
            return Ok(Recorded::Before);
        }
        if self.blobs.size(object).await? != Some(size) {
            return Ok(Recorded::NotThere);
        }
        match Box::pin(self.record_blob(repository, digest, object, size, content, grant)).await {
            Ok(()) => Ok(Recorded::Done),
            // Given up since the read: nothing is recorded then.
            Err(RegistryError::BodyBroken(_)) => Ok(Recorded::InTrash),
            Err(error) => Err(error),
        }
    }
}

/// Whether the object was recorded for its repository, whatever a client deleted since: the event of an upload may
/// well come after the DELETE that follows it, and must not bring the blob back.
///
/// Usually content and grant are made in one step. Who died between the two steps of the other way, without a
/// pending grant, left a blob that must be uploaded again.
fn was_recorded(content: Option<&Item>, grant: Option<&Item>, object: &ObjectKey) -> bool {
    let names = |item: &Item| match &item.fact {
        Fact::Content(content) => content.object == *object,
        // One that is pending is somebody's who may have died.
        Fact::Grant(grant) => grant.node.state != State::Pending && grant.object.as_ref() == Some(object),
        _ => false,
    };
    grant.or(content).is_some_and(names)
}
