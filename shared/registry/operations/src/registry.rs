//! The two halves of a registry: what a reader may do, and what a writer may.

use std::sync::Arc;

use moorage_ports::{
    Context, Incarnation, ReadBlobs, ReadTable, ReferenceTable, Timestamp, Version, WriteBlobs,
};

use crate::settings::Settings;
use crate::upload::TokenSecret;

/// What a reader may ask. Is handed nothing that can write.
#[derive(Clone)]
pub struct Pull {
    pub(crate) table: Arc<dyn ReadTable>,
    pub(crate) blobs: Arc<dyn ReadBlobs>,
}

impl Pull {
    pub fn new(table: Arc<dyn ReadTable>, blobs: Arc<dyn ReadBlobs>) -> Self {
        Self { table, blobs }
    }
}

/// What a writer may ask. Deletes no object: that is the collector's.
#[derive(Clone)]
pub struct Push {
    pub(crate) table: Arc<dyn ReferenceTable>,
    pub(crate) blobs: Arc<dyn WriteBlobs>,
    pub(crate) context: Context,
    pub(crate) settings: Arc<Settings>,
    pub(crate) secret: TokenSecret,
}

impl Push {
    pub fn new(
        table: Arc<dyn ReferenceTable>,
        blobs: Arc<dyn WriteBlobs>,
        context: Context,
        settings: Settings,
        secret: TokenSecret,
    ) -> Self {
        Self { table, blobs, context, settings: Arc::new(settings), secret }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    pub(crate) fn fresh_version(&self) -> Version {
        Version(self.context.random.nonce())
    }

    pub(crate) fn fresh_incarnation(&self) -> Incarnation {
        Incarnation(self.context.random.nonce())
    }
}
