//! How much is tried.

/// One in so many points, for a run of seconds: every point takes a minute or two, and is what `.ci/run` asks
/// for, with `MOORAGE_EVERY_CUT`.
pub(crate) fn one_in(points: usize) -> usize {
    if std::env::var_os("MOORAGE_EVERY_CUT").is_some() { 1 } else { points }
}
