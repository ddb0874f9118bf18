//! Puts the registry together: storage below, the wire above.

use std::sync::Arc;

use moorage_collector::Outlet;
use moorage_http::{Halves, Registry};
use moorage_operations::Common;
use moorage_ports::Context;
use tokio::runtime::Runtime;

use crate::cli::{Place, Serve};
use crate::client_rates::ClientRates;
use crate::collecting::{self, Collecting};
use crate::events;
use crate::storage::Storage;

/// A registry, and the storage that it is on.
pub(crate) struct Opened {
    pub(crate) registry: Registry,
    /// None where others collect.
    pub(crate) collecting: Option<Collecting>,
    pub(crate) storage: Storage,
    /// None where clients may ask as often as they like.
    pub(crate) rates: Option<Arc<ClientRates>>,
}

/// Opens the storage and builds the registry on it.
///
/// # Errors
/// Why it can't be served, for the one who started it.
pub(crate) fn open(serve: &Serve, runtime: &Runtime) -> Result<Opened, String> {
    let (access, place) = (serve.access()?, serve.place()?);
    let settings = Arc::new(serve.settings(&place));
    let collects = serve.collect || matches!(place, Place::Directory(_));
    let context = Context::system();
    let clock = context.clock.clone();
    let sink = events::sink(&serve.events, clock.clone())?;
    if sink.is_some() && !collects {
        return Err(
            "events are told by the process that collects, and this one does not: give it --collect too, or \
                    give the options of events to the one that has it"
                .to_owned(),
        );
    }
    let rates = serve.client_requests_per_second.map(|n| Arc::new(ClientRates::new(n, clock.clone())));
    let (storage, secret) = Storage::open(&place, &context, runtime)?;
    let collecting = collects.then(|| {
        let outlet = if sink.is_some() { Outlet::Later } else { Outlet::Nobody };
        let collector = storage.collector(context.clone(), settings.times());
        let reads_apart = collecting::reads_apart(settings.search || sink.is_some(), &place);
        Collecting { collector: collector.searched(settings.search).telling(outlet), sink, reads_apart }
    });
    let (pull, push) = storage.halves(Common { context, settings, secret });
    let registry = Registry::new(Halves::Both(pull, push), access, clock);
    Ok(Opened { registry, collecting, storage, rates })
}
