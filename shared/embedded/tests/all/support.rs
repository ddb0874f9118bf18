//! What the tests of this crate share.

use std::path::Path;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use moorage_embedded::{Embedded, Options};
use moorage_ports::{
    BlobStore, ByteStream, Context, Fact, Item, Key, Object, ObjectBody, PortError, ReferenceTable,
};

pub(crate) fn open(dir: &Path) -> Embedded {
    open_with(dir, Options::default())
}

pub(crate) fn open_with(dir: &Path, options: Options) -> Embedded {
    Embedded::open(dir, options, &Context::system()).expect("the directory can be opened")
}

/// In memory where the system has that: a sync takes no time there.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

/// The store as one of its ports: both have a `get`, a `put` and a `delete`.
pub(crate) fn table(store: &Embedded) -> &dyn ReferenceTable {
    store
}

pub(crate) fn blobs(store: &Embedded) -> &dyn BlobStore {
    store
}

/// The bytes as a stream of several chunks.
pub(crate) fn body(bytes: &[u8]) -> ByteStream {
    let chunks: Vec<_> = bytes.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Box::pin(stream::iter(chunks))
}

pub(crate) async fn bytes_of(object: Object) -> Vec<u8> {
    try_bytes_of(object).await.expect("the object can be read")
}

pub(crate) async fn try_bytes_of(object: Object) -> Result<Vec<u8>, PortError> {
    match object.body {
        ObjectBody::Bytes(bytes) => Ok(bytes.to_vec()),
        ObjectBody::Stream(stream) => stream.map_ok(|chunk| chunk.to_vec()).try_concat().await,
    }
}

/// Bytes that differ from their neighbours, and from those of other sizes.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| ((i * 31 + size) % 251) as u8).collect()
}

pub(crate) fn hold(sort: &str) -> Item {
    Item::once(Key::from_stored("p", sort), Fact::Hold)
}

/// How many files are somewhere below.
pub(crate) fn files_below(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .map(|entry| entry.expect("the directory can be listed").path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}
