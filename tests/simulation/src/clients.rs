//! What clients do: each a short script of requests, drawn by a seed.

use std::sync::Arc;

use bytes::Bytes;
use moorage_oci::{Algorithm, Reference};
use moorage_operations::{Asker, ManifestPush, Mounted, PolicyChange, Pull, Push, RegistryError};
use moorage_ports::facts::Untagged;
use moorage_ports::testing_context::SeededRandom;
use moorage_ports::{ByteStream, Clock, PortError};

use crate::focus::Focus;
use crate::shared::{OpenedUpload, Promise, Shared, Thing};
use crate::universe::Universe;

/// What became of an actor.
#[derive(Debug)]
pub enum Outcome {
    /// All that was asked was answered, if only with a refusal or because the storage failed.
    Fine,
    /// The bytes of an upload did not become a blob; who asked must send them again.
    MustSendAgain,
    /// Something that must never be.
    Wrong(String),
}

/// What a client is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Script {
    PushManifest,
    Upload,
    Chunks,
    Cancel,
    CloseAgain,
    Event,
    Head,
    Mount,
    Pull,
    DeleteTag,
    DeleteManifest,
    DeleteBlob,
    Restore,
    Purge,
    Recycle,
}

/// A client with its ports, and chance of its own.
pub struct Client {
    pub push: Push,
    pub pull: Pull,
    pub random: Arc<SeededRandom>,
    pub shared: Arc<Shared>,
    pub focus: Focus,
}

type Answered<T> = Result<T, RegistryError>;

impl Client {
    fn below(&self, bound: usize) -> usize {
        self.random.below(bound as u64) as usize
    }

    pub async fn run(self, script: Script) -> Outcome {
        let universe = Universe::get();
        let repository = self.below(self.focus.repositories);
        let blob = self.below(self.focus.blobs);
        let manifest = self.focus.manifests[self.below(self.focus.manifests.len())];
        let done = match script {
            Script::PushManifest => return self.push_manifest(repository, manifest).await,
            Script::Upload => self.upload(repository, blob).await,
            Script::Chunks => self.chunks(repository, blob, true).await,
            Script::Cancel => self.chunks(repository, blob, false).await,
            Script::CloseAgain => self.close_again().await,
            Script::Event => self.event().await,
            Script::Head => self.is_blob_there(repository, blob).await.map(|_| ()),
            Script::Mount => self.mount(repository, blob).await.map(|_| ()),
            Script::Pull => return self.pull(repository).await,
            Script::DeleteTag => self.delete_tag(repository).await,
            Script::DeleteManifest => self.delete_manifest(repository, manifest).await,
            Script::DeleteBlob => self.delete_blob(repository, blob).await,
            Script::Restore => self.restore(repository, manifest).await,
            Script::Purge => {
                let digest = &universe.manifests[manifest].digest;
                self.push.purge_manifest(&universe.repositories[repository], digest).await
            }
            Script::Recycle => {
                let untagged = Untagged::Recycle { after_ms: self.push.settings().grace_ms };
                let change = PolicyChange { untagged, ..PolicyChange::default() };
                self.push.set_policy(&universe.repositories[repository], change).await
            }
        };
        outcome(done)
    }

    async fn upload(&self, repository: usize, blob: usize) -> Answered<()> {
        let universe = Universe::get();
        let (name, blob) = (&universe.repositories[repository], &universe.blobs[blob]);
        let size = Some(blob.bytes.len() as u64);
        self.push.put_blob(name, &blob.digest, size, body(blob.bytes.clone())).await
    }

    /// In two chunks; then it is closed, or cancelled.
    async fn chunks(&self, repository: usize, blob: usize, closes: bool) -> Answered<()> {
        let universe = Universe::get();
        let name = &universe.repositories[repository];
        let bytes = &universe.blobs[blob].bytes;
        let token = self.push.seal_upload(name, self.push.open_upload(Algorithm::Sha256));
        self.shared.opened(OpenedUpload { repository, blob, token: token.clone() });
        let (one, two) = (bytes.slice(..2), bytes.slice(2..));
        self.push.upload_chunk(name, &token, None, Some(2), body(one)).await?;
        if !closes {
            return self.push.cancel_upload(name, &token).await;
        }
        let size = Some(two.len() as u64);
        self.push.finish_upload(name, &token, &universe.blobs[blob].digest, None, size, body(two)).await
    }

    /// The closing request of an upload that somebody opened, with all of its bytes or with those that were missing.
    async fn close_again(&self) -> Answered<()> {
        let universe = Universe::get();
        let uploads = self.shared.uploads();
        let upload = match uploads.len() {
            0 => self.open(),
            // Most often the newest.
            count if self.below(3) > 0 => uploads[count - 1].clone(),
            count => uploads[self.below(count)].clone(),
        };
        let OpenedUpload { repository, blob, token } = if self.below(2) == 0 { self.open() } else { upload };
        let blob = &universe.blobs[blob];
        let name = &universe.repositories[repository];
        let bytes = if self.below(4) == 0 { blob.bytes.slice(2..) } else { blob.bytes.clone() };
        let size = Some(bytes.len() as u64);
        self.push.finish_upload(name, &token, &blob.digest, None, size, body(bytes)).await
    }

    fn open(&self) -> OpenedUpload {
        let universe = Universe::get();
        let repository = self.below(self.focus.repositories);
        let blob = self.below(self.focus.blobs);
        let opened = self.push.open_upload(Algorithm::Sha256);
        let token = self.push.seal_upload(&universe.repositories[repository], opened);
        let upload = OpenedUpload { repository, blob, token };
        self.shared.opened(upload.clone());
        upload
    }

    /// The store tells of an object that was made: once more, and late.
    async fn event(&self) -> Answered<()> {
        let objects = self.shared.objects();
        if objects.is_empty() {
            return Ok(());
        }
        let made = &objects[objects.len() - 1 - self.below(objects.len().min(3))];
        let Some((digest, repository, _)) = made.object.blob_parts() else { return Ok(()) };
        self.push.record_object(&repository, &digest, &made.object, made.size).await.map(|_| ())
    }

    async fn mount(&self, repository: usize, blob: usize) -> Answered<Mounted> {
        let universe = Universe::get();
        let from = &universe.repositories[1 - repository];
        let from = (self.below(2) == 0).then_some(from);
        self.push.mount_blob(&universe.repositories[repository], &universe.blobs[blob].digest, from).await
    }

    /// Asks for what the manifest needs, as clients do, sends what is not there, and then the manifest.
    async fn push_manifest(&self, repository: usize, manifest: usize) -> Outcome {
        let mut promises = Vec::new();
        for needed in needed(manifest) {
            let is_last = needed == manifest;
            if !is_last {
                let promise = self.shared.promise(repository, Thing::Manifest(needed));
                match self.is_manifest_there(repository, needed).await {
                    Ok(true) => {
                        promises.push(promise);
                        continue;
                    }
                    Ok(false) => {}
                    Err(error) => return outcome(Err(error)),
                }
            }
            for blob in &Universe::get().manifests[needed].blobs {
                let promise = self.shared.promise(repository, Thing::Blob(*blob));
                if let Err(error) = self.bring_blob(repository, *blob).await {
                    return outcome(Err(error));
                }
                promises.push(promise);
            }
            let promise = self.shared.promise(repository, Thing::Manifest(needed));
            match self.put_manifest(repository, needed, is_last && self.below(3) > 0).await {
                Ok(()) => promises.push(promise),
                Err(error) => return self.judge(&error, &promises),
            }
        }
        Outcome::Fine
    }

    async fn is_manifest_there(&self, repository: usize, manifest: usize) -> Answered<bool> {
        let universe = Universe::get();
        let reference = universe.by_digest(manifest);
        let name = &universe.repositories[repository];
        match self.pull.manifest_head(name, &reference, Asker::MayPush).await {
            Ok(_) => Ok(true),
            Err(RegistryError::ManifestUnknown { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn bring_blob(&self, repository: usize, blob: usize) -> Answered<()> {
        match self.below(8) {
            0 => return self.upload(repository, blob).await,
            1 => match self.mount(repository, blob).await? {
                Mounted::Done => return Ok(()),
                Mounted::NotThere => {}
            },
            _ if self.is_blob_there(repository, blob).await? => return Ok(()),
            _ => {}
        }
        self.upload(repository, blob).await
    }

    async fn is_blob_there(&self, repository: usize, blob: usize) -> Answered<bool> {
        let universe = Universe::get();
        let (name, digest) = (&universe.repositories[repository], &universe.blobs[blob].digest);
        match self.pull.blob_size(name, digest, Asker::MayPush).await {
            Ok(_) => Ok(true),
            Err(RegistryError::BlobUnknown { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_manifest(&self, repository: usize, manifest: usize, by_tag: bool) -> Answered<()> {
        let universe = Universe::get();
        let tag = universe.tags[self.below(universe.tags.len())].clone();
        let reference = if by_tag { Reference::Tag(tag) } else { universe.by_digest(manifest) };
        let push = ManifestPush {
            repository: &universe.repositories[repository],
            reference: &reference,
            tags: Vec::new(),
            content_type: None,
            bytes: universe.manifests[manifest].bytes.clone(),
        };
        self.push.push_manifest(push).await.map(|_| ())
    }

    /// Whether a push was refused for something that is owed to the client.
    fn judge(&self, error: &RegistryError, promises: &[Promise]) -> Outcome {
        let RegistryError::ChildrenMissing { missing } = error else { return outcome_of(error) };
        let universe = Universe::get();
        let grace_ms = self.push.settings().grace_ms;
        for child in missing {
            let is_of = |promise: &&Promise| match promise.thing {
                Thing::Blob(blob) => !child.is_manifest && universe.blobs[blob].digest == child.digest,
                Thing::Manifest(manifest) => {
                    child.is_manifest && universe.manifests[manifest].digest == child.digest
                }
            };
            let owed = promises.iter().filter(is_of).find(|promise| self.shared.is_owed(promise, grace_ms));
            if let Some(promise) = owed {
                let (repository, thing) = (&universe.repositories[promise.repository], promise.thing);
                return Outcome::Wrong(format!(
                    "a broken promise: {repository} had {thing:?}, and within the grace a push was told that it has not"
                ));
            }
        }
        Outcome::Fine
    }

    /// What is read is what was pushed.
    async fn pull(&self, repository: usize) -> Outcome {
        let universe = Universe::get();
        let name = &universe.repositories[repository];
        let reference = Reference::Tag(universe.tags[self.below(universe.tags.len())].clone());
        let began = self.shared.clock.now();
        let pulled = match self.pull.manifest(name, &reference).await {
            Ok(pulled) => pulled,
            Err(error) => return outcome_of(&error),
        };
        let Some(manifest) = universe.manifests.iter().find(|m| m.digest == pulled.head.digest) else {
            return Outcome::Wrong(format!("{reference} of {name} is {}", pulled.head.digest));
        };
        for blob in &manifest.blobs {
            match self.pull.blob(name, &universe.blobs[*blob].digest, |_| Ok(None)).await {
                // A reader that sleeps for longer than an object stays in the trash finds it gone.
                Err(RegistryError::Storage(PortError::Corrupt(_)))
                    if self.shared.clock.now().since_ms(began) >= self.push.settings().times().trash_ms => {}
                Ok(_) => {}
                Err(error) => return outcome_of(&error),
            }
        }
        Outcome::Fine
    }

    async fn delete_tag(&self, repository: usize) -> Answered<()> {
        let universe = Universe::get();
        let tag = &universe.tags[self.below(universe.tags.len())];
        self.push.delete_tag(&universe.repositories[repository], tag).await
    }

    async fn delete_manifest(&self, repository: usize, manifest: usize) -> Answered<()> {
        let universe = Universe::get();
        let _deleting = self.shared.deleting(repository, Thing::Manifest(manifest));
        let digest = &universe.manifests[manifest].digest;
        self.push.delete_manifest(&universe.repositories[repository], digest).await
    }

    async fn delete_blob(&self, repository: usize, blob: usize) -> Answered<()> {
        let universe = Universe::get();
        let _deleting = self.shared.deleting(repository, Thing::Blob(blob));
        self.push.delete_blob(&universe.repositories[repository], &universe.blobs[blob].digest).await
    }

    async fn restore(&self, repository: usize, manifest: usize) -> Answered<()> {
        let universe = Universe::get();
        let digest = &universe.manifests[manifest].digest;
        match self.push.restore_manifest(&universe.repositories[repository], digest).await {
            // Restored, and in the bin again before it had its tags.
            Err(RegistryError::Contended) => Ok(()),
            answered => answered.map(|_| ()),
        }
    }
}

/// A manifest with all the manifests that it needs, those first.
fn needed(manifest: usize) -> Vec<usize> {
    let manifests = &Universe::get().manifests;
    let mut needed = vec![manifest];
    let mut at = 0;
    while at < needed.len() {
        needed.extend(&manifests[needed[at]].children);
        at += 1;
    }
    // Children have smaller numbers.
    needed.sort_unstable();
    needed.dedup();
    needed
}

fn outcome(done: Answered<()>) -> Outcome {
    done.map_or_else(|error| outcome_of(&error), |()| Outcome::Fine)
}

/// A refusal is an answer; a registry that says that it is damaged, or that others are always faster, is not.
fn outcome_of(error: &RegistryError) -> Outcome {
    match error {
        RegistryError::BodyBroken(_) => Outcome::MustSendAgain,
        RegistryError::Contended => Outcome::Wrong("others were faster 64 times".to_owned()),
        RegistryError::Storage(error) => storage_failed(error),
        _ => Outcome::Fine,
    }
}

/// Only what was injected.
pub fn storage_failed(error: &PortError) -> Outcome {
    match error {
        PortError::Unavailable(why) if why.starts_with("injected") => Outcome::Fine,
        error => Outcome::Wrong(error.to_string()),
    }
}

fn body(bytes: Bytes) -> ByteStream {
    Box::pin(futures_util::stream::iter([Ok(bytes)]))
}
