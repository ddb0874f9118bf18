//! Whether the checks can fail: data is damaged in known ways between a kill and the next start, and each
//! damage must be noticed for what it is.

mod damage;
mod trials;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::check::{Scope, check};
use crate::client::Place;
use crate::findings::Kind;
use crate::folder::{Folder, copy};
use crate::journal::{Entry, Journal, Upload, UploadState};
use crate::lives::{End, Lives};
use crate::score::Score;
use crate::world::World;
use damage::{change_byte, cut, remove};
use trials::Trials;

const PUSHING: Duration = Duration::from_millis(400);

/// How often the clients push again until there is something of each kind to forget.
const LIVES_MAX: usize = 12;

/// Data and journal after a kill.
struct Moment {
    data: PathBuf,
    journal: Journal,
}

/// Damages data in every way that is known here.
///
/// # Errors
/// The data to damage could not be made.
pub fn run(binary: &Path, folder: &Folder, clients: usize, seed: u64) -> Result<Score> {
    let world = World::default();
    let mut lives = Lives::new(&world, clients, seed, binary.into(), folder.at("data"), folder.path().into());
    let before = live(&mut lives, folder.at("before"))?;
    let mut after = live(&mut lives, folder.at("after"))?;
    let mut pushed_again = 0;
    while forgotten(&before.journal, &after.journal).len() < 5 && pushed_again < LIVES_MAX {
        after = live(&mut lives, folder.at("after"))?;
        pushed_again += 1;
    }
    let trials = Trials { binary, folder, before, after };
    let mut score = Score::default();
    score.check(&world, "data that nobody touched", || trials.untouched());
    score.check(&world, "a byte of a blob is changed", || trials.damaged_blob(Kind::WrongBytes, change_byte));
    score.check(&world, "a blob's file is cut", || trials.damaged_blob(Kind::WrongBytes, cut));
    score.check(&world, "a blob's file is removed", || trials.damaged_blob(Kind::LostBlob, remove));
    score.check(&world, "the tables are those of an earlier kill", || trials.forgetful());
    score.check(&world, "only one of their files is that of an earlier kill", || trials.forgetful_in_one());
    score.check(&world, "a referrer is listed otherwise than it was pushed", || trials.other_referrer());
    score.check(&world, "a repository is listed that nobody pushed to", || trials.unknown_repository());
    Ok(score)
}

/// The clients push, the registry is killed; what it leaves is compared up to then, and copied.
fn live(lives: &mut Lives<'_>, copy_to: PathBuf) -> Result<Moment> {
    let server = lives.start()?;
    check(lives.world, server.address, Scope::New, "before");
    lives.push_and_kill(server, Place::Same, PUSHING, End::Kill)?;
    if let Some(finding) = lives.world.findings.all().first() {
        bail!("something is wrong before anything was damaged: {finding}");
    }
    copy(&lives.data, &copy_to)?;
    Ok(Moment { data: copy_to, journal: lives.world.journal().clone() })
}

/// Which kinds of losses it must be when `after` is forgotten and `before` is there.
fn forgotten(before: &Journal, after: &Journal) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    for (name, there) in &after.repositories {
        for (entry, register) in &there.entries {
            let Some(now) = register.certain() else { continue };
            let possible = before.repositories.get(name).and_then(|there| there.entries.get(entry));
            let possible = possible.map_or(vec![None], |register| register.possible());
            if !possible.contains(&now) {
                kinds.insert(match entry {
                    _ if now.is_none() => Kind::UndoneDelete,
                    Entry::Blob(_) => Kind::LostBlob,
                    Entry::Manifest(_) => Kind::LostManifest,
                    Entry::Tag(_) => Kind::WrongTag,
                });
            }
        }
    }
    let fell_back = |(id, upload): (&u64, &Upload)| {
        let sent_before = before.uploads.get(id).map_or(0, |upload| upload.sent);
        upload.state == UploadState::Open && upload.acknowledged > sent_before
    };
    if after.uploads.iter().any(fell_back) {
        kinds.insert(Kind::LostUpload);
    }
    kinds
}
