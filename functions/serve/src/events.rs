//! Who is told of events: somebody who reads a file, or a webhook's receiver.

mod deliver;
mod file;
mod options;
mod webhook;

use std::sync::Arc;

use moorage_ports::{Clock, EventSink};

pub(crate) use deliver::{deliver, deliver_all};
pub(crate) use options::EventOptions;
use options::To;

/// Who is to be told, if anybody.
///
/// # Errors
/// What is wrong with what was said, or why they can't be told; and what to do.
pub(crate) fn sink(
    options: &EventOptions,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn EventSink>>, String> {
    let (to, source) = (options.to()?, options.source()?);
    Ok(match to {
        None => None,
        Some(To::File(path)) => Some(Arc::new(file::EventsFile::open(&path, source)?)),
        Some(To::Webhook { url, secret }) => {
            Some(Arc::new(webhook::Webhook::new(url, secret, source, clock)?))
        }
    })
}
