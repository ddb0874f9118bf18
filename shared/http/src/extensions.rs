//! `_oci/ext/discover`: which extensions there are (distribution-spec, extensions).

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::RegistryError;
use serde_json::json;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::registry::Registry;

impl Registry {
    pub(crate) fn get_extensions(
        &self,
        repository: Option<&str>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        if let Some(name) = repository {
            name.parse::<RepositoryName>()?;
        }
        let discovery = json!({
            "name": "_oci",
            "url": "https://github.com/opencontainers/distribution-spec/blob/main/extensions/_oci.md",
            "description": "Says which extensions there are.",
            "endpoints": ["_oci/ext/discover"],
        });
        Ok(Answer::new(StatusCode::OK).json("application/json", &json!({ "extensions": [discovery] })))
    }
}
