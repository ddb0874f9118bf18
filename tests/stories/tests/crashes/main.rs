//! What was answered holds, wherever the power goes, the process is killed, or a call to the storage fails.
//!
//! One story of requests ([`story`]) is told to a registry that breaks off at every point in turn. Each time the
//! registry is put together again on what is left, and looked at from outside ([`look`], [`judge`]): each answer until then holds, nothing
//! is half-visible, and asking for the same again heals what broke off ([`heal`]).
//!
//! - [`power_cuts`]: what was not yet synced is gone; and no sync can be left out.
//! - [`kills`]: the process is killed at every step that writes to the disk.
//! - [`stops`]: a request dies at every call to the storage, or is told that the call failed.

mod contents;
mod dying_disk;
mod effort;
mod heal;
mod judge;
mod kills;
mod look;
mod parallel;
mod power_cuts;
mod pusher;
mod start;
mod step;
mod stops;
mod story;
