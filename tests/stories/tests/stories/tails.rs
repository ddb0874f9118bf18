//! Chunks that are shorter than the least part: they wait as the upload's tail. Sizes are in pieces, of which a
//! part has ten at least; the pictures are the same on every storage.

use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_stories::{Answer, Client, Content, Parts, expect};

use crate::World;

/// Sends these numbers of pieces of `blob`, a chunk each, from the `first` piece on.
async fn send(world: &World, upload: &str, blob: &Content, first: usize, chunks: &[usize]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut from = first * World::piece();
    for chunk in chunks {
        let to = from + chunk * World::piece();
        let patch = world.ask(format!("PATCH {upload}"));
        let patch = patch.header("content-range", &format!("{from}-{}", to - 1));
        let answer = patch.body(blob.bytes.slice(from..to)).await;
        answers.push(answer);
        from = to;
    }
    answers
}

async fn is_blob(world: &World, path: &str, blob: &Content) {
    let answer = world.ask(format!("GET {path}")).await;
    // A store that signs URLs is asked by the client itself for what is long.
    assert!(answer.status() == 307 || answer.is(200).body == blob.bytes, "other bytes");
}

/// A tail is carried over until there is enough for a part. 1 read and 1 write each; 1 PUT or 1 part, + 1 GET
/// with a tail, + 1 to open.
#[tokio::test]
async fn carried_over() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 20);
    let upload = world.opened("app").await;
    let answers = send(&world, &upload, &layer, 0, &[4]).await;
    answers[0].is(202).costs(expect!["2 table (1 get, 1 put), 1 blob (1 put)"]);
    world.picture().await.is(expect![[r#"
        upload#~1 / self: open, 4 pieces in 0 chunks, uploads/~2, 4 pieces in tails/~3
        object tails/~3: 4 pieces
    "#]]);
    let answers = send(&world, &upload, &layer, 4, &[4, 4]).await;
    answers[0].is(202).costs(expect!["2 table (1 get, 1 transact of 2), 2 blob (1 get, 1 put)"]);
    answers[1]
        .is(202)
        .costs(expect!["2 table (1 get, 1 transact of 2), 3 blob (1 get, 1 open_parts, 1 put_parts)"]);
    world.picture().await.is(expect![[r#"
        trash#tails/~1 / self
        trash#tails/~2 / self
        upload#~3 / self: open, 12 pieces in 1 chunks, uploads/~4
        object tails/~1: 8 pieces
        object tails/~2: 4 pieces
    "#]]);
    let answers = send(&world, &upload, &layer, 12, &[4, 4]).await;
    answers[0].is(202).costs(expect!["2 table (1 get, 1 put), 1 blob (1 put)"]);
    answers[1].is(202).costs(expect!["2 table (1 get, 1 transact of 2), 2 blob (1 get, 1 put)"]);
    let range = format!("0-{}", layer.bytes.len() - 1);
    assert_eq!(world.ask(format!("GET {upload}")).await.is(204).header("range"), range);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201).costs(expect![
        "3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 put_part_of, 1 complete)"
    ]);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 20 pieces, uploads/~2
        blob#<layer> / grant#app: live ~3, 20 pieces, uploads/~2
        blob#<layer> / held-content#app#~3
        trash#tails/~4 / self
        trash#tails/~5 / self
        trash#tails/~6 / self
        upload#~7 / self: closed as <layer>, 20 pieces in 1 chunks, uploads/~2, 8 pieces in tails/~8
        object tails/~4: 8 pieces
        object tails/~5: 4 pieces
        object tails/~6: 4 pieces
        object tails/~8: 8 pieces
        object uploads/~2: 20 pieces
    "#]]);
}

/// Enough for a part at once.
#[tokio::test]
async fn parts_without_a_tail() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 25);
    let upload = world.opened("app").await;
    let answers = send(&world, &upload, &layer, 0, &[10, 15]).await;
    answers[0].is(202).costs(expect!["2 table (1 get, 1 put), 2 blob (1 open_parts, 1 put_parts)"]);
    answers[1].is(202).costs(expect!["2 table (1 get, 1 put), 1 blob (1 put_parts)"]);
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .await
        .is(201)
        .costs(expect!["3 table (1 batch_get of 3, 1 put, 1 transact of 4), 1 blob (1 complete)"]);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 25 pieces, uploads/~2
        blob#<layer> / grant#app: live ~3, 25 pieces, uploads/~2
        blob#<layer> / held-content#app#~3
        upload#~4 / self: closed as <layer>, 25 pieces in 2 chunks, uploads/~2
        object uploads/~2: 25 pieces
    "#]]);
}

/// No part was ever made: the tail is put as the blob, and the store checks its digest.
#[tokio::test]
async fn all_of_the_blob() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 4);
    let upload = world.opened("app").await;
    send(&world, &upload, &layer, 0, &[3, 1]).await;
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .await
        .is(201)
        .costs(expect!["3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 get, 1 put)"]);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    // Its answer was lost.
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .await
        .is(201)
        .costs(expect!["1 table (1 batch_get of 3)"]);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 4 pieces, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 4 pieces, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        trash#tails/~4 / self
        upload#~2 / self: closed as <layer>, 4 pieces in 0 chunks, <layer>/app/~2, 4 pieces in tails/~5
        object <layer>/app/~2: 4 pieces
        object tails/~5: 4 pieces
        object tails/~4: 3 pieces
    "#]]);
}

/// The tail becomes the last part.
#[tokio::test]
async fn behind_parts() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 14);
    let upload = world.opened("app").await;
    send(&world, &upload, &layer, 0, &[11, 3]).await;
    world.picture().await.is(expect![[r#"
        upload#~1 / self: open, 14 pieces in 1 chunks, uploads/~2, 3 pieces in tails/~3
        object tails/~3: 3 pieces
    "#]]);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201).costs(expect![
        "3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 put_part_of, 1 complete)"
    ]);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 14 pieces, uploads/~2
        blob#<layer> / grant#app: live ~3, 14 pieces, uploads/~2
        blob#<layer> / held-content#app#~3
        upload#~4 / self: closed as <layer>, 14 pieces in 1 chunks, uploads/~2, 3 pieces in tails/~5
        object tails/~5: 3 pieces
        object uploads/~2: 14 pieces
    "#]]);
}

/// The last bytes come with the closing request: behind parts they are a part however few, with the tail. They cost
/// what a chunk costs in the blob store; the table is written to once, for both.
#[tokio::test]
async fn with_the_closing_bytes() {
    let mut seen = String::new();
    for chunks in [&[3][..], &[11], &[11, 3], &[3, 6]] {
        let world = World::with_long_parts().await;
        let sent: usize = chunks.iter().sum();
        let layer = world.pieces("layer", sent + 2);
        let upload = world.opened("app").await;
        send(&world, &upload, &layer, 0, chunks).await;
        let put = world.ask(format!("PUT {upload}?digest=<layer>"));
        let answer = put.body(layer.bytes.slice(sent * World::piece()..)).await;
        is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
        seen += &format!("{chunks:?}: {}\n{}\n", answer.is(201).calls, world.end().await);
    }
    moorage_stories::assert_reads(
        &seen,
        expect![[r#"
            [3]: 3 table (1 batch_get of 3, 2 transact of 6), 4 blob (2 get, 2 put)
            blob#<layer> / content: live ~1, 5 pieces, <layer>/app/~2
            blob#<layer> / grant#app: live ~3, 5 pieces, <layer>/app/~2
            blob#<layer> / held-content#app#~3
            trash#tails/~4 / self
            upload#~2 / self: closed as <layer>, 5 pieces in 0 chunks, <layer>/app/~2, 5 pieces in tails/~5
            object <layer>/app/~2: 5 pieces
            object tails/~5: 5 pieces
            object tails/~4: 3 pieces

            [11]: 3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 put_parts, 1 complete)
            blob#<layer> / content: live ~1, 13 pieces, uploads/~2
            blob#<layer> / grant#app: live ~3, 13 pieces, uploads/~2
            blob#<layer> / held-content#app#~3
            upload#~4 / self: closed as <layer>, 13 pieces in 2 chunks, uploads/~2
            object uploads/~2: 13 pieces

            [11, 3]: 3 table (1 batch_get of 3, 2 transact of 6), 3 blob (1 get, 1 put_parts, 1 complete)
            blob#<layer> / content: live ~1, 16 pieces, uploads/~2
            blob#<layer> / grant#app: live ~3, 16 pieces, uploads/~2
            blob#<layer> / held-content#app#~3
            trash#tails/~4 / self
            upload#~5 / self: closed as <layer>, 16 pieces in 2 chunks, uploads/~2
            object tails/~4: 3 pieces
            object uploads/~2: 16 pieces

            [3, 6]: 3 table (1 batch_get of 3, 2 transact of 6), 4 blob (1 get, 1 open_parts, 1 put_parts, 1 complete)
            blob#<layer> / content: live ~1, 11 pieces, uploads/~2
            blob#<layer> / grant#app: live ~3, 11 pieces, uploads/~2
            blob#<layer> / held-content#app#~3
            trash#tails/~4 / self
            trash#tails/~5 / self
            upload#~6 / self: closed as <layer>, 11 pieces in 1 chunks, uploads/~2
            object tails/~4: 9 pieces
            object tails/~5: 3 pieces
            object uploads/~2: 11 pieces

        "#]],
    );
}

/// Nobody said that sha512 would be asked for.
#[tokio::test]
async fn closed_by_sha512() {
    let mut seen = String::new();
    for (chunks, digest) in [
        (&[4][..], "<layer:sha512>"),
        (&[11, 3], "<layer:sha512>"),
        (&[4], "<other:sha512>"),
        (&[11, 3], "<other:sha512>"),
    ] {
        let world = World::with_long_parts().await;
        let layer = world.pieces("layer", chunks.iter().sum());
        world.blob("other");
        let upload = world.opened("app").await;
        send(&world, &upload, &layer, 0, chunks).await;
        let answer = world.ask(format!("PUT {upload}?digest={digest}")).await;
        seen += &format!("{chunks:?} as {digest}: {}, {}\n", answer.outline(), answer.calls);
        seen += &format!("{}\n", world.end().await);
    }
    moorage_stories::assert_reads(
        &seen,
        expect![[r#"
            [4] as <layer:sha512>: 201, 3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 get, 1 put)
            blob#<layer:sha512> / content: live ~1, 4 pieces, <layer:sha512>/app/~2
            blob#<layer:sha512> / grant#app: live ~3, 4 pieces, <layer:sha512>/app/~2
            blob#<layer:sha512> / held-content#app#~3
            upload#~2 / self: closed as <layer:sha512>, 4 pieces in 0 chunks, <layer:sha512>/app/~2, 4 pieces in tails/~4
            object <layer:sha512>/app/~2: 4 pieces
            object tails/~4: 4 pieces

            [11, 3] as <layer:sha512>: 201, 3 table (1 batch_get of 3, 1 put, 1 transact of 4), 3 blob (1 get, 1 put_part_of, 1 complete)
            blob#<layer:sha512> / content: live ~1, 14 pieces, uploads/~2
            blob#<layer:sha512> / grant#app: live ~3, 14 pieces, uploads/~2
            blob#<layer:sha512> / held-content#app#~3
            upload#~4 / self: closed as <layer:sha512>, 14 pieces in 1 chunks, uploads/~2, 3 pieces in tails/~5
            object tails/~5: 3 pieces
            object uploads/~2: 14 pieces

            [4] as <other:sha512>: 400 DIGEST_INVALID, 3 table (1 batch_get of 3, 1 put, 1 transact of 3), 2 blob (1 get, 1 put)
            trash#<other:sha512>/app/~1 / self
            trash#tails/~2 / self
            upload#~1 / self: closed
            object tails/~2: 4 pieces

            [11, 3] as <other:sha512>: 400 DIGEST_INVALID, 3 table (1 batch_get of 3, 1 put, 1 transact of 3), 3 blob (1 get, 1 put_part_of, 1 complete)
            trash#tails/~1 / self
            trash#uploads/~2 / self
            upload#~3 / self: closed
            object tails/~1: 3 pieces
            object uploads/~2: 14 pieces

        "#]],
    );
}

/// Nothing is closed, and the tail is as it was.
#[tokio::test]
async fn closed_by_a_wrong_digest() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 6);
    world.blob("other");
    let upload = world.opened("app").await;
    send(&world, &upload, &layer, 0, &[4]).await;
    world.ask(format!("PUT {upload}?digest=<other>")).await.is_refused(400, "DIGEST_INVALID");
    send(&world, &upload, &layer, 4, &[2]).await[0].is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await;
}

/// What was stored for it goes into the trash with its record.
#[tokio::test]
async fn cancelled() {
    let mut seen = String::new();
    for chunks in [&[4][..], &[11], &[11, 3]] {
        let world = World::with_long_parts().await;
        let layer = world.pieces("layer", chunks.iter().sum());
        let upload = world.opened("app").await;
        send(&world, &upload, &layer, 0, chunks).await;
        let answer = world.ask(format!("DELETE {upload}")).await;
        seen += &format!("{chunks:?}: {}\n{}\n", answer.is(204).calls, world.end().await);
    }
    moorage_stories::assert_reads(
        &seen,
        expect![[r#"
            [4]: 2 table (1 get, 1 transact of 2)
            trash#tails/~1 / self
            upload#~2 / self: closed
            object tails/~1: 4 pieces

            [11]: 2 table (1 get, 1 transact of 2), 1 blob (1 abort)
            trash#uploads/~1 / self: with parts
            upload#~2 / self: closed

            [11, 3]: 2 table (1 get, 1 transact of 3), 1 blob (1 abort)
            trash#tails/~1 / self
            trash#uploads/~2 / self: with parts
            upload#~3 / self: closed
            object tails/~1: 3 pieces

        "#]],
    );
}

/// Fewer bytes than were said, where they would be a tail and where they would be a part.
#[tokio::test]
async fn of_a_chunk_that_breaks_off() {
    let world = World::with_long_parts().await;
    let layer = world.pieces("layer", 12);
    let upload = world.opened("app").await;
    for range in ["0-3", &format!("0-{}", 11 * World::piece() - 1)] {
        let patch = || world.ask(format!("PATCH {upload}")).header("content-range", range);
        patch().streamed(["ab"]).await.is_refused(400, "BLOB_UPLOAD_INVALID");
        patch().broken_after("ab").await.is_refused(400, "BLOB_UPLOAD_INVALID");
    }
    let patch = world.ask(format!("PATCH {upload}"));
    patch.header("content-range", "0-3").streamed(["abcde"]).await.is_refused(400, "BLOB_UPLOAD_INVALID");
    assert_eq!(world.ask(format!("GET {upload}")).await.is(204).header("range"), "0-0");
    send(&world, &upload, &layer, 0, &[4, 8]).await;
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 12 pieces, uploads/~2
        blob#<layer> / grant#app: live ~3, 12 pieces, uploads/~2
        blob#<layer> / held-content#app#~3
        trash#tails/~4 / self
        upload#~5 / self: closed as <layer>, 12 pieces in 1 chunks, uploads/~2
        object tails/~4: 4 pieces
        object uploads/~2: 12 pieces
    "#]]);
}

/// As S3 has it: 5 MiB, and 4 MiB a chunk, as regclient and the Rust oci-client send them.
#[tokio::test]
async fn chunks_of_4_mib() {
    const CHUNK: usize = 4 * 1024 * 1024;
    let world = World::set_up(|setup| setup.parts = Parts::OfS3).await;
    let layer = world.blob_of("layer", vec![7; CHUNK * 5 / 2]);
    let upload = world.opened("app").await;
    let mut seen = String::new();
    for chunk in layer.bytes.chunks(CHUNK) {
        let answer = world.ask(format!("PATCH {upload}")).body(chunk.to_vec()).await;
        seen += &format!("PATCH: {}\n", answer.is(202).calls);
    }
    let answer = world.ask(format!("PUT {upload}?digest=<layer>")).await;
    seen += &format!("PUT: {}\n", answer.is(201).calls);
    moorage_stories::assert_reads(
        &seen,
        expect![[r#"
        PATCH: 2 table (1 get, 1 put), 1 blob (1 put)
        PATCH: 2 table (1 get, 1 transact of 2), 3 blob (1 get, 1 open_parts, 1 put_parts)
        PATCH: 2 table (1 get, 1 put), 1 blob (1 put)
        PUT: 3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 put_part_of, 1 complete)
    "#]],
    );
    is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 10485760 bytes, uploads/~2
        blob#<layer> / grant#app: live ~3, 10485760 bytes, uploads/~2
        blob#<layer> / held-content#app#~3
        trash#tails/~4 / self
        upload#~5 / self: closed as <layer>, 10485760 bytes in 1 chunks, uploads/~2, 2097152 bytes in tails/~6
        object tails/~6: 2097152 bytes
        object tails/~4: 4194304 bytes
        object uploads/~2: 10485760 bytes
    "#]]);
}

/// Two chunks for one place: one is recorded, and what the other stored, if it came so far, goes into the trash (the
/// last look finds an object that is nobody's).
#[tokio::test]
async fn of_two_at_once() {
    for (before, chunk) in [(0, 3), (0, 11), (4, 3), (4, 7)] {
        let world = World::with_long_parts().await;
        let layer = world.pieces("layer", 12);
        let upload = world.opened("app").await;
        if before > 0 {
            send(&world, &upload, &layer, 0, &[before]).await[0].is(202);
        }
        let both = [chunk];
        let (first, second) = tokio::join!(
            send(&world, &upload, &layer, before, &both),
            send(&world, &upload, &layer, before, &both)
        );
        let mut statuses = [first[0].status(), second[0].status()];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 416]);
        send(&world, &upload, &layer, before + chunk, &[12 - before - chunk]).await[0].is(202);
        world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
        is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
        world.end().await;
    }
}

/// Each storage call in turn fails, before or after it did its work; the client looks how far the upload has
/// come and goes on from there.
#[tokio::test]
async fn while_the_storage_fails() {
    for chunks in [&[4, 4, 4, 3][..], &[4, 3], &[11, 3]] {
        for moment in [Moment::Before, Moment::After] {
            for number in 1.. {
                let mut world = World::with_long_parts().await;
                let layer = world.pieces("layer", chunks.iter().sum());
                let upload = world.opened("app").await;
                let plan = Plan::List(vec![(Point::Call(number), Fault::Error(moment))]);
                let injector = Injector::new(plan, world.clock().clone());
                world.restart_with(|setup| setup.faults = Some(injector.clone())).await;
                let mut answer = tell(&world, &upload, &layer, chunks).await;
                let has_failed = injector.decisions().iter().any(|decision| decision.fault.is_some());
                if has_failed {
                    answer.is_refused(503, "TOOMANYREQUESTS");
                    answer = tell(&world, &upload, &layer, chunks).await;
                }
                assert_eq!(answer.outline(), "201", "{chunks:?}, call {number}, {moment}");
                if !has_failed {
                    assert!(number > 8, "nothing was made to fail");
                    world.end().await;
                    break;
                }
                is_blob(&world, "/v2/app/blobs/<layer>", &layer).await;
                world.end().await;
            }
        }
    }
}

/// The chunks and the closing request, until one fails. What came before is refused, as it should be.
async fn tell(client: &Client, upload: &str, blob: &Content, chunks: &[usize]) -> Answer {
    let mut from = 0;
    for chunk in chunks {
        let to = from + chunk * World::piece();
        let patch = client.ask(format!("PATCH {upload}"));
        let patch = patch.header("content-range", &format!("{from}-{}", to - 1));
        let answer = patch.body(blob.bytes.slice(from..to)).await;
        if ![202, 404, 416].contains(&answer.status()) {
            return answer;
        }
        from = to;
    }
    client.ask(format!("PUT {upload}?digest=<layer>")).await
}
