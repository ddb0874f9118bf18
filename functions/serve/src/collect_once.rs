//! `moorage collect --once`: one round of the collector, for cron; and what it has to tell is told.

use moorage_collector::Outlet;

use crate::cli::Collect;
use crate::collecting::round;
use crate::events;
use crate::managing::Managed;

/// Rounds one after the other while there is something due: what is taken away makes other things due.
const ROUNDS_MAX: usize = 100;

/// Collects what is due, and says what was done.
///
/// # Errors
/// Why it can't be done, or not all of it, for the one who started it.
pub(crate) fn run(collect: &Collect) -> Result<(), String> {
    let mut managed = Managed::open(&collect.stored, &collect.keeping)?;
    managed.settings.search = collect.searching.is_on();
    let sink = events::sink(&collect.events, managed.context.clock.clone())?;
    let outlet = if sink.is_some() { Outlet::Later } else { Outlet::Nobody };
    let collector = managed.collector().telling(outlet);
    let done = managed.runtime.block_on(async {
        for _ in 0..ROUNDS_MAX {
            let worked = round(&collector).await.map_err(|error| error.to_string())?;
            if worked.failed > 0 {
                return Err(format!("{} reviews could not be done; the log says why", worked.failed));
            }
            if worked.done == 0 {
                break;
            }
        }
        if let Some(sink) = &sink {
            events::deliver_all(&collector, &**sink).await?;
        }
        println!("collected: {}", collector.tally());
        Ok(())
    });
    drop(collector);
    managed.close();
    done
}
