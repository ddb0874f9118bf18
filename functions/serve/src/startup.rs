//! Puts the registry together: storage below, the wire above.

use std::sync::Arc;

use moorage_embedded::Embedded;
use moorage_http::{Halves, Registry};
use moorage_operations::{Common, Pull, Push, TokenSecret};
use moorage_ports::calls::CountCalls;
use moorage_ports::{Context, Fact, Item, Key, ReadTable};

use crate::cli::Serve;

/// A registry, and the storage that it is on.
pub(crate) struct Opened {
    pub(crate) registry: Registry,
    pub(crate) storage: Embedded,
}

/// Opens the data directory and builds the registry on it.
///
/// # Errors
/// Why it can't be served, for the one who started it.
pub(crate) fn open(serve: &Serve) -> Result<Opened, String> {
    let access = serve.access()?;
    let context = Context::system();
    let storage = Embedded::open(&serve.data, moorage_embedded::Options::default(), &context)
        .map_err(|error| error.to_string())?;
    let counted = Arc::new(CountCalls::new(Arc::new(storage.clone())));
    let secret = upload_secret(&storage)?;
    let common = Common { context: context.clone(), settings: Arc::new(serve.settings()), secret };
    let pull = Pull::new(counted.clone(), counted.clone(), common.clone());
    let push = Push::new(counted.clone(), counted, common);
    Ok(Opened { registry: Registry::new(Halves::Both(pull, push), access, context.clock), storage })
}

fn upload_secret(storage: &Embedded) -> Result<TokenSecret, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    match runtime.block_on(storage.get(&Key::upload_secret())) {
        Ok(Some(Item { fact: Fact::UploadSecret { key }, .. })) => Ok(TokenSecret::new(key)),
        Ok(_) => Err("the data directory has no upload secret; it is damaged".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
