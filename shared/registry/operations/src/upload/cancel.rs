//! Cancelling an upload: its token is used up, and its bytes are given up.

use moorage_collector::{trash, trash_parts};
use moorage_oci::RepositoryName;
use moorage_ports::facts::Progress;
use moorage_ports::{Action, Durability, Expect, Key, Transacted, Written};

use super::session::{OpenSession, Session};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    /// # Errors
    /// `UploadUnknown`, also where it was finished or cancelled before.
    pub async fn cancel_upload(&self, repository: &RepositoryName, token: &str) -> Result<(), RegistryError> {
        let token = self.common.token(repository, token)?;
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
                    let now = self.now();
                    let mut actions = vec![Action::Put(closed, Expect::VersionIs(version))];
                    if let Some(id) = &upload.parts_id {
                        actions.push(trash_parts(&upload.object, id.clone(), now));
                    }
                    actions.extend(upload.tail.iter().map(|tail| trash(&tail.object, now)));
                    if self.table.transact(actions).await? == Transacted::Done {
                        if let Some(id) = &upload.parts_id {
                            // Only frees room sooner: the trash has the rest.
                            self.blobs.abort(&upload.object, id).await?;
                        }
                        return Ok(());
                    }
                }
            }
        }
        Err(RegistryError::Contended)
    }
}
