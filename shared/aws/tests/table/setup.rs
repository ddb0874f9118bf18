//! Making, checking and opening.

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
