//! Making what a registry needs, saying what is missing, and opening it.
//!
//! Nothing here runs in a function: its table and bucket are made by the template. The gateway makes them when it
//! is told to, and else says what is missing.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TableDescription, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use moorage_ports::facts::FORMAT;
use moorage_ports::{
    Context, Durability, Expect, Fact, Item, Key, PortError, ReadTable, WriteTable, Written,
};

use crate::Table;
use crate::dynamodb::{PARTITION, SORT, TTL, client};
use crate::error::port_error;

pub use crate::s3::setup::*;

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(
        "there is no table {table}: make it with --create, or deploy the template, or name another one with --table"
    )]
    NoTable { table: String },
    /// Each problem is a clause of its own.
    #[error("the table {table} cannot be used: {}", problems.join("; "))]
    WrongTable { table: String, problems: Vec<String> },
    #[error("the table {table} was not ready after {seconds} s: try again later")]
    NotReady { table: String, seconds: u64 },
    #[error("the table holds no registry (it has no {missing}): begin one in it with --create")]
    NoRegistry { missing: String },
    #[error(
        "the table was written by a newer Moorage (format {found}, this one reads up to {FORMAT}): use that one"
    )]
    Newer { found: u32 },
    #[error(transparent)]
    Storage(#[from] PortError),
}

/// How long a table may take to be made, and how long to wait between looks.
const READY_TIME_MAX: Duration = Duration::from_secs(120);
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Makes the table, with its stream and its time to live, and waits until it can be used. One that is there
/// already stays as it is, but for a time to live that is off, which is switched on.
///
/// # Errors
/// `WrongTable` where one is there that is not as it should be.
pub async fn create_table(sdk: &SdkConfig, table: &str, context: &Context) -> Result<(), SetupError> {
    let client = client(sdk);
    let wrong =
        |e: aws_sdk_dynamodb::error::BuildError| SetupError::Storage(PortError::Misuse(e.to_string()));
    let attribute = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build().map_err(wrong)
    };
    let in_key = |name: &str, of: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(of).build().map_err(wrong)
    };
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()
        .map_err(wrong)?;
    let made = client
        .create_table()
        .table_name(table)
        .attribute_definitions(attribute(PARTITION)?)
        .attribute_definitions(attribute(SORT)?)
        .key_schema(in_key(PARTITION, KeyType::Hash)?)
        .key_schema(in_key(SORT, KeyType::Range)?)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream)
        .send()
        .await;
    if let Err(error) = made
        && !matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_)))
    {
        return Err(port_error("CreateTable", &error).into());
    }
    wait_until_ready(&client, table, context).await?;
    if ttl_attribute(&client, table).await?.is_none() {
        let ttl =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build().map_err(wrong)?;
        let set = client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await;
        // Another that sets up the same table may have been a moment earlier.
        if let Err(error) = set
            && ttl_attribute(&client, table).await?.as_deref() != Some(TTL)
        {
            return Err(port_error("UpdateTimeToLive", &error).into());
        }
    }
    check_table(sdk, table).await
}

async fn wait_until_ready(client: &Client, table: &str, context: &Context) -> Result<(), SetupError> {
    let until = context.clock.monotonic() + READY_TIME_MAX;
    loop {
        let description = describe(client, table).await?;
        match description.as_ref().and_then(|description| description.table_status.as_ref()) {
            Some(TableStatus::Active | TableStatus::Updating) => return Ok(()),
            // A table that was just made may not be seen yet.
            Some(_) | None if context.clock.monotonic() < until => context.clock.sleep(LOOK_PAUSE).await,
            Some(_) | None => {
                return Err(SetupError::NotReady {
                    table: table.to_owned(),
                    seconds: READY_TIME_MAX.as_secs(),
                });
            }
        }
    }
}

/// Says whether the table is there and as it should be: its keys, its stream, its time to live.
///
/// # Errors
/// `NoTable`, or `WrongTable` with all that is wrong.
pub async fn check_table(sdk: &SdkConfig, table: &str) -> Result<(), SetupError> {
    let client = client(sdk);
    let Some(description) = describe(&client, table).await? else {
        return Err(SetupError::NoTable { table: table.to_owned() });
    };
    let mut problems = problems(table, &description);
    match ttl_attribute(&client, table).await?.as_deref() {
        Some(TTL) => {}
        Some(other) => problems.push(format!(
            "its time to live is on the attribute {other}, where {TTL} is needed: switch that off, then run with \
             --create"
        )),
        None => problems.push(format!(
            "its time to live on the attribute {TTL} is off: switch it on with --create, or with the template"
        )),
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(SetupError::WrongTable { table: table.to_owned(), problems })
    }
}

fn problems(table: &str, description: &TableDescription) -> Vec<String> {
    let mut problems = Vec::new();
    let type_of = |name: &str| {
        let mut attributes = description.attribute_definitions().iter();
        attributes.find(|a| a.attribute_name() == name).map(AttributeDefinition::attribute_type)
    };
    let text = Some(&ScalarAttributeType::S);
    let keys: Vec<_> = description.key_schema().iter().map(|k| (k.attribute_name(), k.key_type())).collect();
    let right = [(PARTITION, &KeyType::Hash), (SORT, &KeyType::Range)];
    if keys != right || type_of(PARTITION) != text || type_of(SORT) != text {
        let with_type = |(name, _): &(&str, _)| {
            let of = match type_of(name) {
                Some(ScalarAttributeType::S) => "text",
                Some(ScalarAttributeType::N) => "a number",
                Some(ScalarAttributeType::B) => "bytes",
                _ => "of another type",
            };
            format!("{name} ({of})")
        };
        let named: Vec<String> = keys.iter().map(with_type).collect();
        problems.push(format!(
            "its key is {}, where {PARTITION} (text) and {SORT} (text) are needed: name another table with --table",
            named.join(" and ")
        ));
    }
    let stream = description.stream_specification();
    let view = stream.filter(|stream| stream.stream_enabled).and_then(|stream| stream.stream_view_type());
    let switch_on = how_to_switch_stream_on(table);
    match view {
        Some(StreamViewType::NewAndOldImages) => {}
        Some(view) => problems.push(format!(
            "its stream has {view}, where NEW_AND_OLD_IMAGES are needed: switch it off (StreamEnabled=false), then \
             {switch_on}"
        )),
        None => problems.push(format!("it has no stream: {switch_on}")),
    }
    problems
}

/// What an operator does about a table without a stream.
pub(crate) fn how_to_switch_stream_on(table: &str) -> String {
    format!(
        "switch one on with `aws dynamodb update-table --table-name {table} --stream-specification \
         StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`"
    )
}

async fn describe(client: &Client, table: &str) -> Result<Option<TableDescription>, PortError> {
    match client.describe_table().table_name(table).send().await {
        Ok(answer) => Ok(answer.table),
        Err(error) => match error.as_service_error() {
            Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(port_error("DescribeTable", &error)),
        },
    }
}

/// The attribute that the table's time to live is on, or is being switched on.
async fn ttl_attribute(client: &Client, table: &str) -> Result<Option<String>, PortError> {
    let answer = client.describe_time_to_live().table_name(table).send().await;
    let answer = answer.map_err(|e| port_error("DescribeTimeToLive", &e))?;
    let is_on =
        |status: &TimeToLiveStatus| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
    let on =
        answer.time_to_live_description.filter(|ttl| ttl.time_to_live_status.as_ref().is_some_and(is_on));
    Ok(on.and_then(|ttl| ttl.attribute_name))
}

/// Opens the registry in a table: checks its format, and answers the key of its upload tokens. With `create` a
/// table that has none becomes one; of several that begin it at once, all answer with the same key.
///
/// # Errors
/// `NoRegistry` where it has none and `create` is not said, `Newer` where it is of a newer format.
pub async fn open_registry(table: &Table, context: &Context, create: bool) -> Result<String, SetupError> {
    let (format, secret) = (Key::format(), Key::upload_secret());
    let mut found = table.batch_get(&[format.clone(), secret.clone()]).await?.into_iter();
    let (found_format, found_secret) = (found.next().flatten(), found.next().flatten());
    let missing: Vec<String> = [(&found_format, &format), (&found_secret, &secret)]
        .into_iter()
        .filter(|(found, _)| found.is_none())
        .map(|(_, key)| format!("{key:?}"))
        .collect();
    if !missing.is_empty() && !create {
        return Err(SetupError::NoRegistry { missing: missing.join(" and no ") });
    }
    let item = match found_format {
        Some(item) => item,
        None => begin(table, Item::once(format, Fact::Format { number: FORMAT })).await?,
    };
    match item.fact {
        Fact::Format { number } if number <= FORMAT => {}
        Fact::Format { number } => return Err(SetupError::Newer { found: number }),
        _ => return Err(PortError::Corrupt(format!("{:?} is no format", item.key)).into()),
    }
    let item = match found_secret {
        Some(item) => item,
        None => {
            let key = format!("{}{}", context.random.nonce(), context.random.nonce());
            begin(table, Item::once(secret, Fact::UploadSecret { key })).await?
        }
    };
    match item.fact {
        Fact::UploadSecret { key } => Ok(key),
        _ => Err(PortError::Corrupt(format!("{:?} is no secret", item.key)).into()),
    }
}

/// Puts what is not there yet; answers what is there then.
async fn begin(table: &Table, item: Item) -> Result<Item, PortError> {
    match table.put(item.clone(), Expect::Absent, Durability::OnAnswer).await? {
        Written::Done => Ok(item),
        Written::Refused(Some(found)) => Ok(*found),
        Written::Refused(None) => {
            Err(PortError::Unavailable(format!("{:?} was there, and then it was not", item.key)))
        }
    }
}
