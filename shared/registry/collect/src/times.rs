//! How long things stay. Nothing that must be safe depends on these.

use moorage_ports::Timestamp;
use moorage_ports::blobs::SIGNED_URL_LIFE;

/// Choices of the registry's owner, and what follows from them; all in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// How long what was just pushed, or asked for by someone who may push, stays at least although nothing
    /// holds it.
    pub grace_ms: u64,
    /// How long what was deleted stays in the recycle bin; 0: until the grace is over.
    pub recycle_ms: u64,
    /// How long an object that was given up stays, for those who were told where it is.
    pub trash_ms: u64,
    /// How long after that it is remembered that its key was used: no event and no token comes so late.
    pub tombstone_ms: u64,
}

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// S3 tells of an object within seconds, and Lambda tries an event for up to six hours.
const EVENT_AGE_MAX_MS: u64 = DAY_MS;

impl Times {
    pub const GRACE_MS: u64 = DAY_MS;
    pub const RECYCLE_MS: u64 = 7 * DAY_MS;

    /// For a store that signs URLs: whoever was given one may begin to read for as long as it is good.
    #[must_use]
    pub fn with_signed_urls(grace_ms: u64, recycle_ms: u64, upload_age_max_ms: u64) -> Self {
        let url_life_ms = u64::try_from(SIGNED_URL_LIFE.as_millis()).unwrap_or(u64::MAX);
        let times = Self::streaming(grace_ms, recycle_ms, upload_age_max_ms);
        Self { trash_ms: url_life_ms + 5 * MINUTE_MS, ..times }
    }

    /// For a store whose objects we read ourselves: who has read a record opens its object a moment later.
    #[must_use]
    pub fn streaming(grace_ms: u64, recycle_ms: u64, upload_age_max_ms: u64) -> Self {
        Self {
            grace_ms,
            recycle_ms,
            trash_ms: grace_ms.min(MINUTE_MS),
            tombstone_ms: upload_age_max_ms.saturating_add(EVENT_AGE_MAX_MS),
        }
    }

    /// When something that may have lost its last hold is looked at.
    #[must_use]
    pub fn after_grace(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(self.grace_ms)
    }

    /// When a node that was condemned is looked at again, in case its collector died.
    #[must_use]
    pub fn soon(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(self.grace_ms.min(MINUTE_MS))
    }

    /// Until when something stays in the recycle bin.
    #[must_use]
    pub fn bin_ends(&self, since: Timestamp) -> Timestamp {
        since.plus_ms(self.recycle_ms.max(self.grace_ms))
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::streaming(Self::GRACE_MS, Self::RECYCLE_MS, DAY_MS)
    }
}
