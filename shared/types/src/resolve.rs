//! Which type an artifact has: the one place that says it, for push, search, events and rights alike. In a list of
//! referrers, `artifactType` follows the specification and nothing else
//! ([`Manifest::artifact_type`](moorage_oci::Manifest::artifact_type)).

use std::sync::Arc;

use moorage_oci::{Kind, Manifest};

use crate::check::{have, kind_fits};
use crate::definition::{Definition, Recognition};
use crate::definitions::Definitions;
use crate::document::Document;
use crate::pattern::fits_any;

/// The type of an artifact, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// `None`: the document says nothing that is a type.
    pub artifact_type: Option<String>,
    pub definition: Option<Arc<Definition>>,
}

impl Definitions {
    /// The type that the document says: `artifactType`, else the config's media type, of an index too, else an index's
    /// CNAB annotation; an index that says none of these is of its own media type. Where there is no `artifactType` and
    /// a definition recognises the document by what else is in it, the type is that definition's; the one with the most
    /// conditions counts, then the first by type.
    ///
    /// A type that a definition names in `also` has that definition, and stays what the document said.
    #[must_use]
    pub fn resolve(&self, manifest: &Manifest, document: &Document) -> Resolved {
        let index_type = (manifest.kind() == Kind::Index).then(|| manifest.media_type());
        let Some(said) = manifest.resolved_type().or(index_type) else {
            return Resolved { artifact_type: None, definition: None };
        };
        if document.artifact_type.is_none()
            && let Some(definition) = self.recognise(said, manifest, document)
        {
            return Resolved {
                artifact_type: Some(definition.artifact_type.clone()),
                definition: Some(Arc::clone(definition)),
            };
        }
        Resolved { artifact_type: Some(said.to_owned()), definition: self.get(said).cloned() }
    }

    fn recognise(&self, said: &str, manifest: &Manifest, document: &Document) -> Option<&Arc<Definition>> {
        let (definition, _) = self.recognisers(said).find(|(definition, recognition)| {
            kind_fits(definition.kind, manifest.kind()) && recognition.holds(manifest, document)
        })?;
        Some(definition)
    }
}

impl Recognition {
    /// How much it asks for.
    pub(crate) fn conditions(&self) -> usize {
        usize::from(!self.layer_types.is_empty()) + self.annotations.len()
    }

    fn holds(&self, manifest: &Manifest, document: &Document) -> bool {
        let mut types = document.layers.members.iter().filter_map(|layer| layer.media_type.as_deref());
        let by_layers =
            self.layer_types.is_empty() || types.any(|media_type| fits_any(&self.layer_types, media_type));
        self.conditions() > 0 && by_layers && have(manifest.annotations(), &self.annotations)
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
