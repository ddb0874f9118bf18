//! What a client can ask of a registry, one file for each thing. Nothing here knows HTTP or a backend.
//!
//! [`Pull`] is what a reader may do and is handed read ports only; [`Push`] is what a writer may do. How
//! what is pushed is made so that no collector can take it away half-way is in [`commit`].

pub mod commit;
pub mod error;
pub mod registry;
pub mod settings;
pub mod upload;

mod delete_blob;
mod delete_manifest;
mod delete_tag;
mod explain;
mod keep;
mod list_catalog;
mod list_referrers;
mod list_tags;
mod mount_blob;
mod policy;
mod pull_blob;
mod pull_manifest;
mod push_manifest;
mod record_object;
mod recycle_bin;
mod restore;
mod search;
mod set_tags;
mod tag_history;
mod trash;
mod types;

/// What [`Pull::explain`] answers.
pub use moorage_collector::explain::{Explanation, KeptBy};
pub use moorage_collector::look::By;
pub use moorage_collector::outlook::Outlook;

pub use error::{InvalidRequest, MissingChild, RegistryError};
pub use keep::Asker;
pub use list_referrers::ReferrersPage;
pub use list_tags::NamesPage;
pub use mount_blob::Mounted;
pub use policy::PolicyChange;
pub use pull_blob::{BlobBody, PulledBlob};
pub use pull_manifest::{ManifestHead, PulledManifest};
pub use push_manifest::{ManifestPush, PushedManifest};
pub use record_object::Recorded;
pub use recycle_bin::{RecycledManifest, RecycledPage};
pub use registry::{Common, Pull, Push};
pub use restore::Restored;
pub use search::{FoundManifest, InvalidPlatform, Lead, NamedValue, Platform, SearchPage, SearchQuery};
pub use settings::{MissingChildren, Settings, TypeChecks};
pub use tag_history::{TagHistoryPage, TagHistoryQuery};
pub use types::{
    DefinedBy, DefinedType, DefinedTypesPage, PublishedType, REGISTRY_POLICY_AGE_MAX, RegistryPolicyChange,
};
pub use upload::{ChunkRange, TokenSecret, UploadToken};
