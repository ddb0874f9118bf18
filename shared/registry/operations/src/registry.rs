//! The two halves of a registry: what a reader may do, and what a writer may.

use std::sync::Arc;

use moorage_collector::Steps;
use moorage_collector::mutants::{Mutant, without};
use moorage_ports::{
    Context, Incarnation, KeepUntil, Nonce, ReadBlobs, ReadTable, ReferenceTable, Timestamp, Version,
    WriteBlobs,
};

use crate::settings::Settings;
use crate::types::TypeRules;
use crate::upload::TokenSecret;

/// What a reader may ask. Is handed nothing that can write, but for the time until which something stays.
#[derive(Clone)]
pub struct Pull {
    pub(crate) table: Arc<dyn ReadTable>,
    pub(crate) keep: Arc<dyn KeepUntil>,
    pub(crate) blobs: Arc<dyn ReadBlobs>,
    pub(crate) common: Common,
}

/// What a writer may ask. Deletes no object: that is the collector's.
#[derive(Clone)]
pub struct Push {
    pub(crate) table: Arc<dyn ReferenceTable>,
    pub(crate) blobs: Arc<dyn WriteBlobs>,
    /// What is shared with the collector.
    pub(crate) steps: Steps,
    pub(crate) types: Arc<TypeRules>,
    pub(crate) common: Common,
}

/// What both halves of one registry share.
#[derive(Clone)]
pub struct Common {
    pub context: Context,
    pub settings: Arc<Settings>,
    /// What upload tokens are signed with.
    pub secret: TokenSecret,
}

impl Pull {
    pub fn new<T>(table: Arc<T>, blobs: Arc<dyn ReadBlobs>, common: Common) -> Self
    where
        T: ReadTable + KeepUntil + 'static,
    {
        Self { table: table.clone(), keep: table, blobs, common }
    }
}

impl Push {
    pub fn new(table: Arc<dyn ReferenceTable>, blobs: Arc<dyn WriteBlobs>, common: Common) -> Self {
        let steps = Steps {
            table: table.clone(),
            blobs: blobs.clone(),
            context: common.context.clone(),
            times: common.settings.times(),
        };
        Self { table, blobs, steps, types: Arc::new(TypeRules::new()), common }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.common.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.common.now()
    }

    pub(crate) fn fresh_version(&self) -> Version {
        self.common.fresh_version()
    }

    pub(crate) fn fresh_incarnation(&self) -> Incarnation {
        if without(Mutant::HoldKeyedByIncarnation) {
            return Incarnation(Nonce(0));
        }
        Incarnation(self.common.context.random.nonce())
    }
}

impl Common {
    pub(crate) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    pub(crate) fn fresh_version(&self) -> Version {
        Version(self.context.random.nonce())
    }
}
