//! Mounting a blob: a repository is granted what another has, without its bytes being sent.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::{Item, Key};

use crate::commit::{Granted, state_of};
use crate::error::RegistryError;
use crate::registry::Push;

/// The outcome of a mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mounted {
    Done,
    /// There is nothing to mount: the client sends the bytes.
    NotThere,
}

impl Push {
    /// Grants `repository` the blob that `from` has, or, without `from`, that any repository has.
    ///
    /// # Errors
    /// Those of the storage; a blob that is not there is an outcome.
    pub async fn mount_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: Option<&RepositoryName>,
    ) -> Result<Mounted, RegistryError> {
        let mut keys = vec![Key::grant(repository, digest)];
        match from {
            Some(from) if from != repository => keys.push(Key::grant(from, digest)),
            // Without accounts, whoever may push may read every repository.
            Some(_) | None => keys.push(Key::content(digest)),
        }
        let mut read = self.table.batch_get(&keys).await?;
        let source = read.pop().flatten();
        let grant = read.pop().flatten();
        if !is_readable(source.as_ref())? {
            return Ok(Mounted::NotThere);
        }
        Ok(match self.commit_grant(repository, digest, grant, None).await? {
            Granted::Live => Mounted::Done,
            Granted::ContentGone => Mounted::NotThere,
        })
    }
}

fn is_readable(item: Option<&Item>) -> Result<bool, RegistryError> {
    Ok(item.map_or(Ok(false), |item| state_of(item).map(|state| state.is_readable()))?)
}
