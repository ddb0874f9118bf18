//! The kinds of storage calls.

/// One kind of call to a storage port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Call {
    Get,
    BatchGet,
    /// A page of items, or of keys.
    Query,
    Put,
    Delete,
    BatchWrite,
    Transact,
    KeepUntil,
    Changes,
    /// A page of the whole table.
    Scan,
    GetBlob,
    /// An object's size alone.
    BlobSize,
    PutBlob,
    OpenParts,
    PutParts,
    /// A part from an object that is there.
    PutPartOf,
    Complete,
    Abort,
    DeleteBlob,
    ListBlobs,
    /// When an object was made.
    BlobAge,
}

impl Call {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 21] = [
        Self::Get,
        Self::BatchGet,
        Self::Query,
        Self::Put,
        Self::Delete,
        Self::BatchWrite,
        Self::Transact,
        Self::KeepUntil,
        Self::Changes,
        Self::Scan,
        Self::GetBlob,
        Self::BlobSize,
        Self::PutBlob,
        Self::OpenParts,
        Self::PutParts,
        Self::PutPartOf,
        Self::Complete,
        Self::Abort,
        Self::DeleteBlob,
        Self::ListBlobs,
        Self::BlobAge,
    ];

    /// As the method is called; which store it is of is said beside it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get | Self::GetBlob => "get",
            Self::BatchGet => "batch_get",
            Self::Query => "query",
            Self::Put | Self::PutBlob => "put",
            Self::Delete | Self::DeleteBlob => "delete",
            Self::BatchWrite => "batch_write",
            Self::Transact => "transact",
            Self::KeepUntil => "keep_until",
            Self::Changes => "changes",
            Self::Scan => "scan",
            Self::OpenParts => "open_parts",
            Self::BlobSize => "size",
            Self::PutParts => "put_parts",
            Self::PutPartOf => "put_part_of",
            Self::Complete => "complete",
            Self::Abort => "abort",
            Self::ListBlobs => "list",
            Self::BlobAge => "made_at",
        }
    }

    /// Whether it is a call to the reference table; to the blob store otherwise.
    #[must_use]
    pub fn is_table(self) -> bool {
        match self {
            Self::Get
            | Self::BatchGet
            | Self::Query
            | Self::Put
            | Self::Delete
            | Self::BatchWrite
            | Self::Transact
            | Self::KeepUntil
            | Self::Changes
            | Self::Scan => true,
            Self::GetBlob
            | Self::BlobSize
            | Self::PutBlob
            | Self::OpenParts
            | Self::PutParts
            | Self::PutPartOf
            | Self::Complete
            | Self::Abort
            | Self::DeleteBlob
            | Self::ListBlobs
            | Self::BlobAge => false,
        }
    }

    /// Whether the store may be another one afterwards.
    #[must_use]
    pub fn is_write(self) -> bool {
        match self {
            Self::Get
            | Self::BatchGet
            | Self::Query
            | Self::Changes
            | Self::Scan
            | Self::GetBlob
            | Self::BlobSize
            | Self::ListBlobs
            | Self::BlobAge => false,
            Self::Put
            | Self::Delete
            | Self::BatchWrite
            | Self::Transact
            | Self::KeepUntil
            | Self::PutBlob
            | Self::OpenParts
            | Self::PutParts
            | Self::PutPartOf
            | Self::Complete
            | Self::Abort
            | Self::DeleteBlob => true,
        }
    }

    /// Whether a call names several items, so that their number says more than that of the calls.
    #[must_use]
    pub(super) fn names_items(self) -> bool {
        matches!(self, Self::BatchGet | Self::BatchWrite | Self::Transact)
    }
}
