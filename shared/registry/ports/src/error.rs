//! How storage fails.

/// A storage call that gave no answer. Whether it took effect is not known, unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The backend is taking no more right now; nothing was done. Worth trying again, later.
    #[error("the storage backend refuses more work for now: {0}")]
    Throttled(String),
    /// The backend did not answer, or failed. Worth trying again: every write of ours can be repeated.
    #[error("the storage backend failed: {0}")]
    Unavailable(String),
    /// No room is left; nothing was done.
    #[error("the storage is full: {0}")]
    Full(String),
    /// What is stored can't be read. Trying again won't help.
    #[error("stored data can't be read: {0}")]
    Corrupt(String),
    /// The bytes to store stopped coming, or came in a wrong number: the sender's fault. Nothing was stored.
    #[error("the bytes to store did not arrive: {0}")]
    Body(String),
    /// A caller asked for more than the port can do (too many items, too large a one): a defect of ours.
    #[error("a storage call that no backend can serve: {0}")]
    Misuse(String),
}
