//! The storage of a function, connected before its first request.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use moorage_aws::setup::{SetupError, open_registry};
use moorage_aws::{Blobs, Table, sdk_config, with_call_time_max};
use moorage_operations::{Common, Settings, TokenSecret};
use moorage_ports::{Context, CountCalls, Nonce, ObjectKey, ReadBlobs as _};

use crate::environment::Environment;

/// A function is ended after 29 s (infra/template.yaml); a client is to be told before that. Calls to the table
/// have a shorter time of their own.
const BUCKET_CALL_TIME_MAX: Duration = Duration::from_secs(20);

/// A table and a bucket whose calls are counted for the request that makes them, and what other clients are made from.
pub(crate) struct Storage {
    pub(crate) table: Arc<CountCalls<Table>>,
    pub(crate) blobs: Arc<CountCalls<Blobs>>,
    pub(crate) common: Common,
    pub(crate) sdk: SdkConfig,
}

/// What a function may find in a table that nobody has used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// Begins a registry in it.
    Begins,
    /// Has no right to.
    Fails,
}

/// Whether the first request may need the bucket: then the connection is made at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connect {
    TableAndBucket,
    Table,
}

impl Storage {
    /// Connects, and reads how the registry is.
    ///
    /// # Errors
    /// What is missing, or cannot be reached, for the registry's owner.
    pub(crate) async fn open(
        environment: &Environment,
        context: &Context,
        first_use: FirstUse,
        connect: Connect,
    ) -> Result<Self, String> {
        let sdk = sdk_config().await;
        let table = Table::new(&sdk, environment.table.as_str(), context.clone());
        let bounded = with_call_time_max(&sdk, BUCKET_CALL_TIME_MAX);
        let blobs = Blobs::new(&bounded, environment.bucket.as_str(), context.clone());
        let (secret, bucket) = tokio::join!(
            open_registry(&table, context, first_use == FirstUse::Begins),
            connect_bucket(&blobs, connect)
        );
        let secret = secret.map_err(|error| match error {
            SetupError::NoRegistry { .. } => format!(
                "there is no registry in the table {} yet: the functions push and collect begin one when they are \
                 first called, collect by its schedule; try again in some minutes",
                environment.table
            ),
            error => format!("MOORAGE_TABLE is {}: {error}", environment.table),
        })?;
        bucket.map_err(|error| format!("MOORAGE_BUCKET is {}: {error}", environment.bucket))?;
        Ok(Self {
            table: Arc::new(CountCalls::new(Arc::new(table))),
            blobs: Arc::new(CountCalls::new(Arc::new(blobs))),
            common: common(&environment.settings, TokenSecret::new(secret), context),
            sdk,
        })
    }
}

fn common(settings: &Settings, secret: TokenSecret, context: &Context) -> Common {
    Common { context: context.clone(), settings: Arc::new(settings.clone()), secret }
}

/// Makes the connection that the first request would have to wait for, by asking for an object that nobody has.
async fn connect_bucket(blobs: &Blobs, connect: Connect) -> Result<(), String> {
    if connect == Connect::Table {
        return Ok(());
    }
    let nobodys = ObjectKey::upload(Nonce(0));
    blobs.get(&nobodys, None).await.map(|_| ()).map_err(|error| error.to_string())
}
