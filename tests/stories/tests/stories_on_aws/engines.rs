//! A table and a bucket for each world.
//!
//! Time is the story's, but not that of the adapters: their pauses are the machine's, which never stands still.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveSpecification};
use moorage_aws::{Blobs, Table, setup};
use moorage_engines::Engines;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{Context, Key};
use moorage_stories::{Place, Ports, Snapshot};

const STORIES_ON: &str = "MOORAGE_STORIES_ON";

/// S3's least part, which nobody can tell an engine of others to change.
const S3_PART_BYTES_MIN: usize = 5 * 1024 * 1024;

/// Whether on engines that the environment names.
fn on_named() -> bool {
    match std::env::var(STORIES_ON) {
        Err(_) => false,
        Ok(on) if on == "engines" => true,
        Ok(other) => panic!("{STORIES_ON} is `{other}`: leave it out, or say `engines`"),
    }
}

pub(crate) struct OnEngines {
    sdk: SdkConfig,
    /// `None` where they are not in this process.
    engines: Option<Engines>,
    /// Of the table and of the bucket.
    name: String,
    table: Table,
    blobs: Blobs,
}

impl OnEngines {
    pub(crate) fn engines(&self) -> Option<&Engines> {
        self.engines.as_ref()
    }
}

/// A story's clock stands in 1970. DynamoDB leaves alone what should have gone over five years ago, DynamoDB Local
/// does not.
async fn keep_what_is_old(sdk: &SdkConfig, table: &str) {
    let off = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(false).build();
    let update = aws_sdk_dynamodb::Client::new(sdk).update_time_to_live().table_name(table);
    let update = update.time_to_live_specification(off.expect("all of it is said"));
    update.send().await.expect("expiry can be switched off");
}

impl Place for OnEngines {
    async fn new(_: &TestContext, part_bytes_min: Option<usize>) -> Self {
        let (sdk, engines, part_bytes_min) = if on_named() {
            let named = Engines::from_environment().await.expect("the environment names both engines");
            let sdk = named.unwrap_or_else(|| panic!("{STORIES_ON} is set, and no engine is named"));
            (sdk, None, S3_PART_BYTES_MIN)
        } else {
            let (engines, bytes) = (Engines::in_process(), part_bytes_min.unwrap_or(1));
            engines.s3().set_part_bytes_min(bytes as u64);
            (engines.sdk_config(), Some(engines), bytes)
        };
        let context = Context::system();
        let name = format!("stories-{}", context.random.nonce());
        setup::create_table(&sdk, &name, &context).await.expect("a table can be made");
        setup::create_bucket(&sdk, &name).await.expect("a bucket can be made");
        if engines.is_none() {
            keep_what_is_old(&sdk, &name).await;
        }
        let table = Table::new(&sdk, name.clone(), Context::system());
        setup::open_registry(&table, &context, true).await.expect("a registry can be made");
        let blobs = Blobs::new(&sdk, name.clone(), Context::system()).with_part_bytes_min(part_bytes_min);
        Self { sdk, engines, name, table, blobs }
    }

    fn ports(&self) -> Ports {
        let table = Arc::new(self.table.clone());
        Ports { table: table.clone(), blobs: Arc::new(self.blobs.clone()), scan: table }
    }

    /// A process has its clients, and nothing else: they remember nothing of what is stored.
    async fn restart(&mut self, _: &TestContext) {
        self.table = Table::new(&self.sdk, self.name.clone(), Context::system());
    }

    async fn snapshot(&self) -> Snapshot {
        let mut pages = aws_sdk_dynamodb::Client::new(&self.sdk)
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .projection_expression("PK, SK")
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.expect("a table can be scanned");
            let part = |name: &str| item.get(name).and_then(|value| AttributeValue::as_s(value).ok());
            let (Some(partition), Some(sort)) = (part("PK"), part("SK")) else { panic!("no key: {item:?}") };
            keys.push(Key::from_stored(partition, sort));
        }
        let Ports { table, blobs, .. } = self.ports();
        Snapshot::of_keys(keys, &*table, &*blobs).await
    }

    async fn remove(self) {
        if self.engines.is_some() {
            return;
        }
        let table = aws_sdk_dynamodb::Client::new(&self.sdk);
        table.delete_table().table_name(&self.name).send().await.expect("a table can be deleted");
        let bucket = s3_client(&self.sdk);
        let blobs = self.ports().blobs;
        for key in blobs.list("", None, 10_000).await.expect("objects can be listed") {
            blobs.delete(&key).await.expect("an object can be deleted");
        }
        let unfinished = bucket.list_multipart_uploads().bucket(&self.name).send().await.expect("a list");
        for upload in unfinished.uploads() {
            let abort = bucket.abort_multipart_upload().bucket(&self.name).set_key(upload.key.clone());
            abort.set_upload_id(upload.upload_id.clone()).send().await.expect("an upload can be given up");
        }
        bucket.delete_bucket().bucket(&self.name).send().await.expect("an empty bucket can be deleted");
    }

    fn ten_pieces() -> usize {
        if on_named() { S3_PART_BYTES_MIN } else { 10 }
    }

    fn parts_are_short() -> bool {
        !on_named()
    }

    fn is_aws() -> bool {
        true
    }
}

/// With the bucket in the path.
fn s3_client(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}
