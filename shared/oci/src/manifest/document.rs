//! The fields of a manifest that a registry reads, each as it was found: right, missing, or wrong. What is
//! wrong is kept as the error it would be, because only the media type, which may come last, says which
//! fields count.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{MapAccess, SeqAccess};

use super::{InvalidManifest, REMOTE_ANNOTATION};
use crate::json::{Fields, Leaf, Path, Read, Scalar, Skip, next_item};
use crate::{Descriptor, Digest, media_type};

/// A size is an `int64` (image-spec descriptor.md), and Go clients cannot read a greater one.
const SIZE_BYTES_MAX: u64 = i64::MAX as u64;

type Text<'a> = Cow<'a, str>;

#[derive(Debug)]
pub(super) struct Document<'a> {
    schema_version: Option<u64>,
    has_fs_layers: bool,
    pub(super) media_type: Result<Option<Text<'a>>, InvalidManifest>,
    pub(super) artifact_type: Result<Option<Text<'a>>, InvalidManifest>,
    pub(super) config: Result<Option<Config<'a>>, InvalidManifest>,
    pub(super) layers: Listed<Named<'a>>,
    pub(super) blobs: Listed<Named<'a>>,
    pub(super) manifests: Listed<Named<'a>>,
    pub(super) subject: Result<Option<Named<'a>>, InvalidManifest>,
    pub(super) annotations: Listed<(Text<'a>, Text<'a>)>,
}

impl Document<'_> {
    /// Docker's schema 1, by its shape: its media type is often `application/json`.
    pub(super) fn is_schema1(&self) -> bool {
        self.schema_version == Some(1) && self.has_fs_layers
    }
}

/// A well-formed descriptor.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) media_type: Option<Text<'a>>,
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) urls: Vec<String>,
    artifact_type: Option<Text<'a>>,
    annotations: Vec<(Text<'a>, Text<'a>)>,
    remote: bool,
}

impl Named<'_> {
    pub(super) fn is_remote(&self) -> bool {
        self.remote || self.annotations.iter().any(|(key, value)| key == REMOTE_ANNOTATION && value == "true")
    }

    pub(super) fn into_descriptor(self) -> Descriptor {
        let annotations: BTreeMap<_, _> =
            self.annotations.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Descriptor {
            artifact_type: self.artifact_type.map(String::from),
            annotations,
            urls: self.urls,
            ..Descriptor::new(self.media_type.map(String::from).unwrap_or_default(), self.digest, self.size)
        }
    }
}

/// A config that is there: a whole descriptor, or only its type.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) media_type: Option<Text<'a>>,
    pub(super) named: Option<Named<'a>>,
}

impl Config<'_> {
    /// Neither without digest nor the empty descriptor.
    pub(super) fn is_there(&self) -> bool {
        self.named.is_some() && self.media_type.as_deref() != Some(media_type::OCI_EMPTY)
    }
}

/// The well-formed members of a list or an object, and what was wrong first with the others.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) found: Vec<T>,
    flaw: Option<InvalidManifest>,
    /// Not left out, and not null.
    pub(super) present: bool,
    /// How many members it has, well formed or not.
    pub(super) count: usize,
}

impl<T> Listed<T> {
    fn none() -> Listed<T> {
        Listed { found: Vec::new(), flaw: None, present: false, count: 0 }
    }

    fn wrong(flaw: InvalidManifest) -> Listed<T> {
        Listed { found: Vec::new(), flaw: Some(flaw), present: true, count: 0 }
    }

    fn empty() -> Listed<T> {
        Listed { present: true, ..Listed::none() }
    }

    fn add(&mut self, member: Result<T, InvalidManifest>) {
        match member {
            Ok(member) => self.found.push(member),
            Err(flaw) => {
                self.flaw.get_or_insert(flaw);
            }
        }
    }

    /// All of it, or what was wrong.
    pub(super) fn whole(self) -> Result<Vec<T>, InvalidManifest> {
        match self.flaw {
            None => Ok(self.found),
            Some(flaw) => Err(flaw),
        }
    }
}

/// Reads the document; the outer result of [`json::read`](crate::json::read) is about JSON, the inner one
/// about its being an object.
pub(super) struct Whole;

impl<'a> Read<'a> for Whole {
    type Out = Result<Document<'a>, InvalidManifest>;

    fn leaf(self, _: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        Err(InvalidManifest::NotAnObject { found: shape(&leaf) })
    }

    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        let mut document = Document {
            schema_version: None,
            has_fs_layers: false,
            media_type: Ok(None),
            artifact_type: Ok(None),
            config: Ok(None),
            layers: Listed::none(),
            blobs: Listed::none(),
            manifests: Listed::none(),
            subject: Ok(None),
            annotations: Listed::none(),
        };
        let mut fields = Fields::new(at, fields);
        while let Some(key) = fields.key()? {
            match &*key {
                "schemaVersion" => {
                    if let Leaf::Whole(version) = fields.value(&key, Scalar)? {
                        document.schema_version = Some(version);
                    }
                }
                "fsLayers" => document.has_fs_layers = fields.value(&key, Scalar)? == Leaf::List,
                "mediaType" => document.media_type = fields.value(&key, Name)?,
                "artifactType" => document.artifact_type = fields.value(&key, Name)?,
                "config" => document.config = fields.value(&key, ConfigOrNone)?,
                "layers" => document.layers = fields.value(&key, Descriptors)?,
                "blobs" => document.blobs = fields.value(&key, Descriptors)?,
                "manifests" => document.manifests = fields.value(&key, Descriptors)?,
                "subject" => document.subject = fields.value(&key, Subject)?,
                "annotations" => document.annotations = fields.value(&key, Annotations)?,
                _ => fields.value(&key, Skip)?,
            }
        }
        Ok(Ok(document))
    }
}

/// A string, or null.
struct Words;

impl<'a> Read<'a> for Words {
    type Out = Result<Option<Text<'a>>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Ok(None),
            Leaf::Text(text) => Ok(Some(text)),
            other => Err(wrong_shape(at, &other, "a string")),
        }
    }
}

/// A string that says something, or null, or an empty one, which says nothing.
struct Name;

impl<'a> Read<'a> for Name {
    type Out = Result<Option<Text<'a>>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        Ok(Words.leaf(at, leaf)?.filter(|text| !text.is_empty()))
    }
}

struct DigestText;

impl<'a> Read<'a> for DigestText {
    type Out = Result<Option<Digest>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        let Some(text) = Name.leaf(at, leaf)? else { return Ok(None) };
        text.parse().map(Some).map_err(|source| InvalidManifest::digest(&at.pointer(), source))
    }
}

struct Size;

impl<'a> Read<'a> for Size {
    type Out = Result<Option<u64>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Ok(None),
            Leaf::Whole(bytes @ ..=SIZE_BYTES_MAX) => Ok(Some(bytes)),
            Leaf::Whole(_) | Leaf::OtherNumber => Err(flaw(at, || {
                format!("is no size: write the number of bytes, whole and from 0 to {SIZE_BYTES_MAX}")
            })),
            other => Err(wrong_shape(at, &other, "a number of bytes")),
        }
    }
}

struct Urls;

impl<'a> Read<'a> for Urls {
    type Out = Listed<String>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Listed<String> {
        match leaf {
            Leaf::Null => Listed::none(),
            other => Listed::wrong(wrong_shape(at, &other, "a list of strings")),
        }
    }

    fn list<A: SeqAccess<'a>>(self, at: &Path<'_>, mut items: A) -> Result<Listed<String>, A::Error> {
        let mut urls = Listed::empty();
        while let Some(url) = next_item(&mut items, at, &mut urls.count, Words)? {
            if let Some(url) = url.transpose() {
                urls.add(url.map(String::from));
            }
        }
        Ok(urls)
    }
}

struct Annotations;

impl<'a> Read<'a> for Annotations {
    type Out = Listed<(Text<'a>, Text<'a>)>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Listed::none(),
            other => Listed::wrong(wrong_shape(at, &other, "an object of strings")),
        }
    }

    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        let mut annotations = Listed::empty();
        let mut fields = Fields::new(at, fields);
        while let Some(key) = fields.key()? {
            annotations.count += 1;
            if let Some(value) = fields.value(&key, Words)?.transpose() {
                annotations.add(value.map(|value| (key, value)));
            }
        }
        Ok(annotations)
    }
}

/// A list of descriptors.
struct Descriptors;

impl<'a> Read<'a> for Descriptors {
    type Out = Listed<Named<'a>>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Listed::none(),
            other => Listed::wrong(wrong_shape(at, &other, "a list of descriptors")),
        }
    }

    fn list<A: SeqAccess<'a>>(self, at: &Path<'_>, mut items: A) -> Result<Self::Out, A::Error> {
        let mut descriptors = Listed::empty();
        let quiet = at.quiet();
        let mut at = at;
        while let Some(named) = next_item(&mut items, at, &mut descriptors.count, Member)? {
            descriptors.add(named);
            if descriptors.flaw.is_some() {
                at = &quiet;
            }
        }
        Ok(descriptors)
    }
}

/// A descriptor with a digest.
struct Member;

impl<'a> Read<'a> for Member {
    type Out = Result<Named<'a>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        Err(wrong_shape(at, &leaf, "a descriptor, an object"))
    }

    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        Ok(descriptor(at, fields)?.and_then(|found| found.named.ok_or_else(|| missing(at, "digest"))))
    }
}

struct Subject;

impl<'a> Read<'a> for Subject {
    type Out = Result<Option<Named<'a>>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Ok(None),
            other => Member.leaf(at, other).map(Some),
        }
    }

    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        Ok(Member.object(at, fields)?.map(Some))
    }
}

/// A config, which may lack its digest, and is none without a type too.
struct ConfigOrNone;

impl<'a> Read<'a> for ConfigOrNone {
    type Out = Result<Option<Config<'a>>, InvalidManifest>;

    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out {
        match leaf {
            Leaf::Null => Ok(None),
            other => Err(wrong_shape(at, &other, "a descriptor, an object")),
        }
    }

    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        let config = descriptor(at, fields)?;
        Ok(config.map(|config| {
            Some(config).filter(|config| config.named.is_some() || config.media_type.is_some())
        }))
    }
}

/// Reads a descriptor that may lack its digest. Fields that mean nothing to a registry are walked only.
fn descriptor<'a, A: MapAccess<'a>>(
    at: &Path<'_>,
    fields: A,
) -> Result<Result<Config<'a>, InvalidManifest>, A::Error> {
    let mut media_type = Ok(None);
    let mut digest = Ok(None);
    let mut size = Ok(None);
    let mut urls = Listed::none();
    let mut artifact_type = Ok(None);
    let mut annotations = Listed::none();
    let mut remote = false;
    let mut fields = Fields::new(at, fields);
    while let Some(key) = fields.key()? {
        match &*key {
            "mediaType" => media_type = fields.value(&key, Name)?,
            "digest" => digest = fields.value(&key, DigestText)?,
            "size" => size = fields.value(&key, Size)?,
            "urls" => urls = fields.value(&key, Urls)?,
            "artifactType" => artifact_type = fields.value(&key, Name)?,
            "annotations" => annotations = fields.value(&key, Annotations)?,
            "remote" => remote = fields.value(&key, Scalar)? == Leaf::Bool(true),
            _ => fields.value(&key, Skip)?,
        }
    }
    let found = || {
        let media_type = media_type?;
        let (artifact_type, urls, annotations) = (artifact_type?, urls.whole()?, annotations.whole()?);
        let named = match (digest?, size?) {
            (None, _) => None,
            (Some(_), None) => return Err(missing(at, "size")),
            (Some(digest), Some(size)) => {
                let media_type = media_type.clone();
                Some(Named { media_type, digest, size, urls, artifact_type, annotations, remote })
            }
        };
        Ok(Config { media_type, named })
    };
    Ok(found())
}

fn missing(at: &Path<'_>, field: &str) -> InvalidManifest {
    flaw(at, || format!("has no `{field}`: a descriptor has `mediaType`, `digest` and `size`"))
}

fn wrong_shape(at: &Path<'_>, found: &Leaf<'_>, wanted: &str) -> InvalidManifest {
    flaw(at, || format!("is {}: it must be {wanted}", shape(found)))
}

fn flaw(at: &Path<'_>, problem: impl FnOnce() -> String) -> InvalidManifest {
    if at.is_quiet() {
        return InvalidManifest::Field { pointer: String::new(), problem: String::new() };
    }
    InvalidManifest::field(&at.pointer(), problem())
}

fn shape(leaf: &Leaf<'_>) -> &'static str {
    match leaf {
        Leaf::Null => "null",
        Leaf::Bool(_) => "true or false",
        Leaf::Whole(_) | Leaf::OtherNumber => "a number",
        Leaf::Text(_) => "a string",
        Leaf::List => "a list",
        Leaf::Object => "an object",
    }
}
