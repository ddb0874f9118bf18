//! A manifest, as far as a registry needs to understand one.

mod document;
mod invalid;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::edge::Edges;
use crate::{Descriptor, Digest, Edge, Need, Target, json, media_type};
use document::{Document, Named};
pub use invalid::InvalidManifest;

/// Makes an entry of an index remote when it is `"true"`; so does the field `"remote": true`.
pub const REMOTE_ANNOTATION: &str = "dev.moorage.remote";
/// How CNAB says what an index is (cnab-to-oci), from before `artifactType`.
const CNAB_TYPE_ANNOTATION: &str = "org.opencontainers.artifactType";

/// What a document says of itself and of others. The bytes are not in here: they are kept as they came.
///
/// Parsing refuses what could be read in two ways or cannot be followed, and nothing else: unknown types,
/// fields and annotations pass (image-spec: implementations MUST NOT error on them). `schemaVersion` is
/// not looked at but to tell Docker's schema 1, nor are `platform` and `data`. `null` is the same as a
/// field left out, everywhere; so is an empty string as a media type or artifact type, and as the digest
/// of a config, because that is what Go programs write for one left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    media_type: String,
    kind: Kind,
    artifact_type: Option<String>,
    config_media_type: Option<String>,
    has_config: bool,
    edges: Vec<Edge>,
    subject: Option<Descriptor>,
    annotations: BTreeMap<String, String>,
}

/// Which fields of a document count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// OCI image manifest, Docker manifest version 2 schema 2: `config`, `layers`.
    Image,
    /// OCI image index, Docker manifest list: `manifests`, and a `config` (design, section 6).
    Index,
    /// The retired artifact manifest: `blobs`.
    Artifact,
    /// Any other type: all four, as far as they are well formed; what is not is no error.
    Unknown,
}

impl Kind {
    pub fn of(media_type: &str) -> Kind {
        match media_type {
            media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST => Kind::Image,
            media_type::OCI_INDEX | media_type::DOCKER_MANIFEST_LIST => Kind::Index,
            media_type::OCI_ARTIFACT_MANIFEST | media_type::ORAS_ARTIFACT_MANIFEST => Kind::Artifact,
            _ => Kind::Unknown,
        }
    }
}

impl Manifest {
    /// Reads a manifest that was pushed with this `Content-Type` (parameters are ignored, empty counts as
    /// none).
    ///
    /// A byte order mark is skipped. The media type is the body's `mediaType`, with which the header must
    /// agree; else the header; else it follows from the shape (`manifests`: OCI index; `config` or
    /// `layers`: OCI image manifest).
    ///
    /// # Errors
    /// See [`InvalidManifest`]; each names the place as a JSON pointer.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Manifest, InvalidManifest> {
        let text = str::from_utf8(bytes)
            .map_err(|error| InvalidManifest::NotUtf8 { offset_bytes: error.valid_up_to() })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document = json::read(text, document::Whole)??;

        let media_type = media_type_of(&document, content_type)?;
        match Kind::of(&media_type) {
            Kind::Unknown => Ok(Manifest::leniently(media_type, document)),
            kind => Manifest::strictly(media_type, kind, document),
        }
    }

    /// Of a type we know: every field that counts must be right.
    fn strictly(media_type: String, kind: Kind, document: Document<'_>) -> Result<Manifest, InvalidManifest> {
        // A document that one client reads as an image and another as an index (CVE-2021-41190).
        let foreign = match kind {
            Kind::Image => ("manifests", document.manifests.count),
            Kind::Index => ("layers", document.layers.count),
            Kind::Artifact | Kind::Unknown => ("", 0),
        };
        if let (field, 1..) = foreign {
            return Err(InvalidManifest::Ambiguous { media_type, field });
        }

        let artifact_type = document.artifact_type?;
        let mut edges = Edges::default();
        let mut config_media_type = None;
        let mut has_config = false;
        if matches!(kind, Kind::Image | Kind::Index) {
            let config = document.config?;
            if kind == Kind::Image && artifact_type.is_none() && config.is_none() {
                let problem =
                    "is missing: an image manifest has a `config`, or an `artifactType` in its place";
                return Err(InvalidManifest::field("/config", problem));
            }
            if let Some(config) = config {
                has_config = config.is_there();
                config_media_type = config.media_type.map(String::from);
                edges.extend(config.named, blob);
            }
        }
        match kind {
            Kind::Image => edges.extend(document.layers.whole()?, blob),
            Kind::Index => edges.extend(document.manifests.whole()?, entry),
            Kind::Artifact | Kind::Unknown => edges.extend(document.blobs.whole()?, blob),
        }
        let annotations = document.annotations.whole()?;
        Ok(Manifest {
            media_type,
            kind,
            artifact_type: artifact_type.map(String::from),
            config_media_type,
            has_config,
            edges: edges.into_list(),
            subject: document.subject?.map(Named::into_descriptor),
            annotations: annotations.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        })
    }

    /// Of a type we do not know: what looks like a descriptor in its usual place is held, the rest is the
    /// type's own business.
    fn leniently(media_type: String, document: Document<'_>) -> Manifest {
        let mut edges = Edges::default();
        let config = document.config.ok().flatten();
        let config_media_type =
            config.as_ref().and_then(|config| config.media_type.clone()).map(String::from);
        let has_config = config.as_ref().is_some_and(document::Config::is_there);
        edges.extend(config.and_then(|config| config.named), blob);
        edges.extend(document.layers.found, blob);
        edges.extend(document.blobs.found, blob);
        edges.extend(document.manifests.found, entry);
        Manifest {
            media_type,
            kind: Kind::Unknown,
            artifact_type: document.artifact_type.ok().flatten().map(String::from),
            config_media_type,
            has_config,
            edges: edges.into_list(),
            subject: document.subject.ok().flatten().map(Named::into_descriptor),
            annotations: document.annotations.found.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
        }
    }

    /// What the document is to be served as. Well formed by RFC 6838, so it can stand in a header.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All that the document points to but its subject: config first, then layers, blobs and entries, each
    /// in their order, each target and digest once.
    ///
    /// This is the one place that knows; push, restore and collection all ask here. In an index, an entry
    /// is a manifest if its media type [is one](media_type::is_manifest) or is left out, else a blob. The
    /// specification leaves this open ("an encountered `mediaType` that is unknown MUST NOT generate an
    /// error"); clients push such entries as blobs (containerd, oras-go and go-containerregistry choose
    /// the endpoint by media type), and BuildKit's cache indexes list layers.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// What this document is about, if it says: it becomes one of that one's referrers. A weak link, no
    /// edge. Its `platform` and `data` are not kept.
    pub fn subject(&self) -> Option<&Descriptor> {
        self.subject.as_ref()
    }

    /// The type a list of referrers gives it (distribution-spec, "Listing Referrers"): `artifactType`,
    /// else, but for an index, the config's media type.
    pub fn artifact_type(&self) -> Option<&str> {
        match self.kind {
            Kind::Index => self.artifact_type.as_deref(),
            Kind::Image | Kind::Artifact | Kind::Unknown => {
                self.artifact_type.as_deref().or(self.config_media_type.as_deref())
            }
        }
    }

    /// The type that policies and type definitions go by (design, section 6): `artifactType`, else the
    /// config's media type, of an index too, else an index's CNAB annotation. The type of the empty
    /// descriptor comes last of all, since it says nothing.
    pub fn resolved_type(&self) -> Option<&str> {
        let by_config = self.config_media_type.as_deref();
        let by_annotation = || match self.kind {
            Kind::Index => self.annotations.get(CNAB_TYPE_ANNOTATION).map(String::as_str),
            Kind::Image | Kind::Artifact | Kind::Unknown => None,
        };
        self.artifact_type
            .as_deref()
            .or(by_config.filter(|config| *config != media_type::OCI_EMPTY))
            .or_else(|| by_annotation().filter(|annotated| !annotated.is_empty()))
            .or(by_config)
    }

    /// The config's media type, also where the config itself is left out.
    pub fn config_media_type(&self) -> Option<&str> {
        self.config_media_type.as_deref()
    }

    /// Whether there is a config with content, in the sense of the rules of types: not the empty
    /// descriptor, not one without digest, not none. Says nothing about edges: the blob of the empty
    /// descriptor is one.
    pub fn has_config(&self) -> bool {
        self.has_config
    }

    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// How a list of referrers describes this document, whose bytes have this digest and size in bytes:
    /// with its artifact type and all its annotations.
    pub fn referrer_descriptor(&self, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            artifact_type: self.artifact_type().map(str::to_owned),
            annotations: self.annotations.clone(),
            ..Descriptor::new(self.media_type.clone(), digest, size)
        }
    }
}

impl Edges {
    fn extend<'a>(&mut self, named: impl IntoIterator<Item = Named<'a>>, edge: fn(Named<'a>) -> Edge) {
        named.into_iter().for_each(|named| self.add(edge(named)));
    }
}

/// The edge to a config, layer or blob.
fn blob(named: Named<'_>) -> Edge {
    let foreign = named.media_type.as_deref().is_some_and(media_type::is_foreign_layer);
    let need = if foreign { Need::Optional } else { Need::Required };
    Edge { digest: named.digest, size: named.size, target: Target::Blob, need, urls: named.urls }
}

/// The edge to an entry of an index.
fn entry(named: Named<'_>) -> Edge {
    let remote = named.is_remote();
    let is_manifest = named.media_type.as_deref().is_none_or(media_type::is_manifest);
    let mut edge = blob(named);
    if is_manifest {
        edge.target = Target::Manifest;
    }
    if remote {
        edge.need = Need::Remote;
    }
    edge
}

fn media_type_of(document: &Document<'_>, content_type: Option<&str>) -> Result<String, InvalidManifest> {
    let header = content_type.map(media_type::essence).filter(|header| !header.is_empty());
    let body = document.media_type.as_ref().map_err(Clone::clone)?.as_deref();

    let schema1 =
        |media_type| matches!(media_type, media_type::DOCKER_SCHEMA1 | media_type::DOCKER_SCHEMA1_SIGNED);
    if header.is_some_and(schema1) || body.is_some_and(schema1) || document.is_schema1() {
        return Err(InvalidManifest::Schema1);
    }
    if let Some(body) = body
        && !media_type::is_well_formed(body)
    {
        return Err(InvalidManifest::bad_media_type("/mediaType", body));
    }
    match (body, header) {
        (Some(body), Some(header)) if !body.eq_ignore_ascii_case(header) => {
            Err(InvalidManifest::media_types_differ(body, header))
        }
        (Some(body), _) => Ok(body.to_owned()),
        (None, Some(header)) if media_type::is_well_formed(header) => Ok(header.to_owned()),
        (None, Some(header)) => Err(InvalidManifest::bad_content_type(header)),
        (None, None) => by_shape(document).map(str::to_owned),
    }
}

fn by_shape(document: &Document<'_>) -> Result<&'static str, InvalidManifest> {
    let has_config = !matches!(document.config, Ok(None));
    match (document.manifests.present, document.layers.present) {
        (true, true) => {
            Err(InvalidManifest::Ambiguous { media_type: media_type::OCI_INDEX.into(), field: "layers" })
        }
        (true, false) => Ok(media_type::OCI_INDEX),
        (false, true) => Ok(media_type::OCI_MANIFEST),
        (false, false) if has_config => Ok(media_type::OCI_MANIFEST),
        (false, false) => Err(InvalidManifest::NoMediaType),
    }
}
