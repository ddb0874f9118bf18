//! The definitions that apply somewhere: a set to look types up in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::built_in;
use crate::definition::{Definition, Recognition};

/// An immutable set of definitions. A clone is cheap enough for once a change, not for once a request: share it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    by_type: BTreeMap<String, Arc<Definition>>,
    /// By the types that only `also` names.
    by_also: BTreeMap<String, Arc<Definition>>,
    /// By the type that says too little, the recognitions that know better: their definition and which of its
    /// `recognized_by`, those with the most conditions first.
    recognisers: BTreeMap<String, Vec<(Arc<Definition>, usize)>>,
}

/// A change to a set.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Adds a definition, or replaces the one of its type.
    Put(Box<Definition>),
    /// Hides the definition of this type.
    Off(String),
}

static BUILT_IN: LazyLock<Arc<Definitions>> = LazyLock::new(|| {
    Arc::new(
        Definitions::default()
            .with(built_in::definitions().map(|definition| Overlay::Put(Box::new(definition)))),
    )
});

impl Definitions {
    /// Those that are shipped (`samples/types`). Read at the first call.
    #[must_use]
    pub fn built_in() -> Arc<Definitions> {
        Arc::clone(&BUILT_IN)
    }

    #[must_use]
    pub fn none() -> Arc<Definitions> {
        Arc::default()
    }

    /// This set, changed; later changes win.
    #[must_use]
    pub fn with(&self, overlay: impl IntoIterator<Item = Overlay>) -> Definitions {
        let mut by_type = self.by_type.clone();
        for change in overlay {
            match change {
                Overlay::Put(definition) => {
                    by_type.insert(definition.artifact_type.clone(), Arc::from(definition));
                }
                Overlay::Off(artifact_type) => {
                    by_type.remove(&artifact_type);
                }
            }
        }
        Definitions::of(by_type)
    }

    fn of(by_type: BTreeMap<String, Arc<Definition>>) -> Definitions {
        let mut by_also = BTreeMap::new();
        let mut recognisers: BTreeMap<String, Vec<(Arc<Definition>, usize)>> = BTreeMap::new();
        for definition in by_type.values() {
            for also in definition.also.iter().filter(|also| !by_type.contains_key(*also)) {
                by_also.entry(also.clone()).or_insert_with(|| Arc::clone(definition));
            }
            for (which, recognition) in definition.recognized_by.iter().enumerate() {
                for weak in &recognition.instead_of {
                    recognisers.entry(weak.clone()).or_default().push((Arc::clone(definition), which));
                }
            }
        }
        for list in recognisers.values_mut() {
            // Stable, and they came in the order of their types.
            list.sort_by_key(|(definition, which)| Reverse(definition.recognized_by[*which].conditions()));
        }
        Definitions { by_type, by_also, recognisers }
    }

    /// The definition of this type; of one that several name in `also`, the first of them by type.
    #[must_use]
    pub fn get(&self, artifact_type: &str) -> Option<&Arc<Definition>> {
        self.by_type.get(artifact_type).or_else(|| self.by_also.get(artifact_type))
    }

    /// All of them, sorted by type.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.by_type.values()
    }

    pub(crate) fn recognisers(&self, weak: &str) -> impl Iterator<Item = (&Arc<Definition>, &Recognition)> {
        let list = self.recognisers.get(weak).map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|(definition, which)| (definition, &definition.recognized_by[*which]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::definition;

    fn types(definitions: &Definitions) -> Vec<&str> {
        definitions.iter().map(|definition| definition.artifact_type.as_str()).collect()
    }

    fn put(json: &str) -> Overlay {
        Overlay::Put(Box::new(definition(json)))
    }

    #[test]
    fn later_changes_win_and_what_is_off_is_hidden() {
        let one = Definitions::none().with([
            put(r#"{"type":"a/a","version":"1.0.0"}"#),
            put(r#"{"type":"a/b"}"#),
            put(r#"{"type":"a/a","version":"2.0.0"}"#),
        ]);
        assert_eq!(types(&one), ["a/a", "a/b"]);
        assert_eq!(one.get("a/a").map(|definition| definition.version.as_str()), Some("2.0.0"));

        let two = one.with([Overlay::Off("a/b".into()), Overlay::Off("a/none".into())]);
        assert_eq!((types(&two), types(&one).len()), (vec!["a/a"], 2));
        assert_eq!(types(&two.with([put(r#"{"type":"a/b"}"#)])), ["a/a", "a/b"]);
    }

    #[test]
    fn a_type_is_found_by_its_name_before_it_is_found_by_another() {
        let definitions = Definitions::none().with([
            put(r#"{"type":"a/b","also":["a/old","a/c"]}"#),
            put(r#"{"type":"a/a","also":["a/old"]}"#),
            put(r#"{"type":"a/c"}"#),
        ]);
        let found = |artifact_type| definitions.get(artifact_type).map(|found| found.artifact_type.as_str());
        assert_eq!(found("a/old"), Some("a/a"), "the first by type");
        assert_eq!((found("a/c"), found("a/d")), (Some("a/c"), None));

        let without = definitions.with([Overlay::Off("a/a".into()), Overlay::Off("a/c".into())]);
        let found = |artifact_type| without.get(artifact_type).map(|found| found.artifact_type.as_str());
        assert_eq!((found("a/old"), found("a/c")), (Some("a/b"), Some("a/b")));
    }
}
