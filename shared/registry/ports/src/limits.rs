//! The limits of the ports: those of DynamoDB and S3, which every adapter keeps, so that what works on one
//! works on all.

/// Distinct items in one transaction. DynamoDB: TransactWriteItems.
pub const TRANSACTION_ITEMS_MAX: usize = 100;
/// Distinct items in one batch of unconditional writes. DynamoDB: BatchWriteItem.
pub const BATCH_WRITE_ITEMS_MAX: usize = 25;
/// Distinct items in one batch of reads. DynamoDB: BatchGetItem.
pub const BATCH_GET_ITEMS_MAX: usize = 100;
/// Bytes of one item, keys and names included. DynamoDB: 400 KB.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;
/// Bytes of a manifest that is kept as an item; a longer one is an object. Leaves an item room for its
/// keys and attribute names.
pub const INLINE_BODY_BYTES_MAX: usize = 384 * 1024;
/// Bytes of a partition key. DynamoDB: 2,048.
pub const PARTITION_KEY_BYTES_MAX: usize = 2048;
/// Bytes of a sort key. DynamoDB: 1,024.
pub const SORT_KEY_BYTES_MAX: usize = 1024;
/// Bytes of an object's key. S3: 1,024.
pub const OBJECT_KEY_BYTES_MAX: usize = 1024;
/// Parts of one object. S3: 10,000.
pub const PARTS_MAX: usize = 10_000;
/// Parts of an object that comes in chunks: their list is part of the session's record, which is one item.
pub const UPLOAD_PARTS_MAX: usize = 4_000;
