//! What a world is about: where few things meet many clients, rare orders are less rare.

use crate::clients::Script::{
    self, Cancel, Chunks, CloseAgain, DeleteBlob, DeleteManifest, DeleteTag, Event, Mount, Pull, Purge,
    PushManifest, Recycle, Restore, Upload,
};

/// What clients do, and with what.
#[derive(Clone, Copy)]
pub struct Focus {
    pub scripts: &'static [Script],
    /// So many blobs of the universe, from the first.
    pub blobs: usize,
    /// Manifests of the universe.
    pub manifests: &'static [usize],
    /// So many scripts.
    pub count: usize,
    /// Nobody fails, dies, or deletes what others need: then nothing is left over at the end.
    pub is_calm: bool,
    /// Of a thousand steps, after how many more than two graces pass at once.
    pub leaps_per_mille: u64,
    /// Of a thousand steps, after how many a little time passes.
    pub ticks_per_mille: u64,
}

const EVERYTHING: Focus = Focus {
    scripts: &[
        PushManifest,
        PushManifest,
        PushManifest,
        PushManifest,
        PushManifest,
        Upload,
        Chunks,
        Cancel,
        CloseAgain,
        Event,
        Mount,
        Pull,
        DeleteTag,
        DeleteManifest,
        DeleteManifest,
        DeleteManifest,
        DeleteBlob,
        Restore,
        Restore,
        Restore,
        Purge,
        Recycle,
    ],
    blobs: 4,
    manifests: &[0, 1, 2, 3, 4, 5, 6],
    count: 60,
    is_calm: false,
    leaps_per_mille: 2,
    ticks_per_mille: 100,
};

const CALM: Focus = Focus {
    scripts: &[
        PushManifest,
        PushManifest,
        PushManifest,
        Upload,
        Chunks,
        Cancel,
        CloseAgain,
        Event,
        Mount,
        Pull,
        DeleteTag,
    ],
    is_calm: true,
    ..EVERYTHING
};

/// Uploads of one or two blobs, which nothing holds for long.
const BLOBS: Focus = Focus {
    scripts: &[
        Upload,
        Upload,
        Mount,
        Mount,
        CloseAgain,
        CloseAgain,
        CloseAgain,
        CloseAgain,
        CloseAgain,
        Event,
        Event,
        Chunks,
        Cancel,
        DeleteBlob,
        DeleteBlob,
        DeleteBlob,
        PushManifest,
    ],
    blobs: 1,
    manifests: &[0],
    count: 70,
    is_calm: false,
    leaps_per_mille: 12,
    ticks_per_mille: 100,
};

const MANIFESTS: Focus = Focus {
    scripts: &[
        PushManifest,
        PushManifest,
        PushManifest,
        PushManifest,
        DeleteManifest,
        DeleteManifest,
        DeleteManifest,
        Restore,
        Restore,
        DeleteTag,
        Purge,
        Purge,
        DeleteBlob,
        Recycle,
    ],
    blobs: 2,
    manifests: &[0, 1],
    count: 60,
    is_calm: false,
    leaps_per_mille: 4,
    ticks_per_mille: 100,
};

/// Much happens in the same millisecond: reviews that are asked for at once meet those that are being done.
const SUDDEN: Focus = Focus {
    scripts: &[
        PushManifest,
        PushManifest,
        PushManifest,
        Upload,
        DeleteManifest,
        DeleteManifest,
        DeleteBlob,
        DeleteBlob,
        DeleteBlob,
        Restore,
        Restore,
        Purge,
        DeleteTag,
        Recycle,
    ],
    blobs: 2,
    manifests: &[0, 1],
    count: 60,
    is_calm: false,
    leaps_per_mille: 16,
    ticks_per_mille: 4,
};

impl Focus {
    pub fn of_seed(seed: u64) -> Self {
        match seed % 5 {
            0 => CALM,
            1 => EVERYTHING,
            2 => MANIFESTS,
            3 => Self { blobs: 1 + (seed / 5 % 2) as usize, ..BLOBS },
            _ => SUDDEN,
        }
    }
}
