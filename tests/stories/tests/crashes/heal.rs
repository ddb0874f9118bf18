//! Asking for the same again after everything broke off.

use moorage_ports::{BlobStore, ReadTable, ScanTable};
use moorage_stories::invariants::{ALWAYS, WHERE_NOBODY_IS_OVERTAKEN, WHERE_NOTHING_IS_MISSING, check};
use moorage_stories::{Client, Snapshot};

use crate::judge::{Told, judge};
use crate::look::{Seen, look};
use crate::pusher::{Pusher, holds};
use crate::step::Thing;
use crate::story::{Story, UPLOADS};

/// Finishes the uploads that were open, tells the story from its beginning, and looks whether all is as it
/// would be had nothing broken off.
///
/// # Errors
/// What is not.
pub(crate) async fn heal(story: &Story, client: &Client, told: &Told, seen: &Seen) -> Result<(), String> {
    finish_uploads(story, client, told, seen).await?;
    let mut pusher = Pusher::new(client.clone());
    for step in &story.steps {
        let answer = pusher.ask(step).await;
        holds(step, &answer, step.again).map_err(|wrong| format!("asked again, {wrong}"))?;
        pusher.learn(step, &answer);
    }
    let seen = look(story, client, &pusher.locations).await;
    let all = Told { answered: (0..story.steps.len()).collect(), locations: pusher.locations };
    judge(story, &all, &seen).map_err(|wrong| format!("asked again: {wrong}"))
}

/// An upload goes on where it says that it is.
async fn finish_uploads(story: &Story, client: &Client, told: &Told, seen: &Seen) -> Result<(), String> {
    let pusher = Pusher { client: client.clone(), locations: told.locations.clone() };
    for (upload, blob) in UPLOADS {
        // One whose opening was not answered is opened anew when the story is told again.
        if !told.locations.contains_key(upload) {
            continue;
        }
        let Some(range) = seen.looks.get(&Thing::At(format!("{{{upload}}}"))) else { continue };
        // One that is not there may be cancelled, or about to be closed, and is closed then by whoever asks.
        let (last, others): (usize, &[u16]) = match range.strip_prefix("0-") {
            Some(last) => (last.parse().map_err(|_| format!("{upload} is at {range}"))?, &[]),
            None => (0, &[404]),
        };
        let step = story.closes("app", upload, if last == 0 { 0 } else { last + 1 });
        let answer = pusher.ask(&step).await;
        holds(&step, &answer, others)
            .map_err(|wrong| format!("{upload}, at {range}, cannot be finished: {wrong}"))?;
        if answer.status() == 404 {
            continue;
        }
        let bytes = client.ask(format!("GET /v2/app/blobs/<{blob}>")).await;
        if bytes.status() != 200 || bytes.body != story.contents.get(blob).bytes {
            return Err(format!("{upload}, at {range}, was finished as something else"));
        }
    }
    Ok(())
}

/// What holds of every world once nobody is changing it, but that an object whose request died before it was
/// recorded is nobody's: known and accepted (`facts/protocol.md`).
///
/// # Errors
/// What does not.
pub(crate) async fn invariants_hold<S: ReadTable + ScanTable + BlobStore>(storage: &S) -> Result<(), String> {
    let snapshot = Snapshot::take(storage).await;
    let all = ALWAYS.iter().chain([&WHERE_NOTHING_IS_MISSING, &WHERE_NOBODY_IS_OVERTAKEN]);
    let wrong = check(&snapshot, all);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
