//! The storage that a registry is on, opened: what it gives to the registry, and what the process has to do
//! with it besides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moorage_aws::{Blobs, Table, sdk_config, setup};
use moorage_collector::{Audit, Children, Collector, FeedReader, Steps, Times};
use moorage_embedded::Embedded;
use moorage_operations::{Common, Pull, Push, TokenSecret};
use moorage_ports::calls::CountCalls;
use moorage_ports::{BlobStore, Context, Fact, Item, Key, ReadTable, ReferenceTable, WriteBlobs};
use tokio::runtime::Runtime;

use crate::cli::Place;

/// One of the two that there are.
pub(crate) enum Storage {
    Embedded { store: Embedded, directory: PathBuf },
    Aws { table: Table, blobs: Blobs, place: String },
}

impl Storage {
    /// Opens what is there, or makes it where it may be made. Answers with the secret that is kept in it.
    ///
    /// # Errors
    /// What is missing or wrong, and what to do.
    pub(crate) fn open(
        place: &Place<'_>,
        context: &Context,
        runtime: &Runtime,
    ) -> Result<(Self, TokenSecret), String> {
        match *place {
            Place::Directory(directory) => {
                let store = Embedded::open(directory, moorage_embedded::Options::default(), context)
                    .map_err(|error| error.to_string())?;
                let secret = runtime.block_on(embedded_secret(&store))?;
                Ok((Self::Embedded { store, directory: directory.to_owned() }, secret))
            }
            Place::Aws { bucket, table, create } => {
                runtime.block_on(open_aws(bucket, table, create, context))
            }
        }
    }

    /// Both halves of a registry on it, its calls counted.
    pub(crate) fn halves(&self, common: Common) -> (Pull, Push) {
        match self {
            Self::Embedded { store, .. } => {
                let counted = Arc::new(CountCalls::new(Arc::new(store.clone())));
                halves(counted.clone(), counted, common)
            }
            Self::Aws { table, blobs, .. } => halves(
                Arc::new(CountCalls::new(Arc::new(table.clone()))),
                Arc::new(CountCalls::new(Arc::new(blobs.clone()))),
                common,
            ),
        }
    }

    /// A collector on it.
    pub(crate) fn collector(&self, context: Context, times: Times) -> Collector {
        let (table, blobs): (Arc<dyn ReferenceTable>, Arc<dyn BlobStore>) = match self {
            Self::Embedded { store, .. } => (Arc::new(store.clone()), Arc::new(store.clone())),
            Self::Aws { table, blobs, .. } => (Arc::new(table.clone()), Arc::new(blobs.clone())),
        };
        let steps = Steps { table, blobs: blobs.clone(), context, times };
        Collector::new(steps, blobs)
    }

    /// An audit of it.
    pub(crate) fn audit(&self, context: Context, times: Times, children: Children) -> Audit {
        let steps = self.collector(context, times).steps().clone();
        let reader = self.feed_reader();
        match self {
            Self::Embedded { store, .. } => {
                Audit::new(steps, Arc::new(store.clone()), Arc::new(store.clone()), reader, children)
            }
            Self::Aws { table, blobs, .. } => {
                Audit::new(steps, Arc::new(table.clone()), Arc::new(blobs.clone()), reader, children)
            }
        }
    }

    /// Who reads the changes, where nobody has noted how far: a bucket and a table may be the functions'.
    pub(crate) fn feed_reader(&self) -> FeedReader {
        match self {
            Self::Embedded { .. } => FeedReader::Collector,
            Self::Aws { .. } => FeedReader::Functions,
        }
    }

    /// Tells others who want the same storage for themselves where this process is. Nobody needs to be told of
    /// a bucket and a table: they are for any number of processes.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub(crate) fn announce(&self, address: &str) -> Result<(), String> {
        match self {
            Self::Embedded { store, .. } => store.announce(address).map_err(|error| error.to_string()),
            Self::Aws { .. } => Ok(()),
        }
    }

    /// Makes everything durable, and lets go of it. On AWS every answer was durable already.
    pub(crate) fn close(self) {
        match self {
            Self::Embedded { store, .. } => store.close(),
            Self::Aws { .. } => {}
        }
    }

    /// Where it is, for people: never how to get in.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Embedded { directory, .. } => {
                let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
                format!("everything in {}", Path::display(&directory))
            }
            Self::Aws { place, .. } => place.clone(),
        }
    }
}

fn halves<T, B>(table: Arc<T>, blobs: Arc<B>, common: Common) -> (Pull, Push)
where
    T: ReferenceTable + 'static,
    B: WriteBlobs + 'static,
{
    (Pull::new(table.clone(), blobs.clone(), common.clone()), Push::new(table, blobs, common))
}

async fn embedded_secret(store: &Embedded) -> Result<TokenSecret, String> {
    match store.get(&Key::upload_secret()).await {
        Ok(Some(Item { fact: Fact::UploadSecret { key }, .. })) => Ok(TokenSecret::new(key)),
        Ok(_) => Err("the data directory has no upload secret; it is damaged".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn open_aws(
    bucket: &str,
    table: &str,
    create: bool,
    context: &Context,
) -> Result<(Storage, TokenSecret), String> {
    let sdk = sdk_config().await;
    let Some(region) = sdk.region().map(AsRef::<str>::as_ref) else {
        return Err(
            "no region of AWS is set: set AWS_REGION (other engines than Amazon's take any, such as us-east-1)"
                .to_owned(),
        );
    };
    if create {
        setup::create_bucket(&sdk, bucket).await.map_err(|error| error.to_string())?;
        setup::create_table(&sdk, table, context).await.map_err(|error| error.to_string())?;
    } else {
        // Both are looked at, so that one start says all that is missing.
        let found = [
            setup::check_bucket(&sdk, bucket).await.map_err(|error| error.to_string()),
            setup::check_table(&sdk, table).await.map_err(|error| error.to_string()),
        ];
        let missing: Vec<String> = found.into_iter().filter_map(Result::err).collect();
        if !missing.is_empty() {
            return Err(missing.join("\nmoorage: "));
        }
    }
    let endpoints = moorage_aws::endpoints(&sdk);
    let place = format!(
        "blobs in the bucket {bucket} at {}, references in the table {table} at {}",
        shown(endpoints.s3.as_deref(), region),
        shown(endpoints.dynamodb.as_deref(), region),
    );
    let table = Table::new(&sdk, table, context.clone());
    let secret = setup::open_registry(&table, context, create).await.map_err(|error| error.to_string())?;
    let blobs = Blobs::new(&sdk, bucket, context.clone());
    Ok((Storage::Aws { table, blobs, place }, TokenSecret::new(secret)))
}

/// An endpoint for people: without a name and a password that it may carry.
fn shown(endpoint: Option<&str>, region: &str) -> String {
    let Some(endpoint) = endpoint else { return format!("AWS ({region})") };
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn an_endpoint_is_shown_without_credentials() {
        assert_eq!(shown(None, "eu-central-1"), "AWS (eu-central-1)");
        assert_eq!(shown(Some("http://127.0.0.1:9000"), "x"), "http://127.0.0.1:9000");
        assert_eq!(
            shown(Some("https://me:secret@s3.example.org/path?key=secret"), "x"),
            "https://s3.example.org"
        );
    }
}
