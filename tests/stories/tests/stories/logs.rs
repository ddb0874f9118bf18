//! One line for each request: what was asked, what came of it, what it moved and which calls it took.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_stories::{assert_reads, expect};
use tracing_subscriber::fmt;

use crate::World;

const OTHER_UNITS: &str = "DynamoDB Local counts other units than DynamoDB (half of a transaction's, none of a batch that finds nothing)";

thread_local! {
    /// What was logged by this thread, which runs one story at a time, since it asked.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Logs of every story go to the thread that runs it.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| fmt().without_time().with_ansi(false).with_writer(|| ThisThread).init());
    lines();
}

/// The lines since the last look.
fn lines() -> String {
    let bytes = LINES.take();
    str::from_utf8(&bytes).expect("text").lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

struct ThisThread;

impl io::Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_for_each_request() {
    if World::is_untold_where_parts_are_long(OTHER_UNITS) {
        return;
    }
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    listen();
    world.push("app", "v2", &image).await;
    world.ask("GET /v2/app/manifests/v1").await.is(200);
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(200);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.ask("GET /v2/app/blobs/<image>").await.is(404);
    world.ask("GET /v2/app/tags/list").await.is(200);
    world.ask("GET /v2/").await.is(200);
    world.ask("GET /nothing/here?x=1").await.is(404);
    assert_reads(
        &world.shown(&lines()),
        world.where_it_is(
            expect![[r#"
                INFO moorage::request: request operation="manifest" method=PUT repository="app" reference="v2" status=201 received_bytes=392 sent_bytes=0 duration_us=0 backend_calls=3 table (1 batch_get of 2, 1 put, 1 transact of 4)
                INFO moorage::request: request operation="manifest" method=GET repository="app" reference="v1" status=200 received_bytes=0 sent_bytes=392 duration_us=0 backend_calls=2 table (1 get, 1 query)
                INFO moorage::request: request operation="blob" method=HEAD repository="app" reference="<layer>" status=200 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=1 table (1 get)
                INFO moorage::request: request operation="blob" method=GET repository="app" reference="<layer>" status=200 received_bytes=0 sent_bytes=5 duration_us=0 backend_calls=1 table (1 get), 1 blob (1 get)
                INFO moorage::request: request operation="blob" method=GET repository="app" reference="<image>" status=404 received_bytes=0 sent_bytes=193 duration_us=0 backend_calls=1 table (1 get)
                INFO moorage::request: request operation="tags" method=GET repository="app" reference="" status=200 received_bytes=0 sent_bytes=33 duration_us=0 backend_calls=1 table (1 query)
                INFO moorage::request: request operation="ping" method=GET repository="" reference="" status=200 received_bytes=0 sent_bytes=2 duration_us=0 backend_calls=none
                INFO moorage::request: request operation="" method=GET unknown_path="/nothing/here" repository="" reference="" status=404 received_bytes=0 sent_bytes=95 duration_us=0 backend_calls=none
            "#]],
            expect![[r#"
                INFO moorage::request: request operation="manifest" method=PUT repository="app" reference="v2" status=201 received_bytes=392 sent_bytes=0 duration_us=0 backend_calls=3 table (1 batch_get of 2, 1 put, 1 transact of 4) table_calls=3 blob_calls=0 backend_requests=dynamodb:BatchGetItem 1, dynamodb:PutItem 1, dynamodb:TransactWriteItems 1 retries=0 read_units=2.0 write_units=8.0 list_price_nano_usd=5250.0
                INFO moorage::request: request operation="manifest" method=GET repository="app" reference="v1" status=200 received_bytes=0 sent_bytes=392 duration_us=0 backend_calls=2 table (1 get, 1 query) table_calls=2 blob_calls=0 backend_requests=dynamodb:GetItem 1, dynamodb:Query 1 retries=0 read_units=2.0 write_units=0.0 list_price_nano_usd=250.0
                INFO moorage::request: request operation="blob" method=HEAD repository="app" reference="<layer>" status=200 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=1 table (1 get) table_calls=1 blob_calls=0 backend_requests=dynamodb:GetItem 1 retries=0 read_units=1.0 write_units=0.0 list_price_nano_usd=125.0
                INFO moorage::request: request operation="blob" method=GET repository="app" reference="<layer>" status=200 received_bytes=0 sent_bytes=5 duration_us=0 backend_calls=1 table (1 get), 1 blob (1 get) table_calls=1 blob_calls=1 backend_requests=dynamodb:GetItem 1, s3:GetObject 1 retries=0 read_units=1.0 write_units=0.0 list_price_nano_usd=525.0
                INFO moorage::request: request operation="blob" method=GET repository="app" reference="<image>" status=404 received_bytes=0 sent_bytes=193 duration_us=0 backend_calls=1 table (1 get) table_calls=1 blob_calls=0 backend_requests=dynamodb:GetItem 1 retries=0 read_units=1.0 write_units=0.0 list_price_nano_usd=125.0
                INFO moorage::request: request operation="tags" method=GET repository="app" reference="" status=200 received_bytes=0 sent_bytes=33 duration_us=0 backend_calls=1 table (1 query) table_calls=1 blob_calls=0 backend_requests=dynamodb:Query 1 retries=0 read_units=1.0 write_units=0.0 list_price_nano_usd=125.0
                INFO moorage::request: request operation="ping" method=GET repository="" reference="" status=200 received_bytes=0 sent_bytes=2 duration_us=0 backend_calls=none
                INFO moorage::request: request operation="" method=GET unknown_path="/nothing/here" repository="" reference="" status=404 received_bytes=0 sent_bytes=95 duration_us=0 backend_calls=none
            "#]],
        ),
    );
    world.end().await;
}

/// An upload's token lets whoever has it add bytes: it is not in the log, only the upload's repository is.
#[tokio::test]
async fn an_uploads_token_is_not_logged() {
    if World::is_untold_where_parts_are_long(OTHER_UNITS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    listen();
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    let lines = lines();
    let token = upload.rsplit('/').next().expect("a path");
    assert!(!lines.contains(token), "{lines}");
    assert_reads(
        &world.shown(&lines),
        world.where_it_is(
            expect![[r#"
        INFO moorage::request: request operation="open-upload" method=POST repository="app" reference="" status=202 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=none
        INFO moorage::request: request operation="upload" method=PATCH repository="app" reference="" status=202 received_bytes=5 sent_bytes=0 duration_us=0 backend_calls=2 table (1 get, 1 put), 2 blob (1 open_parts, 1 put_parts)
        INFO moorage::request: request operation="upload" method=PUT repository="app" reference="<layer>" status=201 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=3 table (1 batch_get of 3, 1 put, 1 transact of 4), 1 blob (1 complete)
    "#]],
            expect![[r#"
                INFO moorage::request: request operation="open-upload" method=POST repository="app" reference="" status=202 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=none
                INFO moorage::request: request operation="upload" method=PATCH repository="app" reference="" status=202 received_bytes=5 sent_bytes=0 duration_us=0 backend_calls=2 table (1 get, 1 put), 2 blob (1 open_parts, 1 put_parts) table_calls=2 blob_calls=2 backend_requests=dynamodb:GetItem 1, dynamodb:PutItem 1, s3:CreateMultipartUpload 1, s3:UploadPart 1 retries=0 read_units=1.0 write_units=1.0 list_price_nano_usd=10750.0
                INFO moorage::request: request operation="upload" method=PUT repository="app" reference="<layer>" status=201 received_bytes=0 sent_bytes=0 duration_us=0 backend_calls=3 table (1 batch_get of 3, 1 put, 1 transact of 4), 1 blob (1 complete) table_calls=3 blob_calls=1 backend_requests=dynamodb:BatchGetItem 1, dynamodb:PutItem 1, dynamodb:TransactWriteItems 1, s3:CompleteMultipartUpload 1 retries=0 read_units=3.0 write_units=9.0 list_price_nano_usd=11000.0
            "#]],
        ),
    );
    world.end().await;
}

/// What failed inside is said here, once, and not to the client.
#[tokio::test]
async fn a_failure_is_logged_with_its_cause() {
    let mut world = World::new().await;
    let plan = Plan::List(vec![(Point::Each(Call::Get), Fault::Error(Moment::Before))]);
    let injector = Injector::new(plan, world.clock().clone());
    world.restart_with(|setup| setup.faults = Some(injector)).await;
    listen();
    world.ask("GET /v2/app/manifests/v1").await.is(503);
    assert_reads(
        &lines(),
        expect![[r#"
        ERROR moorage_http::registry: a request failed operation="manifest" repository="app" reference="v1" cause=the storage backend failed: injected error before
        INFO moorage::request: request operation="manifest" method=GET repository="app" reference="v1" status=503 received_bytes=0 sent_bytes=179 duration_us=0 backend_calls=1 table (1 get)
    "#]],
    );
    world.end().await;
}
