//! How fast one store is, on the disk of this machine: `cargo run --release -p moorage-embedded --example
//! speed -- <directory> [writes|blobs|reads|memory|fill <items>|open]`.
//!
//! `fill` ends by a kill, as a crash would; `open` then says how long a start takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moorage_embedded::{Embedded, Options};
use moorage_oci::Digest;
use moorage_ports::{
    Action, BlobStore, ByteStream, Context, Durability, Expect, Fact, Item, Key, Nonce, ObjectBody,
    ObjectKey, ReferenceTable, Version,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dir = PathBuf::from(arguments.first().expect("a directory"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the machine has two threads to spare");
    runtime.block_on(async {
        match arguments.get(1).map_or("all", String::as_str) {
            "writes" => writes(&dir).await,
            "blobs" => blobs(&dir).await,
            "reads" => reads(&dir).await,
            "fill" => fill(&dir, arguments[2].parse().expect("a number")).await,
            "open" => time_open(&dir).await,
            "memory" => memory(&dir).await,
            _ => {
                writes(&dir).await;
                blobs(&dir).await;
                reads(&dir).await;
            }
        }
    });
}

fn open(dir: &Path) -> Arc<Embedded> {
    let mut options = Options::default();
    if let Some(bytes) = std::env::var("INLINE").ok().and_then(|bytes| bytes.parse().ok()) {
        options.inline_blob_bytes_max = bytes;
    }
    if let Some(rows) = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()) {
        options.journal_rows_max = rows;
    }
    if let Some(bytes) = std::env::var("CACHE").ok().and_then(|bytes| bytes.parse::<usize>().ok()) {
        options.cache_bytes = bytes << 20;
    }
    Arc::new(Embedded::open(dir, options, &Context::system()).expect("it opens"))
}

fn table(store: &Embedded) -> &dyn ReferenceTable {
    store
}

fn objects(store: &Embedded) -> &dyn BlobStore {
    store
}

fn nonce() -> Nonce {
    Context::system().random.nonce()
}

/// An item of about the size of a manifest's record, under a random key.
fn item(partition: u64) -> Item {
    let repository = "library/app".parse().expect("a name");
    let key = Key::manifest(&repository, &Digest::sha256(&partition.to_be_bytes()));
    Item::at(key, Version(nonce()), Fact::UploadSecret { key: "0123456789abcdef".repeat(15) })
}

/// Does `work` `count` times from each of `clients`, and says how long it took.
async fn measure<F>(what: &str, clients: usize, count: usize, work: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let clock = Context::system().clock;
    let begun = clock.monotonic();
    let tasks = (0..clients).map(|client| {
        let works: Vec<_> = (0..count).map(|n| work(client * count + n)).collect();
        let clock = Arc::clone(&clock);
        tokio::spawn(async move {
            let mut times = Vec::with_capacity(works.len());
            for work in works {
                let begun = clock.monotonic();
                work.await;
                times.push(clock.monotonic() - begun);
            }
            times
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut times: Vec<Duration> = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no panic"));
    }
    let took = clock.monotonic() - begun;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{what:<34} {clients} clients {:>9.0}/s   p50 {:>6} us   p99 {:>7} us",
        times.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99)
    );
}

async fn writes(dir: &Path) {
    let store = open(&dir.join("writes"));
    for clients in [1, 8] {
        for durability in [Durability::OnAnswer, Durability::BeforeNext] {
            measure(&format!("put {durability:?}"), clients, 2000, |_| {
                let store = Arc::clone(&store);
                async move {
                    let put = table(&store).put(item(nonce().0 as u64), Expect::Absent, durability);
                    put.await.expect("written");
                }
            })
            .await;
        }
        measure("transaction of 3", clients, 2000, |_| {
            let store = Arc::clone(&store);
            async move {
                let actions = (0..3).map(|_| Action::Put(item(nonce().0 as u64), Expect::Absent)).collect();
                table(&store).transact(actions).await.expect("written");
            }
        })
        .await;
    }
}

fn body(bytes: &Bytes) -> ByteStream {
    let chunks: Vec<_> = (0..bytes.len())
        .step_by(64 * 1024)
        .map(|from| Ok(bytes.slice(from..bytes.len().min(from + 64 * 1024))))
        .collect();
    Box::pin(stream::iter(chunks))
}

async fn blobs(dir: &Path) {
    let store = open(&dir.join("blobs"));
    for (size, count) in [(1 << 10, 1000), (4 << 10, 1000), (16 << 10, 500), (64 << 10, 300), (1 << 20, 60)] {
        let bytes = Bytes::from((0..size).map(|n| (n % 251) as u8).collect::<Vec<_>>());
        let digest = Digest::sha256(&bytes);
        for clients in [1, 8] {
            measure(&format!("put blob of {size}"), clients, count, |_| {
                let (store, bytes, digest) = (Arc::clone(&store), bytes.clone(), digest.clone());
                async move {
                    let key = ObjectKey::upload(nonce());
                    let put = objects(&store).put(&key, &digest, None, body(&bytes), Durability::OnAnswer);
                    put.await.expect("stored");
                }
            })
            .await;
        }
    }
}

async fn reads(dir: &Path) {
    let store = open(&dir.join("reads"));
    for partition in 0..20_000 {
        table(&store).put(item(partition), Expect::Anything, Durability::BeforeNext).await.expect("written");
    }
    for clients in [1, 2, 8] {
        measure("get item", clients, 50_000, |_| {
            let store = Arc::clone(&store);
            async move {
                let key = item(nonce().0 as u64 % 20_000).key;
                table(&store).get(&key).await.expect("read").expect("there");
            }
        })
        .await;
    }
    for (size, count) in [
        (1 << 10, 20_000),
        (16 << 10, 20_000),
        (20 << 10, 20_000),
        (64 << 10, 10_000),
        (1 << 20, 2000),
        (64 << 20, 30),
    ] {
        let bytes = Bytes::from((0..size).map(|n| (n % 251) as u8).collect::<Vec<_>>());
        let key = ObjectKey::from_stored(&format!("blob/{size}"));
        let digest = Digest::sha256(&bytes);
        let put = objects(&store).put(&key, &digest, None, body(&bytes), Durability::OnAnswer);
        put.await.expect("stored");
        for clients in [1, 2] {
            measure(&format!("get blob of {size}"), clients, count, |_| {
                let (store, key) = (Arc::clone(&store), key.clone());
                async move {
                    let object = objects(&store).get(&key, None).await.expect("read").expect("there");
                    let read = match object.body {
                        ObjectBody::Bytes(bytes) => bytes.len(),
                        ObjectBody::Stream(stream) => {
                            stream
                                .map_ok(|chunk| chunk.len())
                                .map(|size| size.expect("read"))
                                .fold(0, |sum, size| async move { sum + size })
                                .await
                        }
                    };
                    assert_eq!(read, size);
                }
            })
            .await;
        }
    }
}

/// Eight uploads of 1 GiB at once, then eight downloads, and the most memory the process ever had.
async fn memory(dir: &Path) {
    const BYTES: u64 = 1 << 30;
    let store = open(&dir.join("memory"));
    say_memory("at the start");
    let digest = {
        let mut hasher = moorage_oci::Hasher::new(moorage_oci::Algorithm::Sha256);
        let chunk = vec![7; 1 << 20];
        (0..BYTES >> 20).for_each(|_| hasher.update(&chunk));
        hasher.finish()
    };
    measure("put blob of 1 GiB", 8, 1, |client| {
        let (store, digest) = (Arc::clone(&store), digest.clone());
        async move {
            let key = ObjectKey::from_stored(&format!("blob/{client}"));
            // As they come from a connection: 64 KiB at a time, each in a buffer of its own.
            let body = stream::iter(0..BYTES >> 16).map(|_| Ok(Bytes::from(vec![7; 1 << 16])));
            let put = objects(&store).put(&key, &digest, Some(BYTES), Box::pin(body), Durability::OnAnswer);
            put.await.expect("stored");
        }
    })
    .await;
    say_memory("after the uploads");
    measure("get blob of 1 GiB", 8, 1, |client| {
        let store = Arc::clone(&store);
        async move {
            let key = ObjectKey::from_stored(&format!("blob/{client}"));
            let object = objects(&store).get(&key, None).await.expect("read").expect("there");
            let ObjectBody::Stream(mut stream) = object.body else { panic!("a stream") };
            while let Some(chunk) = stream.next().await {
                chunk.expect("read");
            }
        }
    })
    .await;
    say_memory("after the downloads");
}

fn say_memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    println!("{when}: {}", lines.map(|line| line.replace('\t', " ")).collect::<Vec<_>>().join(", "));
}

async fn fill(dir: &Path, items: u64) {
    let store = open(dir);
    let tasks: Vec<_> = (0..8)
        .map(|client| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in (client..items).step_by(8 * 25) {
                    let batch =
                        (0..25).map(|m| Action::Put(item(spread(n + m * 8)), Expect::Anything)).collect();
                    table(&store).batch_write(batch).await.expect("written");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    // Not a moment after a checkpoint: the start has something to do.
    for n in 0..store_rows() {
        table(&store)
            .put(item(nonce().0 as u64 ^ n), Expect::Absent, Durability::OnAnswer)
            .await
            .expect("written");
    }
    std::process::abort();
}

fn store_rows() -> u64 {
    std::env::var("TAIL").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000)
}

/// Different numbers for different ones, in no order.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

async fn time_open(dir: &Path) {
    let clock = Context::system().clock;
    let begun = clock.monotonic();
    let store = open(dir);
    let opened = clock.monotonic();
    let found = table(&store).get(&item(spread(5)).key).await.expect("read");
    let read = clock.monotonic();
    println!("open {:?}, then the first read {:?} ({})", opened - begun, read - opened, found.is_some());
    std::process::abort();
}
