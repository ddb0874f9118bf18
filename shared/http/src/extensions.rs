//! `_oci/ext/discover`: which extensions there are (distribution-spec, extensions).

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{Pull, RegistryError};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::registry::Registry;

#[derive(Serialize)]
struct Extensions<'a> {
    extensions: &'a [Extension<'a>],
}

#[derive(Serialize)]
struct Extension<'a> {
    name: &'a str,
    url: &'a str,
    description: &'a str,
    endpoints: &'a [&'a str],
}

impl Registry {
    pub(crate) fn get_extensions(
        &self,
        repository: Option<&str>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        if let Some(name) = repository {
            name.parse::<RepositoryName>()?;
        }
        let discovery = Extension {
            name: "_oci",
            url: "https://github.com/opencontainers/distribution-spec/blob/main/extensions/_oci.md",
            description: "Says which extensions there are, and where a tag pointed.",
            endpoints: &["_oci/ext/discover", "_oci/tag-history/<tag>"],
        };
        let ours = [
            "_moorage/types",
            "_moorage/types/<type>",
            "_moorage/types/<type>/logo",
            "_moorage/types/<type>/versions",
            "_moorage/types/<type>/versions/<version>",
            "_moorage/recycle-bin/",
            "_moorage/recycle-bin/<digest>",
            "_moorage/policy",
            "_moorage/explain/<digest>",
            // The last, because not every registry has it.
            "_moorage/search",
        ];
        let is_searched = self.pull().is_ok_and(Pull::is_searched);
        let ours = Extension {
            name: "_moorage",
            url: "https://github.com/moorage/moorage",
            description: "A repository's recycle bin and its policy, why something is kept or when it goes, the \
                          definitions of artifact types, and a search for artifacts.",
            endpoints: &ours[..ours.len() - usize::from(!is_searched)],
        };
        Ok(Answer::new(StatusCode::OK)
            .json("application/json", &Extensions { extensions: &[discovery, ours] }))
    }
}
