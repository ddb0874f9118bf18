//! Lists of names: tags and catalog.

use http::{Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{NamesPage, RegistryError};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::paging::{limit, next_page};
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
        let next = next_page(&format!("/v2/{repository}/tags/list"), limit, last_of(&page));
        let tags = Tags { name: repository.as_str(), tags: &page.names };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &tags))
    }

    pub(crate) async fn get_catalog(&self, head: &Head<'_>) -> Result<Response<AnswerBody>, RegistryError> {
        let limit = limit(&head.query)?;
        let page = self.pull()?.catalog(limit, head.query.get("last")).await?;
        let next = next_page("/v2/_catalog", limit, last_of(&page));
        let catalog = Catalog { repositories: &page.names };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &catalog))
    }
}

/// The last name of a page that is followed by another.
fn last_of(page: &NamesPage) -> Option<&str> {
    page.names.last().filter(|_| page.more).map(String::as_str)
}
