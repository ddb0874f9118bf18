//! The promises of the port, clause by clause.

use std::sync::Arc;

use async_trait::async_trait;
use moorage_aws::Blobs;
use moorage_engines::Engines;
use moorage_ports::Context;
use moorage_ports::contract::Fixture;

use crate::support::{BUCKET, engines};

/// A bucket in memory: neither durability nor its loss can be shown here.
struct Opened<const PART_BYTES_MIN: usize>(Arc<Blobs>);

#[async_trait]
impl<const PART_BYTES_MIN: usize> Fixture for Opened<PART_BYTES_MIN> {
    type Store = Blobs;
    const PART_BYTES_MIN: usize = PART_BYTES_MIN;

    async fn fresh() -> Self {
        let engines: Engines = engines().await;
        engines.s3().set_part_bytes_min(PART_BYTES_MIN as u64);
        let blobs = Blobs::new(&engines.sdk_config(), BUCKET, Context::system());
        // Where parts may be small, streams are cut into small ones too.
        let part_bytes = if PART_BYTES_MIN < 5 << 20 { 64 << 10 } else { 8 << 20 };
        Self(Arc::new(blobs.with_part_bytes_min(PART_BYTES_MIN).with_part_bytes(part_bytes)))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }
}

mod as_s3_is {
    moorage_ports::blobs_contract!(super::Opened<{ 5 << 20 }>);
}

mod with_small_parts {
    moorage_ports::blobs_contract!(super::Opened<2000>);
}
