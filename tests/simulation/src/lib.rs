//! Many clients and collectors, the real ones, on the embedded table, one storage call at a time: in an order, with
//! failing calls and dying actors, that a seed draws. An auditor looks at the world after each call, and at its end.

mod clients;
mod counts;
mod end;
mod every_step;
mod focus;
mod shared;
pub mod simulation;
mod universe;
mod world;

// Shared with the stories as files: their package has the HTTP half, which is not needed here.
#[path = "../../stories/src/disk.rs"]
mod disk;
#[path = "../../stories/src/invariants.rs"]
mod invariants;
#[path = "../../stories/src/snapshot.rs"]
mod snapshot;

pub use counts::Counts;
pub use simulation::{How, Run, run};
