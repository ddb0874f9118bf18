//! Uploads: an open one has at least the bytes that were acknowledged; a cancelled one is gone.

use std::net::SocketAddr;

use super::{Scope, for_each};
use crate::findings::Kind;
use crate::http::{Body, Broken, Connection, Request};
use crate::journal::{Entry, Upload, UploadState};
use crate::world::World;

pub(super) fn check(world: &World, address: SocketAddr, scope: Scope) -> usize {
    let uploads: Vec<(u64, Upload)> = {
        let journal = world.journal();
        let wanted = |upload: &Upload| scope == Scope::All || upload.state != UploadState::CancelledForGood;
        let wanted = journal.uploads.iter().filter(|(_, upload)| wanted(upload));
        wanted.map(|(id, upload)| (*id, upload.clone())).collect()
    };
    for_each(world, address, &uploads, |connection, (id, upload)| check_one(world, connection, *id, upload));
    uploads.len()
}

fn check_one(world: &World, connection: &mut Connection, id: u64, upload: &Upload) -> Result<(), Broken> {
    let answer = connection.get(&upload.location)?;
    if answer.status == 404 && upload.state == UploadState::Finishing {
        return check_finished(world, connection, id, upload);
    }
    let mut journal = world.journal();
    if answer.status >= 500 {
        world.findings.add(Kind::ServerError, &upload.location, answer.status.to_string());
        return Ok(());
    }
    let is_gone = answer.status == 404;
    match upload.state {
        UploadState::Cancelling | UploadState::Cancelled | UploadState::CancelledForGood if is_gone => {
            if upload.state == UploadState::Cancelling {
                journal.bytes.in_doubt += upload.sent as u64;
            }
            journal.uploads.insert(id, Upload { state: UploadState::CancelledForGood, ..upload.clone() });
        }
        UploadState::Cancelled | UploadState::CancelledForGood => {
            world.findings.add(Kind::UndoneCancel, &upload.location, format!("GET says {}", answer.status));
        }
        UploadState::Open | UploadState::Finishing | UploadState::Cancelling => {
            match upload.received(&answer) {
                Ok(received) => {
                    // A cancel that was not carried out leaves an upload like any other.
                    let state = match upload.state {
                        UploadState::Cancelling => UploadState::Open,
                        state => state,
                    };
                    journal.bytes.in_doubt += (upload.sent - received) as u64;
                    let upload = Upload { acknowledged: received, sent: received, state, ..upload.clone() };
                    journal.uploads.insert(id, upload);
                }
                Err(why) => world.findings.add(Kind::LostUpload, &upload.location, why),
            }
        }
    }
    Ok(())
}

/// An upload whose closing PUT was cut off, and which is no longer open: the blob is there, or the same PUT
/// once more makes it so.
fn check_finished(
    world: &World,
    connection: &mut Connection,
    id: u64,
    upload: &Upload,
) -> Result<(), Broken> {
    let entry = Entry::Blob(upload.blob.digest.clone());
    let asked = {
        let mut journal = world.journal();
        journal.uploads.remove(&id);
        if journal.certain(&upload.repository, &entry) != Some(None) {
            return Ok(());
        }
        journal.begin_blob(&upload.repository, &upload.blob, "blob: closing PUT once more")
    };
    let target = upload.closing_target();
    let answer =
        connection.ask(&Request { method: "PUT", target: &target, headers: &[], body: Body::None })?;
    let mut journal = world.journal();
    if answer.status == 201 {
        journal.acknowledge(&asked);
        return Ok(());
    }
    journal.refuse(&asked);
    let why = format!("neither the upload is there, nor the blob; {}", answer.status);
    world.findings.add(Kind::LostUpload, target, why);
    Ok(())
}
