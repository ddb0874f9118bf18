//! What clauses expect of an answer, in a word.

use std::fmt::Debug;

use crate::error::PortError;
use crate::facts::Item;
use crate::table::{Transacted, Written};

/// Answers that a clause counts on.
pub(crate) trait Answered<T> {
    /// The answer, where a store that works has no reason to fail.
    fn answered(self) -> T;
}

impl<T> Answered<T> for Result<T, PortError> {
    #[track_caller]
    fn answered(self) -> T {
        match self {
            Ok(answer) => answer,
            Err(error) => panic!("expected an answer, and the store failed: {error}"),
        }
    }
}

/// Asserts that a call was turned away as a defect of its caller.
#[track_caller]
pub(crate) fn is_misuse<T: Debug>(answer: &Result<T, PortError>) {
    assert!(matches!(answer, Err(PortError::Misuse(_))), "expected Misuse, and it was {answer:?}");
}

/// Asserts that a call was turned away for the bytes that came, or did not come.
#[track_caller]
pub(crate) fn is_body_error<T: Debug>(answer: &Result<T, PortError>) {
    assert!(matches!(answer, Err(PortError::Body(_))), "expected Body, and it was {answer:?}");
}

/// A refusal that shows `found`.
pub(crate) fn refused_by(found: &Item) -> Written {
    Written::Refused(Some(Box::new(found.clone())))
}

/// A refusal where nothing was there.
pub(crate) const REFUSED_BY_NOTHING: Written = Written::Refused(None);

/// A transaction's refusal: these actions, each with what it found.
pub(crate) fn transaction_refused<const N: usize>(refusals: [(usize, Option<&Item>); N]) -> Transacted {
    Transacted::Refused(refusals.into_iter().map(|(index, found)| (index, found.cloned())).collect())
}
