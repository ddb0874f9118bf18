//! Reading what is to be said of a manifest. What cannot be read is logged and left out: a search decides nothing, so no
//! object that can't be read may hold up the changes behind it, which ask for reviews.

use bytes::Bytes;
use moorage_oci::{Digest, Manifest, RepositoryName};
use moorage_ports::facts::{GrantRecord, ManifestRecord, SearchedRecord};
use moorage_ports::{Fact, Key, ObjectKey, PortError};

use super::describe::{CONFIG_BYTES_MAX, Config, describe, image_config, pushed};
use crate::steps::Steps;

impl Steps {
    /// What is to be said of a manifest, by as much as can be read of it.
    pub(super) async fn described(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
        body: Option<Bytes>,
    ) -> Result<SearchedRecord, PortError> {
        let bytes = match &record.object {
            Some(object) => self.object_to_say(object).await,
            None => body,
        };
        let parsed = bytes.as_deref().map(|bytes| Manifest::parse(bytes, Some(&record.media_type)));
        let manifest = match parsed {
            Some(Ok(manifest)) => Some(manifest),
            Some(Err(error)) => {
                tracing::warn!(%repository, %digest, %error, "a manifest can't be read: it is found by its type only");
                None
            }
            None => {
                tracing::warn!(%repository, %digest, "a manifest's bytes are not there: it is found by its type only");
                None
            }
        };
        let config = match manifest.as_ref().and_then(image_config) {
            Some(config) => self.config(repository, config).await?,
            None => Config::NotThere,
        };
        let pushed = pushed(record, self.now(), &self.times);
        Ok(describe(record, pushed, manifest.as_ref().zip(bytes.as_deref()), &config))
    }

    /// The config of an image, as every reader of the repository gets it.
    async fn config(&self, repository: &RepositoryName, digest: &Digest) -> Result<Config, PortError> {
        let Some(grant) = readable(self.table.get(&Key::grant(repository, digest)).await)?.flatten() else {
            tracing::debug!(%repository, %digest, "an image's config is not there: its platform is not known");
            return Ok(Config::NotThere);
        };
        let Fact::Grant(GrantRecord { node, object: Some(object), size }) = grant.fact else {
            return Ok(Config::NotThere);
        };
        if !node.state.is_readable() {
            return Ok(Config::NotThere);
        }
        if size > CONFIG_BYTES_MAX {
            tracing::debug!(%repository, %digest, size, "an image's config is too long to be read for a search");
            return Ok(Config::Unread);
        }
        Ok(self.object_to_say(&object).await.map_or(Config::Unread, Config::Bytes))
    }

    async fn object_to_say(&self, object: &ObjectKey) -> Option<Bytes> {
        self.object_bytes(object).await.unwrap_or_else(|error| {
            tracing::warn!(%object, %error, "an object can't be read: what a search says of it is incomplete");
            None
        })
    }
}

/// What was read, or nothing where what is stored can't be read and trying again would not help.
fn readable<T>(read: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(PortError::Corrupt(error)) => {
            tracing::warn!(error, "what a search would say of it can't be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
