//! Uploads of blobs, one file for each step. Opening one writes nothing: the path of its Location is a signed
//! token. From the first chunk on the session is a record of the table, with the running hash, so that any
//! process can take the next chunk.

mod cancel;
mod chunk;
mod finish;
mod open;
mod session;
mod status;
mod token;

pub use session::ChunkRange;
pub use token::{TokenSecret, UploadToken};
