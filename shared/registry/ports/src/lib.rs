//! What Moorage asks of storage, and no more.
//!
//! Two ports: a [`ReferenceTable`] for the facts (who names what) and a [`BlobStore`] for the bytes. Both
//! are several narrow traits, so that a caller can be handed the least it needs: a pull gets [`ReadTable`],
//! [`KeepUntil`] and [`ReadBlobs`], and cannot write anything else.
//!
//! The promises are in the docs of the traits. They are what DynamoDB and S3 can keep, and no more; an
//! embedded adapter keeps the same ones. [`contract`] holds every adapter to them, clause by clause.

pub mod blobs;
pub mod calls;
pub mod context;
pub mod error;
pub mod events;
pub mod facts;
pub mod keys;
pub mod limits;
pub mod object_keys;
mod rfc3339;
pub mod table;
pub mod value;

#[cfg(feature = "testing")]
pub mod contract;
#[cfg(feature = "testing")]
pub mod counting;
#[cfg(feature = "testing")]
pub mod faults;
#[cfg(feature = "testing")]
pub mod testing_context;

pub use blobs::{
    BlobStore, ByteStream, DeleteBlobs, Durability, Object, ObjectBody, Part, PartsId, Put, ReadBlobs,
    WriteBlobs,
};
pub use calls::{Calls, CountCalls};
pub use context::{Clock, Context, Random};
pub use error::PortError;
pub use events::{Event, EventSink, Happened};
pub use facts::{Fact, Item};
pub use keys::{Holder, Key, Reviewed, SearchPlace, SearchScope, SearchTerm, SortRange, TagMoment, TypesOf};
pub use object_keys::ObjectKey;
pub use rfc3339::rfc3339;
pub use table::{
    Action, Change, ChangeFeed, Changes, Cursor, Expect, KeepUntil, Page, Query, ReadTable, ReferenceTable,
    ScanTable, Scanned, Transacted, WriteTable, Written,
};
pub use value::{Incarnation, Nonce, Timestamp, Version};
