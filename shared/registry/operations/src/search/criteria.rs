//! What is searched for: which criterion leads, and whether a manifest meets all of them.

use std::collections::BTreeMap;
use std::str::FromStr;

use moorage_oci::RepositoryName;
use moorage_ports::facts::SearchedRecord;
use moorage_ports::{SearchPlace, SearchTerm, Timestamp};

/// Which manifests are searched for: those that meet every criterion.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchQuery {
    /// Only in this one.
    pub repository: Option<RepositoryName>,
    pub artifact_type: Option<String>,
    pub platform: Option<Platform>,
    pub annotations: Vec<NamedValue>,
    /// Of an image's config.
    pub labels: Vec<NamedValue>,
    /// Which criterion is to lead. `None`: the one that the fewest manifests are likely to meet.
    pub lead: Option<Lead>,
    /// Only what was pushed after.
    pub since: Option<Timestamp>,
    /// Only what was pushed before.
    pub before: Option<Timestamp>,
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub after: Option<SearchPlace>,
}

/// A criterion that can lead. Nothing is found by an annotation but by the first ones of each manifest: where another
/// criterion leads, all of them count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lead {
    Annotation,
    Type,
    Platform,
    /// What every manifest meets.
    All,
}

impl Lead {
    const LIKELY_FEWEST_FIRST: [Self; 4] = [Self::Annotation, Self::Type, Self::Platform, Self::All];
}

impl SearchQuery {
    /// What the candidates are found by.
    pub(super) fn leading_term(&self) -> SearchTerm {
        let asked = self.lead.and_then(|lead| self.term(lead));
        let likely = || Lead::LIKELY_FEWEST_FIRST.into_iter().find_map(|lead| self.term(lead));
        asked.or_else(likely).unwrap_or_else(SearchTerm::all)
    }

    /// Whether what is to lead was asked for, and can lead.
    #[must_use]
    pub fn can_lead(&self, lead: Lead) -> bool {
        self.term(lead).is_some()
    }

    fn term(&self, lead: Lead) -> Option<SearchTerm> {
        match lead {
            Lead::Annotation => self.annotations.iter().find_map(NamedValue::leading_term),
            Lead::Type => self.artifact_type.as_deref().map(SearchTerm::artifact_type),
            Lead::Platform => self.platform.as_ref().map(Platform::term),
            Lead::All => Some(SearchTerm::all()),
        }
    }

    /// Whether this manifest meets every criterion, but for its time.
    pub(super) fn is_met_by(&self, found: &SearchedRecord) -> bool {
        // An entry that was left behind leads to it too, by what it was.
        found.terms.contains(&self.leading_term())
            && self.artifact_type.as_ref().is_none_or(|asked| found.artifact_type.as_ref() == Some(asked))
            && self.platform.as_ref().is_none_or(|asked| asked.is_one_of(&found.platforms))
            && self.annotations.iter().all(|asked| asked.is_in(&found.annotations))
            && self.labels.iter().all(|asked| asked.is_in(&found.labels))
    }
}

/// `linux/arm64`, or `linux/arm/v7`: without a variant any will do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    os_and_architecture: String,
    variant: Option<String>,
}

impl Platform {
    fn term(&self) -> SearchTerm {
        SearchTerm::platform(&self.os_and_architecture)
    }

    fn is_one_of(&self, found: &[String]) -> bool {
        found.iter().any(|found| match (found.strip_prefix(&self.os_and_architecture), &self.variant) {
            (None, _) => false,
            (Some(variant), None) => variant.is_empty() || variant.starts_with('/'),
            (Some(variant), Some(asked)) => variant.strip_prefix('/') == Some(asked.as_str()),
        })
    }
}

/// The text names no platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `<os>/<architecture>` or `<os>/<architecture>/<variant>`, such as linux/arm64")]
pub struct InvalidPlatform;

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(InvalidPlatform);
        }
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
            _ => return Err(InvalidPlatform),
        };
        Ok(Self { os_and_architecture: format!("{os}/{architecture}"), variant })
    }
}

/// `<name>=<value>`, of an annotation or a label. A name may have a `=` too: whichever of them parts the two will do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedValue(String);

impl NamedValue {
    /// `None` where there is no `=` after a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split_once('=').filter(|(name, _)| !name.is_empty()).map(|_| Self(text.to_owned()))
    }

    /// What leads to those that have this annotation, where it can.
    fn leading_term(&self) -> Option<SearchTerm> {
        let (name, value) = self.0.split_once('=')?;
        SearchTerm::annotation_leads(name, value).then(|| SearchTerm::annotation(name, value))
    }

    fn is_in(&self, found: &BTreeMap<String, String>) -> bool {
        let value = |name: &str| self.0.strip_prefix(name)?.strip_prefix('=');
        found.iter().any(|(name, found)| value(name) == Some(found.as_str()))
    }
}
