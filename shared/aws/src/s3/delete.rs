//! What is for the collector: deleting, and listing what is there.

use moorage_ports::{ObjectKey, PortError, Timestamp};

use super::Blobs;
use super::error::Failure as _;

/// Keys in one answer of S3.
const PAGE_KEYS_MAX: usize = 1000;

impl Blobs {
    /// S3 answers the same where there is no object. (A bucket that keeps versions keeps the bytes.)
    pub(super) async fn delete_object(&self, key: &ObjectKey) -> Result<(), PortError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.is_absent() => Ok(()),
            Err(error) => Err(error.told(&format!("delete {key}"))),
        }
    }

    /// An object is never changed, so that its last modification is its making.
    pub(super) async fn last_modified(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        let head = self
            .client
            .head_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        match head {
            Ok(head) => {
                let seconds = head.last_modified().and_then(|made| u64::try_from(made.secs()).ok());
                Ok(seconds.map(|seconds| Timestamp(seconds.saturating_mul(1000))))
            }
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.told(&format!("head {key}"))),
        }
    }

    /// One call for each thousand keys.
    pub(super) async fn list_objects(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        let mut keys: Vec<ObjectKey> = Vec::new();
        while keys.len() < limit {
            let after = keys.last().or(after).map(|key| key.as_str().to_owned());
            let asked = (limit - keys.len()).min(PAGE_KEYS_MAX);
            let listed = self
                .client
                .list_objects_v2()
                .bucket(&*self.bucket)
                .prefix(prefix)
                .set_start_after(after)
                .max_keys(asked as i32)
                .customize()
                .config_override(self.times.control())
                .send()
                .await;
            let listed = listed.map_err(|error| error.told(&format!("list {prefix}")))?;
            let is_end = listed.is_truncated() != Some(true) || listed.contents().is_empty();
            keys.extend(
                listed.contents().iter().filter_map(|object| object.key()).map(ObjectKey::from_stored),
            );
            if is_end {
                break;
            }
        }
        Ok(keys)
    }
}
