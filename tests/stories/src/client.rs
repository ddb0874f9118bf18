//! A client of the registry in a story; cheap to clone, so that several can ask at once.

use moorage_http::Registry;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::content::Content;
use crate::names::Names;

#[derive(Clone)]
pub struct Client {
    pub(crate) registry: Registry,
    pub(crate) names: Names,
}

impl Client {
    /// A client that knows no contents yet.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self { registry, names: Names::default() }
    }

    /// One that knows the same contents, and asks another registry.
    #[must_use]
    pub fn of(&self, registry: Registry) -> Self {
        Self { registry, names: self.names.clone() }
    }

    /// A request: `GET /v2/app/blobs/<layer>`.
    pub fn ask(&self, line: impl AsRef<str>) -> Ask {
        Ask::new(self.clone(), line.as_ref())
    }

    /// A path with digests for names, as the registry writes it.
    #[must_use]
    pub fn filled(&self, text: &str) -> String {
        self.names.fill(text)
    }

    /// A text of the registry, as pictures have it.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        self.names.show(text)
    }

    /// Opens an upload and answers its Location.
    pub async fn opened(&self, repository: &str) -> String {
        let answer = self.ask(format!("POST /v2/{repository}/blobs/uploads/")).await;
        answer.is(202).header("location").to_owned()
    }

    /// Pushes blobs, each in one request.
    pub async fn push_blobs(&self, repository: &str, blobs: &[&Content]) {
        for blob in blobs {
            let line = format!("POST /v2/{repository}/blobs/uploads/?digest={}", blob.digest);
            self.ask(line).body(*blob).await.is(201);
        }
    }

    /// Pushes a manifest whose children are there.
    pub async fn push(&self, repository: &str, reference: &str, manifest: &Content) -> Answer {
        let answer = self.ask(format!("PUT /v2/{repository}/manifests/{reference}")).manifest(manifest).await;
        answer.is(201);
        answer
    }

    /// Pushes a manifest by its digest.
    pub async fn push_untagged(&self, repository: &str, manifest: &Content) -> Answer {
        self.push(repository, manifest.digest.as_str(), manifest).await
    }

    /// Pushes an image of one layer, with its blobs: `<config>`, `<layer>` and `<image>`.
    pub async fn push_image(&self, repository: &str, tag: &str) -> Content {
        let (config, layer) = (self.blob("config"), self.blob("layer"));
        let image = self.image("image", &config, &[&layer]);
        self.push_blobs(repository, &[&config, &layer]).await;
        self.push(repository, tag, &image).await;
        image
    }
}
