//! Handing over events beside the collector, which only writes them down.

use std::sync::Arc;
use std::time::Duration;

use moorage_collector::Collector;
use moorage_ports::EventSink;
use tokio::sync::Notify;

/// Between rounds in which nobody took anything: at first, and at most. Doubled each time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Hands events over for as long as the process lives: whenever there may be new ones, and again after a while where
/// they were not taken. May be stopped at any point.
pub(crate) async fn deliver(collector: Arc<Collector>, sink: Arc<dyn EventSink>, may_be_new: Arc<Notify>) {
    let clock = collector.steps().context.clock.clone();
    let mut pause = PAUSE_MIN;
    loop {
        let done = collector.deliver(&*sink).await;
        match done {
            Ok(done) if done.failed == 0 => {
                pause = PAUSE_MIN;
                if !done.more {
                    may_be_new.notified().await;
                }
                continue;
            }
            // Somebody is there.
            Ok(done) if done.handed > 0 => pause = PAUSE_MIN,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "events could not be handed over"),
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Hands over what waits, once.
///
/// # Errors
/// Where some of it was not taken, or could not be read.
pub(crate) async fn deliver_all(collector: &Collector, sink: &dyn EventSink) -> Result<(), String> {
    loop {
        let done = collector.deliver(sink).await.map_err(|error| error.to_string())?;
        if done.failed > 0 {
            return Err(format!(
                "{} events were not taken; the log says why. They are kept for the next time",
                done.failed
            ));
        }
        if !done.more {
            return Ok(());
        }
    }
}
