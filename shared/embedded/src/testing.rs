//! For tests: a disk that remembers, and what a power cut would leave of it.
//!
//! ```text
//! let disk = Recorder::new(root)?;  // everything below `root` is watched
//! let store = Embedded::open_on(Arc::new(Arc::clone(&disk)), &root.join("data"), ...);
//! ... write ...; let at = disk.position();         // an answer came here
//! disk.after_power_cut(at, Unsynced::Lost).write_to(&elsewhere);
//! Embedded::open(&elsewhere.join("data"), ...)  // what was answered must be there
//! ```

mod power_cut;
mod recorder;

pub use power_cut::{Remains, Unsynced};
pub use recorder::{Recorder, SyncKind};
