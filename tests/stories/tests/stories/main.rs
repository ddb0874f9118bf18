//! Stories of the whole registry, one file for each thing that can be asked of it, on embedded storage.
//!
//! Most end in a picture of all that is stored; all end with a look at it ([`moorage_stories::invariants`]).

#[path = "all.rs"]
mod stories;

pub(crate) type World = moorage_stories::World<moorage_stories::InDirectory>;
