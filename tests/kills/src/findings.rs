//! What was found to be wrong.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    LostBlob,
    LostManifest,
    WrongTag,
    UndoneDelete,
    WrongBytes,
    LostUpload,
    StuckUpload,
    UndoneCancel,
    WrongReferrers,
    WrongList,
    HalfDone,
    ServerError,
    Refused,
    Broken,
    WrongExit,
    LeftOver,
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    /// Repository and name, or the request.
    pub what: String,
    pub why: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::LostBlob => "a blob is lost",
            Self::LostManifest => "a manifest is lost",
            Self::WrongTag => "a tag is lost or points elsewhere",
            Self::UndoneDelete => "a delete is undone",
            Self::WrongBytes => "wrong bytes",
            Self::LostUpload => "an upload fell back",
            Self::StuckUpload => "an upload whose closing PUT was cut off cannot be gone on with",
            Self::UndoneCancel => "a cancel is undone",
            Self::WrongReferrers => "referrers are not those that are there",
            Self::WrongList => "a list is not what is there",
            Self::HalfDone => "something is half done",
            Self::ServerError => "the server failed",
            Self::Refused => "a good request was refused",
            Self::Broken => "no answer, although nobody killed the server",
            Self::WrongExit => "the server ended, or did not, as it should",
            Self::LeftOver => "files that nobody names",
        })
    }
}

impl Kind {
    /// Whether something that was acknowledged is not there.
    pub fn is_loss(self) -> bool {
        use Kind::{
            LostBlob, LostManifest, LostUpload, UndoneCancel, UndoneDelete, WrongBytes, WrongReferrers,
            WrongTag,
        };
        matches!(
            self,
            LostBlob
                | LostManifest
                | WrongTag
                | UndoneDelete
                | WrongBytes
                | LostUpload
                | UndoneCancel
                | WrongReferrers
        )
    }
}

/// Those of one run, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Findings(Mutex<Vec<Finding>>);

impl Findings {
    pub fn add(&self, kind: Kind, what: impl Into<String>, why: impl Into<String>) {
        self.lock().push(Finding { kind, what: what.into(), why: why.into() });
    }

    pub fn all(&self) -> Vec<Finding> {
        self.lock().clone()
    }

    /// Whether there is one after which the journal may no longer be what is there.
    pub fn is_grave(&self) -> bool {
        self.lock().iter().any(|finding| finding.kind != Kind::StuckUpload)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Finding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.kind, self.what, self.why)
    }
}
