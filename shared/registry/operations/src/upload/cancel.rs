//! Cancelling an upload: its token is used up, and its bytes are given up.

use moorage_oci::RepositoryName;
use moorage_ports::facts::{Progress, TrashRecord};
use moorage_ports::{Action, Durability, Expect, Fact, Item, Key, Transacted, Written};

use super::session::{OpenSession, Session};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    /// # Errors
    /// `UploadUnknown`, also where it was finished or cancelled before.
    pub async fn cancel_upload(&self, repository: &RepositoryName, token: &str) -> Result<(), RegistryError> {
        let token = self.token(repository, token)?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let closed = self.session_item(repository, token, Progress::Closed);
            match Session::from_item(self.table.get(&Key::upload(token.id)).await?)? {
                Session::Closing(..) | Session::Closed => {
                    return Err(RegistryError::UploadUnknown { repository: repository.clone() });
                }
                Session::Fresh => {
                    if self.table.put(closed, Expect::Absent, Durability::OnAnswer).await? == Written::Done {
                        return Ok(());
                    }
                }
                Session::Open(open) => {
                    let OpenSession { version, upload } = *open;
                    let trash = TrashRecord { since: self.now(), parts_id: Some(upload.parts_id.clone()) };
                    let trash = Item::once(Key::trash(&upload.object), Fact::Trash(trash));
                    let actions = vec![
                        Action::Put(closed, Expect::VersionIs(version)),
                        Action::Put(trash, Expect::Anything),
                    ];
                    if self.table.transact(actions).await? == Transacted::Done {
                        // Only frees room sooner: the trash has the rest.
                        self.blobs.abort(&upload.object, &upload.parts_id).await?;
                        return Ok(());
                    }
                }
            }
        }
        Err(RegistryError::Contended)
    }
}
