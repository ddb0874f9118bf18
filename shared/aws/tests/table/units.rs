//! The ledger's units of each operation are those that AWS publishes (DynamoDB developer guide, "Read and write
//! operations": 4 KB for a strong read, 1 KB for a write, each rounded up, twice that in a transaction), and our
//! limit for an item is DynamoDB's.

use bytes::Bytes;
use moorage_aws::{Table, setup};
use moorage_engines::Engines;
use moorage_oci::RepositoryName;
use moorage_ports::calls::{Backend, scope};
use moorage_ports::limits::ITEM_BYTES_MAX;
use moorage_ports::{
    Action, Context, Durability, Expect, Fact, Item, Key, PortError, Query, ReadTable, SortRange, WriteTable,
};

async fn table() -> Table {
    let (engines, context) = (Engines::in_process(), Context::system());
    let sdk = engines.sdk_config();
    setup::create_table(&sdk, "registry", &context).await.expect("the table is made");
    Table::new(&sdk, "registry", context)
}

/// What a body's item has beside its bytes: `PK` and `SK`, `format` with a number of one digit, `kind` with `body`,
/// and the name `body`.
const BESIDE_BYTES: usize = (2 + "repo#app".len()) + (2 + "tag#1".len()) + (6 + 2) + (4 + 4) + 4;

fn repository() -> RepositoryName {
    "app".parse().expect("it is a name")
}

fn key(tag: &str) -> Key {
    Key::tag(&repository(), &tag.parse().expect("it is a tag"))
}

/// An item of so many bytes.
fn item(tag: &str, bytes: usize) -> Item {
    Item::once(key(tag), Fact::Body(Bytes::from(vec![7; bytes - BESIDE_BYTES])))
}

async fn put(table: &Table, item: Item) {
    table.put(item, Expect::Anything, Durability::OnAnswer).await.expect("it is put");
}

/// Read and write units of a call.
async fn units<T>(call: impl Future<Output = Result<T, PortError>>) -> (f64, f64) {
    let (answer, counted) = scope(call).await;
    assert!(answer.is_ok());
    let Backend { read_units, write_units, nano_usd, .. } = counted.backend;
    // us-east-1: 0.125 and 0.625 USD per million.
    assert!((nano_usd - (read_units * 125.0 + write_units * 625.0)).abs() < 1e-6, "{nano_usd}");
    (read_units, write_units)
}

#[tokio::test]
async fn reads_are_counted_by_4_kb() {
    let table = table().await;
    put(&table, item("1", 4096)).await;
    put(&table, item("2", 4097)).await;
    assert_eq!(units(table.get(&key("1"))).await, (1.0, 0.0));
    assert_eq!(units(table.get(&key("2"))).await, (2.0, 0.0));
    assert_eq!(units(table.get(&key("3"))).await, (1.0, 0.0), "what is absent costs one");
    // Each item of a batch by itself.
    let keys = [key("1"), key("2"), key("3")];
    assert_eq!(units(table.batch_get(&keys)).await, (4.0, 0.0));
}

#[tokio::test]
async fn queries_are_counted_by_their_sum() {
    let table = table().await;
    for sort in ["1", "2", "3", "4"] {
        put(&table, item(sort, 2048)).await;
    }
    let query = |limit| Query { range: SortRange::tags(&repository(), None), limit };
    assert_eq!(units(table.query(&query(4))).await, (2.0, 0.0));
    // Keys cost what their items cost.
    assert_eq!(units(table.query_keys(&query(4))).await, (2.0, 0.0));
    // The item after the page is looked at.
    assert_eq!(units(table.query(&query(1))).await, (1.0, 0.0));
    assert_eq!(units(table.query(&query(2))).await, (2.0, 0.0));
}

#[tokio::test]
async fn writes_are_counted_by_1_kb() {
    let table = table().await;
    let put = |bytes| table.put(item("1", bytes), Expect::Anything, Durability::OnAnswer);
    let delete = |sort: &'static str| {
        let table = table.clone();
        async move { table.delete(&key(sort), Expect::Anything, Durability::OnAnswer).await }
    };
    assert_eq!(units(put(1024)).await, (0.0, 1.0));
    assert_eq!(units(put(1025)).await, (0.0, 2.0));
    assert_eq!(units(put(100)).await, (0.0, 2.0), "the larger of what was and what is");
    assert_eq!(units(put(3000)).await, (0.0, 3.0));
    assert_eq!(units(delete("1")).await, (0.0, 3.0));
    assert_eq!(units(delete("1")).await, (0.0, 1.0), "nothing was there");
    let writes = vec![
        Action::Put(item("1", 1024), Expect::Anything),
        Action::Put(item("2", 1025), Expect::Anything),
        Action::Delete(key("3"), Expect::Anything),
    ];
    assert_eq!(units(table.batch_write(writes)).await, (0.0, 4.0));
}

#[tokio::test]
async fn transactions_are_counted_twice() {
    let table = table().await;
    put(&table, item("1", 1025)).await;
    let actions = vec![
        Action::Put(item("2", 1024), Expect::Absent),
        Action::Put(item("3", 1025), Expect::Absent),
        Action::Check(key("4"), Expect::Absent),
        Action::Delete(key("1"), Expect::Anything),
    ];
    assert_eq!(units(table.transact(actions)).await, (0.0, 2.0 * (1.0 + 2.0 + 1.0 + 2.0)));
}

#[tokio::test]
async fn the_longest_item_is_dynamodbs() {
    let table = table().await;
    let longest = item("1", ITEM_BYTES_MAX);
    put(&table, longest.clone()).await;
    assert_eq!(table.get(&key("1")).await.expect("it is read"), Some(longest));
    let longer = || item("2", ITEM_BYTES_MAX + 1);
    let (put, counted) = scope(table.put(longer(), Expect::Anything, Durability::OnAnswer)).await;
    assert!(matches!(&put, Err(PortError::Misuse(why)) if why.contains("409601")), "{put:?}");
    assert_eq!(counted.backend, Backend::default(), "it is not sent");
    for refused in [
        table.batch_write(vec![Action::Put(longer(), Expect::Anything)]).await,
        table.transact(vec![Action::Put(longer(), Expect::Anything)]).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(PortError::Misuse(_))), "{refused:?}");
    }
}
