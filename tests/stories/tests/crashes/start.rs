//! Puts a registry together, as the process does.

use std::path::Path;
use std::sync::Arc;

use moorage_embedded::{Disk, Embedded, OpenError, Options};
use moorage_http::{Access, Halves, Registry};
use moorage_operations::{Common, Pull, Push, Settings, TokenSecret};
use moorage_ports::contract::Memory;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{BlobStore, Fact, Item, Key, ReadTable, ReferenceTable};

pub(crate) fn registry_on<S>(storage: Arc<S>, secret: TokenSecret, test: &TestContext) -> Registry
where
    S: ReferenceTable + BlobStore + 'static,
{
    let context = test.context();
    let common = Common { context: context.clone(), settings: Arc::new(Settings::default()), secret };
    let pull = Pull::new(storage.clone(), storage.clone(), common.clone());
    let push = Push::new(storage.clone(), storage, common);
    Registry::new(Halves::Both(pull, push), Access::PullAndPush, context.clock)
}

pub(crate) fn registry_on_memory(memory: &Arc<Memory>, test: &TestContext) -> Registry {
    registry_on(memory.clone(), secret_in_memory(), test)
}

pub(crate) fn secret_in_memory() -> TokenSecret {
    TokenSecret::new(*b"secret")
}

/// The upload secret that is stored, which outlives the process.
///
/// # Errors
/// It cannot be read.
pub(crate) async fn registry_on_embedded(storage: &Embedded, test: &TestContext) -> Result<Registry, String> {
    let secret = storage.get(&Key::upload_secret()).await.map_err(|error| error.to_string())?;
    let Some(Item { fact: Fact::UploadSecret { key }, .. }) = secret else {
        return Err("the upload secret is not there".to_owned());
    };
    Ok(registry_on(Arc::new(storage.clone()), TokenSecret::new(key), test))
}

/// Opens a directory through `disk`, with a checkpoint every `journal_rows_max` rows.
pub(crate) fn open_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    journal_rows_max: usize,
    test: &TestContext,
) -> Result<Embedded, OpenError> {
    let options = Options { journal_rows_max, ..Options::default() };
    Embedded::open_on(disk, dir, options, &test.context())
}

/// In memory where the system has that: a sync takes no time there.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}
