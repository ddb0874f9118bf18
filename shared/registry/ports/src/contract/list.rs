//! What makes a list of clauses into tests, and into names.

/// One `#[test]` for each clause of a list.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ([$fixture:ty] $suite:ident: $($file:ident { $($clause:ident),* $(,)? })*) => {
        $($(
            #[test]
            fn $clause() {
                $crate::contract::run::<$fixture>(|fixture| {
                    ::std::boxed::Box::pin($crate::contract::$suite::$file::$clause(fixture))
                });
            }
        )*)*
    };
}

/// The clauses of a list by their names, for a fixture.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_names {
    ([$fixture:ty] $suite:ident: $($file:ident { $($clause:ident),* $(,)? })*) => {
        vec![$($(
            (
                concat!(stringify!($file), "::", stringify!($clause)),
                (|fixture| Box::pin($file::$clause(fixture))) as $crate::contract::Clause<$fixture>,
            ),
        )*)*]
    };
}
