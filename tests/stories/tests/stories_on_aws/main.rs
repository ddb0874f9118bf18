//! The same stories on the adapters for AWS, and those of what only AWS can do.
//!
//! On engines in this process; with `MOORAGE_STORIES_ON=engines` on those that the standard variables of AWS name
//! ([`engines`]).

mod engines;
mod redirects;
#[path = "../stories/all.rs"]
mod stories;

pub(crate) type World = moorage_stories::World<engines::OnEngines>;
