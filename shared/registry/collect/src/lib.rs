//! What keeps things in a registry, and what takes them away.
//!
//! Nodes are manifests, grants and contents. A node stays for as long as something holds it; a hold is an item
//! under it, keyed by its holder and that holder's incarnation. Writers put the hold and then look at the state
//! of what they hold; the collector changes the state and then looks for holds: so one of the two always sees
//! the other, whatever the interleaving, pause or crash. No lock, no walk over everything, and no clock that
//! safety would lean on: times only say how soon something is looked at.
//!
//! The way of a change: the table's change feed ([`Collector::follow`], or the events that a function is handed)
//! goes through [`reviews`], a pure function that says what to look at and when; reviews wait in the table, in
//! the order of their time ([`queue`]); [`Collector::work`] takes those that are due. Everything can be done
//! twice, by many at once, and by one that dies at any step.
//!
//! [`Steps`] are what pushers and the collector share: a pusher that finds a node on its way out finishes that
//! first.

pub mod audit;
pub mod collector;
pub mod dry_run;
pub mod events;
pub mod explain;
pub mod holds;
pub mod look;
pub mod mutants;
pub mod outlook;
pub mod queue;
pub mod real;
pub mod reviews;
pub mod search;
pub mod steps;
pub mod tag_history;
pub mod tally;
pub mod times;

mod finish;
mod follow;
mod kept;
mod objects;
mod recycle;
mod trash;
mod untagged;
mod uploads;
mod waiting;

pub use audit::{Audit, Audited, Children, Counts, Finding, Remedy, Repair, Repaired, Wrong};
pub use collector::{Collector, Worked};
pub use events::{Delivered, Outlet, event};
pub use explain::{Explanation, explain};
pub use holds::{hold_of_tag, holds, notes_of_children};
pub use outlook::{Outlook, Why};
pub use real::{Held, is_real};
pub use recycle::{HoldingTag, TAGS_IN_RECYCLE_MAX};
pub use reviews::{Review, reviews};
pub use search::{search_entries, searched_anew};
pub use steps::{Steps, give_up, node_of, node_of_mut, state_of, version_of, whole};
pub use tag_history::{TAG_HISTORY_MS, tag_history};
pub use tally::{Event, Tally};
pub use times::Times;
pub use trash::{trash, trash_item, trash_parts};
pub use waiting::FeedReader;
