//! `_moorage/types`: the definitions of artifact types, of the registry or of one repository.

use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use moorage_oci::RepositoryName;
use moorage_operations::{DefinedBy, DefinedType, RegistryError};
use moorage_ports::TypesOf;
use moorage_types::{DEFINITION_BYTES_MAX, DefinedKind, Definition, Fault, clean_logo};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::answer::Answer;
use crate::body::{AnswerBody, Content};
use crate::paging::{limit, next_page};
use crate::registry::Registry;
use crate::request::{Head, Incoming};
use crate::route::TypesRoute;
use crate::time::rfc3339;

/// What of a type stands in a path as it is.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'+');

#[derive(Serialize)]
struct TypesDocument<'a> {
    types: Vec<Listed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(rename = "type")]
    artifact_type: &'a str,
    kind: DefinedKind,
    version: &'a str,
    title: &'a str,
    from: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    off: bool,
}

#[derive(Serialize)]
struct VersionsDocument<'a> {
    #[serde(rename = "type")]
    artifact_type: &'a str,
    versions: Vec<PublishedDocument>,
}

#[derive(Serialize)]
struct PublishedDocument {
    version: String,
    since: String,
}

type Answered = Result<Response<AnswerBody>, RegistryError>;

/// Whose definitions a path names.
struct Owner(Option<RepositoryName>);

impl Owner {
    fn of(repository: Option<&str>) -> Result<Self, RegistryError> {
        Ok(Self(repository.map(str::parse).transpose()?))
    }

    fn types(&self) -> TypesOf<'_> {
        self.0.as_ref().map_or(TypesOf::Registry, TypesOf::Repository)
    }

    /// Where the definitions are.
    fn path(&self) -> String {
        match &self.0 {
            None => "/v2/_moorage/types".to_owned(),
            Some(repository) => format!("/v2/{repository}/_moorage/types"),
        }
    }
}

impl Registry {
    pub(crate) async fn get_types(
        &self,
        repository: Option<&str>,
        of: &TypesRoute<'_>,
        head: &Head<'_>,
    ) -> Answered {
        let owner = Owner::of(repository)?;
        match of {
            TypesRoute::List => self.list_types(&owner, head).await,
            TypesRoute::Definition(artifact_type) => {
                Ok(definition(&self.pull()?.type_definition(owner.types(), artifact_type).await?))
            }
            TypesRoute::Logo(artifact_type) => {
                logo(&self.pull()?.type_definition(owner.types(), artifact_type).await?)
            }
            TypesRoute::Versions(artifact_type) => {
                let published = self.pull()?.type_versions(owner.types(), artifact_type).await?;
                let versions = published
                    .into_iter()
                    .map(|one| PublishedDocument { version: one.version, since: rfc3339(one.since) })
                    .collect();
                let document = VersionsDocument { artifact_type, versions };
                Ok(Answer::new(StatusCode::OK).json("application/json", &document))
            }
            TypesRoute::Version(artifact_type, version) => {
                Ok(definition(&self.pull()?.type_version(owner.types(), artifact_type, version).await?))
            }
        }
    }

    async fn list_types(&self, owner: &Owner, head: &Head<'_>) -> Answered {
        let n = limit(&head.query)?;
        let page = self.pull()?.types(owner.types(), n, head.query.get("last")).await?;
        let last = page.types.last().filter(|_| page.more).map(|last| last.artifact_type.as_str());
        let next = next_page(&owner.path(), n, last);
        let document = TypesDocument { types: page.types.iter().map(listed).collect() };
        Ok(Answer::new(StatusCode::OK).link(next).json("application/json", &document))
    }

    /// `PUT …/types/<type>`: 201 with the definition's place.
    pub(crate) async fn put_type(
        &self,
        repository: Option<&str>,
        artifact_type: &str,
        incoming: Incoming,
    ) -> Answered {
        let owner = Owner::of(repository)?;
        let bytes = incoming.up_to(DEFINITION_BYTES_MAX).await?.ok_or_else(|| {
            let problem = format!("it has more than {DEFINITION_BYTES_MAX} bytes: shorten it");
            let faults = vec![Fault { pointer: String::new(), line: 0, column: 0, problem }];
            RegistryError::DefinitionInvalid { faults }
        })?;
        let definition =
            moorage_types::read(&bytes).map_err(|faults| RegistryError::DefinitionInvalid { faults })?;
        if definition.artifact_type != artifact_type {
            let (defined, asked) = (definition.artifact_type, artifact_type.to_owned());
            return Err(RegistryError::DefinitionOfAnother { defined, asked });
        }
        self.push()?.put_type(owner.types(), &definition).await?;
        let place = format!("{}/{}", owner.path(), utf8_percent_encode(artifact_type, IN_PATH));
        Ok(Answer::new(StatusCode::CREATED).location(&place).empty())
    }

    pub(crate) async fn delete_type(&self, repository: Option<&str>, artifact_type: &str) -> Answered {
        let owner = Owner::of(repository)?;
        self.push()?.delete_type(owner.types(), artifact_type).await?;
        Ok(Answer::new(StatusCode::ACCEPTED).empty())
    }
}

fn listed(defined: &DefinedType) -> Listed<'_> {
    Listed {
        artifact_type: &defined.artifact_type,
        kind: defined.kind,
        version: &defined.version,
        title: &defined.title,
        from: match defined.by {
            DefinedBy::BuiltIn => "built-in",
            DefinedBy::Registry => "registry",
            DefinedBy::Repository => "repository",
        },
        off: defined.is_off,
    }
}

fn definition(definition: &Definition) -> Response<AnswerBody> {
    Answer::new(StatusCode::OK).json("application/json", definition)
}

/// The logo. It was written anew when it was put; the headers see to it that a browser that opens it runs nothing and
/// fetches nothing all the same.
fn logo(definition: &Definition) -> Answered {
    let artifact_type = &definition.artifact_type;
    let logo = definition
        .logo
        .as_deref()
        .and_then(|logo| clean_logo(logo).ok())
        .ok_or_else(|| RegistryError::NoLogo { artifact_type: artifact_type.clone() })?;
    let size = logo.len() as u64;
    Ok(Answer::new(StatusCode::OK)
        .content_type("image/svg+xml")
        .header(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"))
        .header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .header(CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"logo.svg\""))
        .body(Content::Bytes(logo.into_bytes().into()), size))
}
