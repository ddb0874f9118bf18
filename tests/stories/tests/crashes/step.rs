//! One request of the story, and what is so once it was answered.

use std::collections::BTreeSet;

use bytes::Bytes;
use moorage_stories::Content;

/// Something that can be looked at from outside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Thing {
    /// What a GET of this path answers; `{chunked}` is the Location of the upload of that name.
    At(String),
    /// Whether the list at this path has this entry.
    Entry { list: String, entry: String },
}

/// What is seen of it: the name of the content that came, the `Range` of an upload, `listed`, or a status.
pub(crate) type Look = String;

impl Thing {
    /// The upload that it is the state of.
    pub(crate) fn upload(&self) -> Option<&str> {
        let Self::At(path) = self else { return None };
        path.strip_prefix('{')?.strip_suffix('}')
    }

    /// Before anybody asked for it.
    pub(crate) fn at_first(&self) -> Look {
        match self {
            Self::At(_) => "404",
            Self::Entry { .. } => "not listed",
        }
        .to_owned()
    }
}

/// What a thing may look like.
pub(crate) type Looks = BTreeSet<Look>;

pub(crate) struct Step {
    /// `PUT /v2/app/manifests/v1`; an upload's Location as in [`Thing::At`].
    pub(crate) line: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// What it is answered.
    pub(crate) status: u16,
    /// What it may be answered beside that by whoever asks again, not knowing how it ended.
    pub(crate) again: &'static [u16],
    /// The upload that it opens.
    pub(crate) opens: Option<&'static str>,
    /// What is so once it was answered.
    pub(crate) makes: Vec<(Thing, Looks)>,
    /// Steps of one moment are asked all at once.
    pub(crate) moment: usize,
}

impl Step {
    pub(crate) fn new(line: impl Into<String>, status: u16) -> Self {
        Self {
            line: line.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            status,
            again: &[],
            opens: None,
            makes: Vec::new(),
            moment: 0,
        }
    }

    pub(crate) fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = bytes.into();
        self
    }

    pub(crate) fn manifest(self, manifest: &Content) -> Self {
        self.header("content-type", &manifest.media_type).body(manifest)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn again(mut self, statuses: &'static [u16]) -> Self {
        self.again = statuses;
        self
    }

    pub(crate) fn opens(mut self, upload: &'static str) -> Self {
        self.opens = Some(upload);
        self
    }

    pub(crate) fn makes(mut self, path: impl Into<String>, look: &str) -> Self {
        self.makes.push((Thing::At(path.into()), Looks::from([look.to_owned()])));
        self
    }

    /// Either may be seen.
    pub(crate) fn makes_either<const N: usize>(mut self, path: impl Into<String>, looks: [&str; N]) -> Self {
        self.makes.push((Thing::At(path.into()), looks.map(str::to_owned).into()));
        self
    }

    pub(crate) fn lists(self, list: impl Into<String>, entry: &str) -> Self {
        self.entry(list.into(), entry, "listed")
    }

    pub(crate) fn unlists(self, list: impl Into<String>, entry: &str) -> Self {
        self.entry(list.into(), entry, "not listed")
    }

    fn entry(mut self, list: String, entry: &str, look: &str) -> Self {
        let thing = Thing::Entry { list, entry: entry.to_owned() };
        self.makes.push((thing, Looks::from([look.to_owned()])));
        self
    }
}
