//! What the story pushes.

#![expect(clippy::disallowed_methods, reason = "`json!` unwraps what cannot fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use moorage_ports::contract::Memory;
use moorage_ports::testing_context::TestContext;
use moorage_stories::{Client, Content};
use serde_json::json;

use crate::start::registry_on_memory;

/// Bytes of the blobs: in the database, and as files.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) small: usize,
    pub(crate) large: usize,
    /// The chunks of one upload; the last comes with its closing request.
    pub(crate) chunks: [usize; 3],
    /// Of annotations that make a manifest too long for an item.
    pub(crate) long: usize,
}

/// Up to 16 KiB lie in the database.
pub(crate) const ON_DISK: Sizes =
    Sizes { small: 4096, large: 1536 * 1024, chunks: [6_000, 100_000, 10_000], long: 390 * 1024 };

/// Where nothing turns on a blob's size.
pub(crate) const IN_MEMORY: Sizes = Sizes { small: 40, large: 400, chunks: [30, 20, 10], long: 390 };

/// The images, and their layers.
const IMAGES: [(&str, &[&str]); 4] = [
    ("image", &["empty", "large", "chunked"]),
    ("second", &["whole"]),
    ("copy", &["large"]),
    ("early", &["late"]),
];

/// What the index has.
const ENTRIES: [&str; 2] = ["image", "second"];

/// Blobs and manifests by name.
pub(crate) struct Contents {
    /// Knows their names.
    client: Client,
    named: BTreeMap<&'static str, Content>,
}

impl Contents {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let nowhere = registry_on_memory(&Arc::new(Memory::default()), &TestContext::new(0));
        let mut contents = Self { client: Client::new(nowhere), named: BTreeMap::new() };
        contents.make_blobs(sizes);
        contents.make_manifests(sizes);
        contents
    }

    fn make_blobs(&mut self, sizes: Sizes) {
        let chunked = sizes.chunks.iter().sum();
        let some = sizes.small;
        let blobs = [
            ("empty", 0),
            ("small", some),
            ("large", sizes.large),
            ("whole", some * 5),
            ("chunked", chunked),
            ("spare", some + 1),
            ("late", some + 2),
            ("unfinished", some * 4),
            ("given-up", some * 3),
        ];
        for (name, size) in blobs {
            self.named.insert(name, self.client.blob_of(name, pattern(size)));
        }
    }

    fn make_manifests(&mut self, sizes: Sizes) {
        for (name, layers) in IMAGES {
            let layers: Vec<&Content> = layers.iter().map(|layer| self.get(layer)).collect();
            self.named.insert(name, self.client.image(name, self.get("small"), &layers));
        }
        let (client, image) = (&self.client, self.get("image"));
        let manifests = [
            ("index", client.index("index", &ENTRIES.map(|entry| self.get(entry)))),
            ("signature", client.referrer("signature", "application/vnd.signature", image)),
            ("passing", client.bare("passing")),
            ("long", client.bare_with("long", json!({ "annotations": { "text": "x".repeat(sizes.long) } }))),
        ];
        self.named.extend(manifests);
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn get(&self, name: &str) -> &Content {
        &self.named[name]
    }

    /// The name of the content with these bytes.
    pub(crate) fn name_of(&self, bytes: &[u8]) -> Option<&'static str> {
        self.named.iter().find(|(_, content)| content.bytes == bytes).map(|(name, _)| *name)
    }

    /// A path with digests for names.
    pub(crate) fn fill(&self, path: &str) -> String {
        let Some((before, rest)) = path.split_once('<') else { return path.to_owned() };
        let (name, after) = rest.split_once('>').expect("a name ends");
        format!("{before}{}{after}", self.get(name).digest)
    }

    /// What a manifest needs: `blobs` or `manifests`, and a name.
    pub(crate) fn children(name: &str) -> Vec<(&'static str, &'static str)> {
        if name == "index" {
            return ENTRIES.map(|entry| ("manifests", entry)).to_vec();
        }
        let Some((_, layers)) = IMAGES.iter().find(|(image, _)| *image == name) else { return Vec::new() };
        ["small"].iter().chain(*layers).map(|blob| ("blobs", *blob)).collect()
    }
}

/// Bytes that differ from their neighbours, and from those of other sizes.
fn pattern(size: usize) -> Vec<u8> {
    const PERIOD: usize = 251;
    let once: Vec<u8> = (0..PERIOD).map(|i| ((i * 31 + size) % PERIOD) as u8).collect();
    let mut bytes = once.repeat(size.div_ceil(PERIOD));
    bytes.truncate(size);
    bytes
}
