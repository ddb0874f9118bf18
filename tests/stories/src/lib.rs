//! A registry in a test's hand: the whole of it, in process, on a storage that goes away with it ([`Place`]):
//! embedded in a directory, or the adapters for AWS on engines. Time stands still until the story moves it.
//!
//! A story asks as a client does and compares pictures:
//!
//! ```ignore
//! let world = World::new().await;
//! let layer = world.blob("layer");
//! world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body(&layer).await.shows(expect![[r#"
//!     201 Created
//!     content-length: 0
//!     docker-content-digest: <layer>
//!     location: /v2/app/blobs/<layer>
//! "#]]);
//! world.end().await.is(expect![[r#"
//!     blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
//!     …
//! "#]]);
//! ```
//!
//! `<layer>` is the digest of what the story calls so, in a request as in a picture; `~1` is the first
//! random value of a picture, wherever it comes again. `UPDATE_EXPECT=1 cargo test -p moorage-stories`
//! writes the pictures anew.
//!
//! Every answer is held to what all answers have in common ([`Answer`]), and every story ends with a look
//! at all of the table and the store ([`invariants`]).

mod answer;
mod ask;
mod client;
mod content;
mod disk;
pub mod invariants;
mod long_parts;
mod names;
mod picture;
mod place;
mod snapshot;
mod world;

pub use answer::Answer;
pub use ask::Ask;
pub use client::Client;
pub use content::Content;
pub use picture::Picture;
pub use place::{InDirectory, Place, Ports};
pub use snapshot::Snapshot;
pub use world::{Parts, Setup, World};

pub use expect_test::{Expect, expect};

/// Compares a text that is written in place.
#[expect(clippy::needless_pass_by_value, reason = "it is written in place")]
pub fn assert_reads(text: &str, expected: Expect) {
    expected.assert_eq(text);
}
