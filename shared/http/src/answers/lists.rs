//! Lists of names: tags and catalog.

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{NamesPage, RegistryError};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::paging::{limit, link};
use crate::registry::Registry;
use crate::request::Head;

#[derive(Serialize)]
struct Tags<'a> {
    name: &'a str,
    tags: &'a [String],
}

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: &'a [String],
}

impl Registry {
    pub(crate) async fn get_tags(
        &self,
        repository: &str,
        head: &Head<'_>,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let repository = repository.parse::<RepositoryName>()?;
        let limit = limit(&head.query)?;
        let page = self.pull()?.tags(&repository, limit, head.query.get("last")).await?;
        let next = next(&format!("/v2/{repository}/tags/list"), limit, &page);
        let tags = Tags { name: repository.as_str(), tags: &page.names };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &tags))
    }

    pub(crate) async fn get_catalog(&self, head: &Head<'_>) -> Result<Response<AnswerBody>, RegistryError> {
        let limit = limit(&head.query)?;
        let page = self.pull()?.catalog(limit, head.query.get("last")).await?;
        let next = next("/v2/_catalog", limit, &page);
        let catalog = Catalog { repositories: &page.names };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &catalog))
    }
}

/// The link to the page after this one, which has as many names as were asked for.
fn next(path: &str, limit: Option<usize>, page: &NamesPage) -> Option<String> {
    let last = page.names.last().filter(|_| page.more)?;
    let n = limit.map(|n| n.to_string());
    let mut parameters = Vec::new();
    parameters.extend(n.as_deref().map(|n| ("n", n)));
    parameters.push(("last", last.as_str()));
    Some(link(path, &parameters))
}
