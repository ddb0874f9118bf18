//! Uploads in chunks: their requests sent twice, cancelled, or so late that the session is out of date.

use super::{FEW_CALLS, HOUR_MS, Scenario, an_upload, is_there_if_first_was_done, token};
use crate::cast::{
    cancel, chunk, collect_content, collect_grant, collect_upload, collector, finish, finish_with, upload,
};
use crate::content::{Things, things};
use crate::invariants::Wrongs;
use crate::role::{Outcome, PART_BYTES_MIN, Role};
use crate::world::World;

/// The time after which a token is out of date.
const DAY_MS: u64 = 24 * HOUR_MS;

fn b_is_there_if_first_was_done(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    is_there_if_first_was_done(world, outcomes, &things().b)
}

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m: _, .. } = &things();
    let all = b.bytes.len();
    // All bytes as one part; or a part and a tail, which becomes the last part.
    let in_a_part = || vec![chunk(b, 0, all, token())];
    let with_tail = || {
        let half = PART_BYTES_MIN;
        vec![chunk(b, 0, half, token()), chunk(b, half, all, token())]
    };
    let in_tails = || vec![chunk(b, 0, 3, token()), chunk(b, 3, PART_BYTES_MIN - 1, token())];
    let late = || Role::clock(DAY_MS + 1);
    vec![
        Scenario::new(
            "an upload is finished twice, and cancelled",
            in_a_part(),
            vec![finish(b, token()), finish(b, token()), cancel(token())],
        )
        .in_the_end(b_is_there_if_first_was_done),
        Scenario::new(
            "an upload with a tail is finished twice, and cancelled",
            with_tail(),
            vec![finish(b, token()), finish(b, token()), cancel(token())],
        )
        .in_the_end(b_is_there_if_first_was_done),
        Scenario::new(
            "a chunk is sent twice while the upload is cancelled",
            vec![],
            vec![chunk(b, 0, all, token()), chunk(b, 0, all, token()), cancel(token())],
        )
        .strict(),
        Scenario::new(
            "a chunk is sent twice, and the upload finished",
            vec![chunk(b, 0, 3, token())],
            vec![chunk(b, 3, all, token()), chunk(b, 3, all, token()), finish(b, token())],
        ),
        Scenario::new(
            "the last bytes come with the closing request, twice",
            vec![chunk(b, 0, 3, token())],
            vec![finish_with(b, 3, token()), finish_with(b, 3, token())],
        )
        .in_the_end(b_is_there_if_first_was_done),
        Scenario::new(
            "an upload expires while it is finished",
            in_a_part(),
            vec![finish(b, token()), collect_upload(an_upload().id), late()],
        )
        .in_the_end(b_is_there_if_first_was_done),
        Scenario::new(
            "an upload with a tail expires while it is finished",
            with_tail(),
            vec![finish(b, token()), collect_upload(an_upload().id), late()],
        )
        .in_the_end(b_is_there_if_first_was_done),
        Scenario::new(
            "an upload of tails expires while a chunk comes",
            in_tails(),
            vec![chunk(b, PART_BYTES_MIN - 1, all, token()), collect_upload(an_upload().id), late()],
        ),
        Scenario::new(
            "an upload expires while it is finished twice, and its blob is collected",
            in_a_part(),
            vec![
                finish(b, token()),
                finish(b, token()),
                collector(&[collect_grant(b), collect_content(b), collect_upload(an_upload().id)]),
                late(),
            ],
        )
        .calls(FEW_CALLS),
        Scenario::new(
            "an upload is finished while another's of the same blob is collected",
            in_a_part(),
            vec![finish(b, token()), upload(b), collector(&[collect_grant(b), collect_content(b)])],
        )
        .large(),
    ]
}
