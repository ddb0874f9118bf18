//! `<name>/_moorage/policy`: what becomes of a repository's untagged manifests, whether its tags may move, and which
//! artifact types may be pushed.

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{PolicyChange, RegistryError};
use moorage_ports::facts::{ImmutableTags, Untagged};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::type_policy::TypesDocument;
use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::registry::Registry;
use crate::request::Incoming;
use crate::time::{duration, duration_text};

/// Bytes of the longest policy that is read.
const POLICY_BYTES_MAX: usize = 64 * 1024;

/// A policy on the wire. What is left out is as it is by default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PolicyDocument {
    #[serde(default)]
    untagged: UntaggedDocument,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    immutable_tags: Option<ImmutableDocument>,
    #[serde(skip_serializing_if = "TypesDocument::is_silent", default)]
    types: TypesDocument,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", tag = "action")]
enum UntaggedDocument {
    #[default]
    Keep,
    Recycle {
        after: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ImmutableDocument {
    /// Tags that may move all the same; `*` stands for any characters.
    #[serde(default)]
    except: Vec<String>,
}

impl Registry {
    /// `GET /v2/<name>/_moorage/policy`
    pub(crate) async fn get_policy(&self, repository: &str) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let policy = self.pull()?.policy(&repository).await?;
        let document = PolicyDocument {
            untagged: match policy.untagged {
                Untagged::Keep => UntaggedDocument::Keep,
                Untagged::Recycle { after_ms } => {
                    UntaggedDocument::Recycle { after: duration_text(after_ms) }
                }
            },
            immutable_tags: policy.immutable_tags.map(|tags| ImmutableDocument { except: tags.except }),
            types: (&policy.types).into(),
        };
        Ok(Answer::new(StatusCode::OK).json("application/json", &document))
    }

    /// `PUT /v2/<name>/_moorage/policy`
    pub(crate) async fn put_policy(
        &self,
        repository: &str,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let document: PolicyDocument = policy_document(incoming).await?;
        let untagged = match document.untagged {
            UntaggedDocument::Keep => Untagged::Keep,
            UntaggedDocument::Recycle { after } => {
                Untagged::Recycle { after_ms: duration(&after).map_err(invalid)? }
            }
        };
        let immutable_tags = document.immutable_tags.map(|tags| ImmutableTags { except: tags.except });
        let types = (&document.types).into();
        self.push()?.set_policy(&repository, PolicyChange { untagged, immutable_tags, types }).await?;
        Ok(Answer::new(StatusCode::NO_CONTENT).bare())
    }
}

fn invalid(reason: String) -> RegistryError {
    RegistryError::PolicyInvalid { reason }
}

/// A policy as it came.
pub(super) async fn policy_document<D: DeserializeOwned>(incoming: Incoming) -> Result<D, RegistryError> {
    let bytes = incoming.up_to(POLICY_BYTES_MAX).await?;
    let bytes = bytes.ok_or_else(|| invalid(format!("it has more than {POLICY_BYTES_MAX} bytes")))?;
    // By way of an object: a list would be taken for the fields in their order.
    let object: serde_json::Map<_, _> = serde_json::from_slice(&bytes).map_err(|e| invalid(e.to_string()))?;
    serde_json::from_value(object.into()).map_err(|e| invalid(e.to_string()))
}
