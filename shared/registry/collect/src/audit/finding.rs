//! What an audit finds, in words, and what puts it right.

use std::fmt;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::{Action, Key, ObjectKey, Reviewed};

use crate::reviews::Review;

/// One thing that is not as it should be.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub wrong: Wrong,
    pub remedy: Remedy,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Its holder is not there, or in another life.
    DeadHold(Key),
    /// Nothing holds it, or it is on its way, and no review waits: it would stay as it is for ever.
    Unreviewed(Reviewed),
    /// The bytes that a record says are there are not, or are more or fewer; of a manifest, whose bytes are read: or are
    /// others.
    BytesMissing {
        record: Key,
        object: Option<ObjectKey>,
    },
    /// The object that a record names is in the trash, from where it is deleted.
    InTrash {
        record: Key,
        object: ObjectKey,
    },
    /// What a manifest needs is not there.
    ChildMissing {
        manifest: Key,
        child: Key,
    },
    /// A manifest does not hold what it names: its child may go, or, of a remote entry, nobody is told where it is.
    MissingHold(Key),
    /// A grant without its content, or that names another object.
    ContentMissing(Key),
    /// An object that nobody names, older than any upload that could still name it.
    NamelessObject(ObjectKey),
    /// The same, and the store does not say how old it is.
    NamelessObjectOfUnknownAge(ObjectKey),
    /// An object that was not put there by this registry.
    ForeignObject(ObjectKey),
    /// Points to a manifest that is not there.
    DanglingTag(Key),
    /// A tag without its hold: nothing keeps its manifest.
    UnheldTag(Key),
    StaleReferrer(Key),
    MissingReferrer(Key),
    /// Something of a manifest that is not there any more.
    LeftOver(Key),
    /// A manifest that is there, and that nobody who searches can find: not at all, or not by this.
    Unsearched(Key),
    /// Leads whoever searches to a manifest that is not there, in this life or by this.
    StaleSearch(Key),
}

/// What puts it right.
#[derive(Clone, PartialEq, Debug)]
pub enum Remedy {
    /// Nothing that an audit could do.
    None,
    Ask(Review),
    /// One transaction, which checks that all is as it was seen.
    Write(Vec<Action>),
    /// What is searched of this manifest is written or removed, as its record says by then.
    Search(RepositoryName, Digest),
}

impl Wrong {
    /// One name a kind, for counts and logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DeadHold(_) => "dead hold",
            Self::Unreviewed(_) => "no review",
            Self::BytesMissing { .. } => "bytes missing",
            Self::InTrash { .. } => "in the trash",
            Self::ChildMissing { .. } => "child missing",
            Self::MissingHold(_) => "missing hold",
            Self::ContentMissing(_) => "content missing",
            Self::NamelessObject(_) | Self::NamelessObjectOfUnknownAge(_) => "nameless object",
            Self::ForeignObject(_) => "foreign object",
            Self::DanglingTag(_) => "dangling tag",
            Self::UnheldTag(_) => "unheld tag",
            Self::StaleReferrer(_) => "stale referrer",
            Self::MissingReferrer(_) => "missing referrer",
            Self::LeftOver(_) => "left over",
            Self::Unsearched(_) => "not searched",
            Self::StaleSearch(_) => "stale search",
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        match self {
            Self::DeadHold(key) => write!(f, "{key:?}"),
            Self::Unreviewed(of) => write!(f, "{of}"),
            Self::BytesMissing { record, object: Some(object) } => write!(f, "{record:?} names {object}"),
            Self::BytesMissing { record, object: None } => write!(f, "{record:?} has no body"),
            Self::InTrash { record, object } => write!(f, "{record:?} names {object}"),
            Self::ChildMissing { manifest, child } => write!(f, "{manifest:?} needs {child:?}"),
            Self::NamelessObject(object) | Self::ForeignObject(object) => write!(f, "{object}"),
            Self::NamelessObjectOfUnknownAge(object) => write!(f, "{object}, of unknown age"),
            Self::MissingHold(key)
            | Self::ContentMissing(key)
            | Self::DanglingTag(key)
            | Self::UnheldTag(key)
            | Self::StaleReferrer(key)
            | Self::MissingReferrer(key)
            | Self::LeftOver(key)
            | Self::Unsearched(key)
            | Self::StaleSearch(key) => write!(f, "{key:?}"),
        }
    }
}
