//! `moorage collect --once`: one round of the collector, for cron.

use moorage_ports::Context;

use crate::cli::Collect;
use crate::collecting::round;
use crate::storage::Storage;

/// Rounds one after the other while there is something due: what is taken away makes other things due.
const ROUNDS_MAX: usize = 100;

/// Collects what is due, and says what was done.
///
/// # Errors
/// Why it can't be done, or not all of it, for the one who started it.
pub(crate) fn run(collect: &Collect) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let place = collect.stored.place(false)?;
    let times = collect.keeping.settings(&place).times();
    let context = Context::system();
    let (storage, _) = Storage::open(&place, &context, &runtime)?;
    let collector = storage.collector(context, times);
    let done = runtime.block_on(async {
        for _ in 0..ROUNDS_MAX {
            let worked = round(&collector).await.map_err(|error| error.to_string())?;
            if worked.failed > 0 {
                return Err(format!("{} reviews could not be done; the log says why", worked.failed));
            }
            if worked.done == 0 {
                break;
            }
        }
        println!("collected: {}", collector.tally());
        Ok(())
    });
    drop(collector);
    drop(runtime);
    storage.close();
    done
}
