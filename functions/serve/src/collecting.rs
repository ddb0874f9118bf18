//! The collector beside the registry: reads the change feed, does what is due, and sleeps until more is. And beside
//! it, where events are told, whoever hands them over.

use std::sync::Arc;
use std::time::Duration;

use moorage_collector::{Collector, Worked};
use moorage_ports::{EventSink, PortError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::cli::Place;
use crate::events::deliver;

/// How often reviews are looked for at least, and the feed is read, so that none of it is lost; and at most.
const READS_APART_MAX: Duration = Duration::from_secs(60);
const READS_APART_MIN: Duration = Duration::from_millis(100);

/// How often the feed is read at least where somebody waits for what it tells: those who search, or are told of events.
/// DynamoDB answers DescribeStream, which each read begins with, ten times a second for all of an account.
const WAITED_FOR_IN_DIRECTORY: Duration = Duration::from_secs(1);
const WAITED_FOR_ON_AWS: Duration = Duration::from_secs(5);

/// After something could not be done.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What works beside the registry.
pub(crate) struct Collecting {
    pub(crate) collector: Collector,
    /// Who is told of events, if anybody.
    pub(crate) sink: Option<Arc<dyn EventSink>>,
    /// How often the change feed is read at least.
    pub(crate) reads_apart: Duration,
}

/// How often the feed is read at least.
pub(crate) fn reads_apart(is_waited_for: bool, place: &Place<'_>) -> Duration {
    match place {
        _ if !is_waited_for => READS_APART_MAX,
        Place::Directory(_) => WAITED_FOR_IN_DIRECTORY,
        Place::Aws { .. } => WAITED_FOR_ON_AWS,
    }
}

/// Begins to collect, and to hand over events, for as long as the process lives. All of it may be stopped at any point.
pub(crate) fn start(collecting: Collecting) -> JoinSet<()> {
    let Collecting { collector, sink, reads_apart } = collecting;
    let (collector, was_read) = (Arc::new(collector), Arc::new(Notify::new()));
    let mut tasks = JoinSet::new();
    if let Some(sink) = sink {
        tasks.spawn(deliver(collector.clone(), sink, was_read.clone()));
    }
    tasks.spawn(async move { collect(&collector, reads_apart, &was_read).await });
    tasks
}

/// Follows the feed and does what is due. Each time something was read, `was_read` is told.
async fn collect(collector: &Collector, reads_apart: Duration, was_read: &Notify) {
    let clock = &collector.steps().context.clock;
    let mut works_at = Duration::ZERO;
    loop {
        let turn = async {
            if collector.follow().await? > 0 {
                was_read.notify_one();
            }
            if clock.monotonic() >= works_at {
                works_at = clock.monotonic() + pause(collector, &work(collector).await?);
            }
            Ok::<_, PortError>(())
        };
        let pause = match turn.await {
            Ok(()) => works_at.saturating_sub(clock.monotonic()).min(reads_apart),
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
    work(collector).await
}

async fn work(collector: &Collector) -> Result<Worked, PortError> {
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
