//! What a world is about: where few things meet many clients, rare orders are less rare.

use crate::clients::Script::{
    self, Cancel, Chunks, CloseAgain, DeleteBlob, DeleteManifest, DeleteTag, Event, Head, Mount, Pull, Purge,
    PushManifest, Recycle, Restore, Upload,
};

/// How long what is pushed stays in most worlds.
pub const GRACE_MS: u64 = 1000;

/// What clients do, and with what.
#[derive(Clone, Copy)]
pub struct Focus {
    pub scripts: &'static [Script],
    /// So many repositories of the universe, from the first.
    pub repositories: usize,
    /// So many blobs of the universe, from the first.
    pub blobs: usize,
    /// Manifests of the universe.
    pub manifests: &'static [usize],
    /// So many scripts, and so many more for each rest.
    pub count: usize,
    /// How often nobody is under way any more until all that is due was done, before the end.
    pub rests: usize,
    pub collectors: usize,
    /// Nobody fails or dies: then no object is left over at the end.
    pub nothing_fails: bool,
    /// Nobody deletes what others need: then no hold is left over either, where nobody was given up.
    pub nobody_is_overtaken: bool,
    /// Somebody looks at nodes although nothing asks for it: then no node is left over, whatever was forgotten.
    pub is_looked_around: bool,
    /// How long what is pushed stays; 0: everything is due at once, and what is asked for again is the same review.
    pub grace_ms: u64,
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
    repositories: 2,
    blobs: 4,
    manifests: &[0, 1, 2, 3, 4, 5, 6],
    count: 60,
    rests: 0,
    collectors: 2,
    nothing_fails: false,
    nobody_is_overtaken: false,
    is_looked_around: true,
    grace_ms: GRACE_MS,
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
    nothing_fails: true,
    nobody_is_overtaken: true,
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
    leaps_per_mille: 12,
    ..EVERYTHING
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
    leaps_per_mille: 4,
    ..EVERYTHING
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
    leaps_per_mille: 16,
    ticks_per_mille: 4,
    ..EVERYTHING
};

/// No grace, one repository, and a clock that hardly moves: what lost its last hold is due in the same millisecond as
/// what is being done.
const AT_ONCE: Focus = Focus {
    scripts: &[
        PushManifest,
        PushManifest,
        PushManifest,
        PushManifest,
        Upload,
        Head,
        DeleteTag,
        DeleteTag,
        DeleteTag,
        DeleteManifest,
        DeleteManifest,
        DeleteBlob,
        Restore,
        Recycle,
    ],
    repositories: 1,
    blobs: 2,
    manifests: &[0, 1],
    count: 10,
    rests: 11,
    collectors: 4,
    nothing_fails: true,
    is_looked_around: false,
    grace_ms: 0,
    leaps_per_mille: 0,
    ticks_per_mille: 4,
    ..EVERYTHING
};

/// Blobs that nothing ever holds, and clients that ask for them while their time runs out.
const ASKED_FOR: Focus = Focus {
    scripts: &[Upload, Upload, Mount, Head, Head, Head, Head, Head, Head, Head],
    count: 80,
    nothing_fails: true,
    is_looked_around: false,
    leaps_per_mille: 12,
    ..EVERYTHING
};

impl Focus {
    pub fn of_seed(seed: u64) -> Self {
        match seed % 8 {
            0 => CALM,
            1 => EVERYTHING,
            2 => MANIFESTS,
            3 | 6 => Self { blobs: 1 + (seed / 8 % 2) as usize, ..BLOBS },
            4 => SUDDEN,
            5 => AT_ONCE,
            _ => ASKED_FOR,
        }
    }
}
