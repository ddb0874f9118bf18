//! The clauses of a table and a blob store together: one order of durability over both.

pub mod order;

use std::sync::Arc;

use super::{Clause, Fixture};
use crate::blobs::BlobStore;
use crate::table::ReferenceTable;

/// A table and a blob store that end together.
pub struct Pair<T, B> {
    pub table: Arc<T>,
    pub blobs: Arc<B>,
}

/// A fixture whose store is a pair.
pub trait PairFixture: Fixture<Store = Pair<Self::Table, Self::Blobs>> {
    type Table: ReferenceTable + 'static;
    type Blobs: BlobStore + 'static;
}

impl<F, T, B> PairFixture for F
where
    F: Fixture<Store = Pair<T, B>>,
    T: ReferenceTable + 'static,
    B: BlobStore + 'static,
{
    type Table = T;
    type Blobs = B;
}

/// Every clause by its name, for a fixture.
#[must_use]
pub fn clauses<F: PairFixture>() -> Vec<(&'static str, Clause<F>)> {
    crate::__pair_clauses!(__contract_names[F])
}

/// Makes a test of each clause that a table and a blob store keep together, for a fixture.
#[macro_export]
macro_rules! pair_contract {
    ($fixture:ty) => {
        $crate::__pair_clauses!(__contract_tests[$fixture]);
    };
}

/// The list of the clauses. A test shows that none is missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __pair_clauses {
    ($then:ident $arguments:tt) => {
        $crate::$then! {
            $arguments pair:
            order {
                a_record_never_outlives_its_object,
                an_object_in_parts_is_durable_with_the_next_write_of_the_table,
                an_object_is_durable_with_the_next_write_of_the_table,
            }
        }
    };
}
