//! Where a world's things are stored.

use std::sync::Arc;

use moorage_embedded::{Embedded, Options};
use moorage_ports::testing_context::TestContext;
use moorage_ports::{BlobStore, Fact, Item, Key, ReferenceTable, ScanTable};
use tempfile::TempDir;

use crate::disk::UnsyncedDisk;
use crate::long_parts::LongParts;
use crate::snapshot::Snapshot;

/// A storage of one world, empty at first: a table and a store of its own.
pub trait Place: Sized + Send + Sync {
    /// `part_bytes_min` is what parts must have but the last, for stories of tails; without it parts are as
    /// short as they come, where the engine can do that.
    fn new(test: &TestContext, part_bytes_min: Option<usize>) -> impl Future<Output = Self> + Send;

    /// The two ports, as a process opens them that has just been started.
    fn ports(&self) -> Ports;

    /// Stops the process and starts another.
    fn restart(&mut self, test: &TestContext) -> impl Future<Output = ()> + Send;

    /// All that is stored.
    fn snapshot(&self) -> impl Future<Output = Snapshot> + Send;

    /// Leaves nothing behind.
    fn remove(self) -> impl Future<Output = ()> + Send;

    /// Bytes of a part of ten pieces: an engine of one's own may be told any number, S3 has its own.
    fn ten_pieces() -> usize {
        10
    }

    /// Whether parts can be as short as they come. The engines that others wrote insist on S3's 5 MiB.
    fn parts_are_short() -> bool {
        true
    }

    /// Whether it is DynamoDB and S3, or what speaks as they do: billed by the request, and a part that comes again
    /// takes the place of the one before.
    fn is_aws() -> bool {
        false
    }
}

/// The ports of a storage.
#[derive(Clone)]
pub struct Ports {
    pub table: Arc<dyn ReferenceTable>,
    pub blobs: Arc<dyn BlobStore>,
    /// The same table, for an audit.
    pub scan: Arc<dyn ScanTable>,
}

/// The upload secret that every registry has.
pub(crate) async fn upload_secret(table: &dyn ReferenceTable) -> String {
    match table.get(&Key::upload_secret()).await {
        Ok(Some(Item { fact: Fact::UploadSecret { key }, .. })) => key,
        other => panic!("every registry has an upload secret, not {other:?}"),
    }
}

/// Embedded storage in a directory that goes away with it.
pub struct InDirectory {
    storage: Embedded,
    dir: TempDir,
    part_bytes_min: Option<usize>,
}

impl Place for InDirectory {
    async fn new(test: &TestContext, part_bytes_min: Option<usize>) -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let storage = open(&dir, test);
        Self { storage, dir, part_bytes_min }
    }

    fn ports(&self) -> Ports {
        let storage = Arc::new(self.storage.clone());
        let blobs: Arc<dyn BlobStore> = match self.part_bytes_min {
            Some(bytes) => Arc::new(LongParts::new(storage.clone(), bytes)),
            None => storage.clone(),
        };
        Ports { table: storage.clone(), blobs, scan: storage }
    }

    async fn restart(&mut self, test: &TestContext) {
        self.storage.close();
        self.storage = open(&self.dir, test);
    }

    async fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.storage).await
    }

    async fn remove(self) {}
}

fn open(dir: &TempDir, test: &TestContext) -> Embedded {
    Embedded::open_on(Arc::new(UnsyncedDisk), dir.path(), Options::default(), &test.context())
        .expect("it can be opened")
}
