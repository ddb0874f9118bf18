//! The collector beside the registry: reads the change feed, does what is due, and sleeps until more is.

use std::time::Duration;

use moorage_collector::{Collector, Worked};
use moorage_ports::PortError;

/// How often the feed is read at least, so that none of it is lost, and at most.
const READS_APART_MAX: Duration = Duration::from_secs(60);
const READS_APART_MIN: Duration = Duration::from_millis(100);

/// After something could not be done.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Collects for as long as the process lives. May be stopped at any point.
pub(crate) async fn collect(collector: Collector) {
    let clock = collector.steps().context.clock.clone();
    loop {
        let pause = match round(&collector).await {
            Ok(worked) => pause(&collector, &worked),
            Err(error) => {
                tracing::warn!(%error, "the collector could not work, and tries again");
                AFTER_FAILURE
            }
        };
        clock.sleep(pause).await;
    }
}

/// Reads the feed to its end and does everything that is due.
///
/// # Errors
/// Those of the storage.
pub(crate) async fn round(collector: &Collector) -> Result<Worked, PortError> {
    collector.follow().await?;
    let worked = collector.work(None).await?;
    if worked.done + worked.failed > 0 {
        tracing::debug!(done = worked.done, failed = worked.failed, so_far = %collector.tally(), "reviews were done");
    }
    Ok(worked)
}

/// Until the next review is due. Changes ask for more: for most not before a grace has passed, so that the feed is
/// read several times in one.
fn pause(collector: &Collector, worked: &Worked) -> Duration {
    let steps = collector.steps();
    let grace = Duration::from_millis(steps.times.grace_ms);
    let reads_apart = (grace / 8).clamp(READS_APART_MIN, READS_APART_MAX);
    let due = worked.next.map_or(reads_apart, |next| Duration::from_millis(next.since_ms(steps.now())));
    let pause = due.min(reads_apart);
    if worked.failed > 0 { pause.max(AFTER_FAILURE) } else { pause }
}
