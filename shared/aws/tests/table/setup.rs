//! Making, checking and opening.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification,
};
use moorage_aws::Table;
use moorage_aws::setup::{SetupError, check_table, create_table, open_registry};
use moorage_engines::Engines;
use moorage_ports::facts::FORMAT;
use moorage_ports::{Context, Durability, Expect, Fact, Item, Key, WriteTable};

#[tokio::test]
async fn a_table_is_made_once_and_is_then_as_it_should_be() {
    let (engines, context) = (Engines::in_process(), Context::system());
    let sdk = engines.sdk_config();
    let missing = check_table(&sdk, "registry").await;
    assert!(matches!(missing, Err(SetupError::NoTable { .. })), "{missing:?}");
    for _ in 0..2 {
        create_table(&sdk, "registry", &context).await.expect("it is made, and may be there already");
        check_table(&sdk, "registry").await.expect("it is as it should be");
    }
}

#[tokio::test]
async fn a_registry_is_begun_only_when_told_to() {
    let (engines, context) = (Engines::in_process(), Context::system());
    let sdk = engines.sdk_config();
    create_table(&sdk, "registry", &context).await.expect("the table is made");
    let table = Table::new(&sdk, "registry", context.clone());
    let nothing = open_registry(&table, &context, false).await.expect_err("nothing is there yet");
    assert!(nothing.to_string().contains("--create"), "{nothing}");

    let (one, other) =
        tokio::join!(open_registry(&table, &context, true), open_registry(&table, &context, true));
    let secret = one.expect("it is begun");
    assert_eq!(secret.len(), 64);
    assert_eq!(other.expect("it is begun"), secret, "who comes second has the same secret");
    assert_eq!(open_registry(&table, &context, false).await.expect("it is there"), secret);
}

#[tokio::test]
async fn a_registry_of_a_newer_format_is_left_alone() {
    let (engines, context) = (Engines::in_process(), Context::system());
    let sdk = engines.sdk_config();
    create_table(&sdk, "registry", &context).await.expect("the table is made");
    let table = Table::new(&sdk, "registry", context.clone());
    open_registry(&table, &context, true).await.expect("it is begun");
    let newer = Item::once(Key::format(), Fact::Format { number: FORMAT + 1 });
    table.put(newer, Expect::Anything, Durability::OnAnswer).await.expect("it is written");
    let refused = open_registry(&table, &context, true).await;
    assert!(matches!(refused, Err(SetupError::Newer { found }) if found == FORMAT + 1), "{refused:?}");
}

/// A table that somebody made by hand.
struct ByHand {
    keys: &'static [(&'static str, ScalarAttributeType)],
    stream: Option<StreamViewType>,
    ttl: Option<&'static str>,
}

const RIGHT: ByHand = ByHand {
    keys: &[("PK", ScalarAttributeType::S), ("SK", ScalarAttributeType::S)],
    stream: Some(StreamViewType::NewAndOldImages),
    ttl: Some("ttl"),
};

impl ByHand {
    /// What is said of it.
    async fn problems(self) -> Vec<String> {
        let engines = Engines::in_process();
        let sdk = engines.sdk_config();
        let client = Client::new(&sdk);
        let stream = StreamSpecification::builder().stream_enabled(self.stream.is_some());
        let mut made = client
            .create_table()
            .table_name("registry")
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(
                stream.set_stream_view_type(self.stream).build().expect("it is said whether it is on"),
            );
        for ((name, of), key) in self.keys.iter().zip([KeyType::Hash, KeyType::Range]) {
            let attribute = AttributeDefinition::builder().attribute_name(*name).attribute_type(of.clone());
            let element = KeySchemaElement::builder().attribute_name(*name).key_type(key);
            made = made
                .attribute_definitions(attribute.build().expect("it has a name and a type"))
                .key_schema(element.build().expect("it has a name and a type"));
        }
        made.send().await.expect("the table is made");
        if let Some(attribute) = self.ttl {
            let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
            let set = client.update_time_to_live().table_name("registry");
            let set = set.time_to_live_specification(ttl.expect("it has a name")).send().await;
            set.expect("it is switched on");
        }
        match check_table(&sdk, "registry").await {
            Ok(()) => Vec::new(),
            Err(error @ SetupError::WrongTable { .. }) => {
                let said = error.to_string();
                let problems = said.strip_prefix("the table registry cannot be used: ");
                problems.expect("it begins so").split("; ").map(str::to_owned).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn another_key_is_named_and_cannot_be_helped() {
    let right = "where PK (text) and SK (text) are needed: name another table with --table";
    for (keys, said) in [
        (&[("id", ScalarAttributeType::S)][..], "id (text)"),
        (&[("PK", ScalarAttributeType::S)], "PK (text)"),
        (&[("SK", ScalarAttributeType::S), ("PK", ScalarAttributeType::S)], "SK (text) and PK (text)"),
        (&[("PK", ScalarAttributeType::S), ("SK", ScalarAttributeType::N)], "PK (text) and SK (a number)"),
        (&[("PK", ScalarAttributeType::B), ("SK", ScalarAttributeType::S)], "PK (bytes) and SK (text)"),
    ] {
        assert_eq!(ByHand { keys, ..RIGHT }.problems().await, [format!("its key is {said}, {right}")]);
    }
}

#[tokio::test]
async fn a_missing_stream_is_said_with_what_to_do() {
    let what_to_do = "switch one on with `aws dynamodb update-table --table-name registry \
                      --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`";
    let without = ByHand { stream: None, ..RIGHT }.problems().await;
    assert_eq!(without, [format!("it has no stream: {what_to_do}")]);
    let others = ByHand { stream: Some(StreamViewType::KeysOnly), ..RIGHT }.problems().await;
    assert_eq!(
        others,
        [format!(
            "its stream has KEYS_ONLY, where NEW_AND_OLD_IMAGES are needed: switch it off \
             (StreamEnabled=false), then {what_to_do}"
        )]
    );
}

#[tokio::test]
async fn a_missing_time_to_live_is_said_with_what_to_do() {
    assert_eq!(
        ByHand { ttl: None, ..RIGHT }.problems().await,
        ["its time to live on the attribute ttl is off: switch it on with --create, or with the template"]
    );
    assert_eq!(
        ByHand { ttl: Some("expires"), ..RIGHT }.problems().await,
        ["its time to live is on the attribute expires, where ttl is needed: switch that off, then run \
          with --create"]
    );
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let wrong = ByHand { keys: &[("id", ScalarAttributeType::S)], stream: None, ttl: None };
    let said = wrong.problems().await;
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(RIGHT.problems().await, [""; 0]);
}
