//! Which thing of the registry a path names.
//!
//! A repository's name may have any number of components, and may end in `blobs`, `manifests`, `tags`,
//! `uploads` or `referrers`: so a path is read from its end.

use std::borrow::Cow;

use moorage_operations::InvalidRequest;
use percent_encoding::percent_decode_str;

/// What a path names; its texts are not checked yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route<'a> {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/_oci/ext/discover`, and the same of a repository
    Extensions { repository: Option<Cow<'a, str>> },
    /// `/v2/<name>/_oci/tag-history/<tag>`
    TagHistory { repository: Cow<'a, str>, tag: Cow<'a, str> },
    /// `/v2/<name>/_moorage/recycle-bin/`, or with the digest of a manifest in it
    RecycleBin { repository: Cow<'a, str>, digest: Option<Cow<'a, str>> },
    /// `/v2/<name>/_moorage/policy`
    Policy { repository: Cow<'a, str> },
    /// `/v2/_moorage/policy`
    RegistryPolicy,
    /// `/v2/_moorage/types`, and what lies under it; the same of a repository
    Types { repository: Option<Cow<'a, str>>, of: TypesRoute<'a> },
    /// `/v2/_moorage/search`, and the same of a repository
    Search { repository: Option<Cow<'a, str>> },
    /// `/v2/<name>/_moorage/explain/<digest>`
    Explain { repository: Cow<'a, str>, digest: Cow<'a, str> },
    /// `/v2/<name>/tags/list`
    Tags { repository: Cow<'a, str> },
    /// `/v2/<name>/manifests/<reference>`
    Manifest { repository: Cow<'a, str>, reference: Cow<'a, str> },
    /// `/v2/<name>/referrers/<digest>`
    Referrers { repository: Cow<'a, str>, digest: Cow<'a, str> },
    /// `/v2/<name>/blobs/<digest>`
    Blob { repository: Cow<'a, str>, digest: Cow<'a, str> },
    /// `/v2/<name>/blobs/uploads/`
    Uploads { repository: Cow<'a, str> },
    /// `/v2/<name>/blobs/uploads/<token>`
    Upload { repository: Cow<'a, str>, token: Cow<'a, str> },
}

/// What of artifact types a path names. A type stands in a path with its slash as it is, or percent-encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TypesRoute<'a> {
    /// `types`
    List,
    /// `types/<type>`
    Definition(Cow<'a, str>),
    /// `types/<type>/logo`
    Logo(Cow<'a, str>),
    /// `types/<type>/versions`
    Versions(Cow<'a, str>),
    /// `types/<type>/versions/<version>`
    Version(Cow<'a, str>, Cow<'a, str>),
}

impl TypesRoute<'_> {
    pub(crate) fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::List => None,
            Self::Definition(named) | Self::Logo(named) | Self::Versions(named) | Self::Version(named, _) => {
                Some(named)
            }
        }
    }
}

/// Reads a path, as it stands in the request line: without the query, percent-encoded.
///
/// # Errors
/// `UnknownRoute`, or `Path` where it is not UTF-8 once decoded.
pub fn route(path: &str) -> Result<Route<'_>, InvalidRequest> {
    let unknown = || InvalidRequest::UnknownRoute;
    let rest = match path {
        "/v2" | "/v2/" => return Ok(Route::Base),
        _ => path.strip_prefix("/v2/").ok_or_else(unknown)?,
    };
    match rest {
        "_catalog" => return Ok(Route::Catalog),
        "_oci/ext/discover" => return Ok(Route::Extensions { repository: None }),
        "_moorage/policy" => return Ok(Route::RegistryPolicy),
        "_moorage/search" => return Ok(Route::Search { repository: None }),
        _ => {}
    }
    if let Some(types) = rest.strip_prefix("_moorage/types") {
        return Ok(Route::Types { repository: None, of: types_route(types)? });
    }
    if let Some(name) = rest.strip_suffix("/_oci/ext/discover") {
        return Ok(Route::Extensions { repository: Some(decoded(name)?) });
    }
    // No component of a name begins with an underscore.
    if let Some((name, tag)) = rest.rsplit_once("/_oci/tag-history/") {
        return Ok(Route::TagHistory { repository: decoded(name)?, tag: decoded(tag)? });
    }
    if let Some((name, ours)) = rest.rsplit_once("/_moorage/") {
        let repository = decoded(name)?;
        if let Some(types) = ours.strip_prefix("types") {
            return Ok(Route::Types { repository: Some(repository), of: types_route(types)? });
        }
        return Ok(match ours {
            "policy" => Route::Policy { repository },
            "search" => Route::Search { repository: Some(repository) },
            "recycle-bin" | "recycle-bin/" => Route::RecycleBin { repository, digest: None },
            _ => match ours.split_once('/').ok_or_else(unknown)? {
                ("recycle-bin", digest) => Route::RecycleBin { repository, digest: Some(decoded(digest)?) },
                ("explain", digest) => Route::Explain { repository, digest: decoded(digest)? },
                _ => return Err(unknown()),
            },
        });
    }
    let (before, last) = rest.rsplit_once('/').ok_or_else(unknown)?;
    if last == "uploads"
        && let Some(name) = before.strip_suffix("/blobs")
    {
        return Ok(Route::Uploads { repository: decoded(name)? });
    }
    let (name, kind) = before.rsplit_once('/').ok_or_else(unknown)?;
    let repository = decoded(name)?;
    let last = decoded(last)?;
    Ok(match kind {
        "tags" if last == "list" => Route::Tags { repository },
        "manifests" => Route::Manifest { repository, reference: last },
        "referrers" => Route::Referrers { repository, digest: last },
        "blobs" => Route::Blob { repository, digest: last },
        "uploads" => {
            let name = name.strip_suffix("/blobs").ok_or_else(unknown)?;
            let repository = decoded(name)?;
            if last.is_empty() {
                Route::Uploads { repository }
            } else {
                Route::Upload { repository, token: last }
            }
        }
        _ => return Err(unknown()),
    })
}

/// What comes after `types`.
fn types_route(rest: &str) -> Result<TypesRoute<'_>, InvalidRequest> {
    let Some(rest) = rest.strip_prefix('/') else {
        return if rest.is_empty() { Ok(TypesRoute::List) } else { Err(InvalidRequest::UnknownRoute) };
    };
    if rest.is_empty() {
        return Ok(TypesRoute::List);
    }
    // One slash is the type's own, unless that is encoded.
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    let ends_at = if decoded(first)?.contains('/') {
        first.len()
    } else {
        first.len() + 1 + after.find('/').unwrap_or(after.len())
    };
    let (artifact_type, of) = rest.split_at_checked(ends_at).ok_or(InvalidRequest::UnknownRoute)?;
    let artifact_type = decoded(artifact_type)?;
    Ok(match of.split('/').collect::<Vec<_>>()[..] {
        [""] => TypesRoute::Definition(artifact_type),
        ["", "logo"] => TypesRoute::Logo(artifact_type),
        ["", "versions"] => TypesRoute::Versions(artifact_type),
        ["", "versions", version] => TypesRoute::Version(artifact_type, decoded(version)?),
        _ => return Err(InvalidRequest::UnknownRoute),
    })
}

fn decoded(text: &str) -> Result<Cow<'_, str>, InvalidRequest> {
    percent_decode_str(text).decode_utf8().map_err(|_| InvalidRequest::Path("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_end_in_a_word_of_the_api() {
        for word in
            ["blobs", "manifests", "tags", "uploads", "referrers", "list", "blobs/uploads", "tags/list"]
        {
            let repository = Cow::from(format!("a/{word}"));
            let path = |rest: &str| format!("/v2/a/{word}/{rest}");
            let expect =
                |rest: &str, route_: Route<'_>| assert_eq!(route(&path(rest)), Ok(route_), "{}", path(rest));
            expect("tags/list", Route::Tags { repository: repository.clone() });
            expect(
                "manifests/v1",
                Route::Manifest { repository: repository.clone(), reference: "v1".into() },
            );
            expect(
                "manifests/list",
                Route::Manifest { repository: repository.clone(), reference: "list".into() },
            );
            expect(
                "blobs/sha256:00",
                Route::Blob { repository: repository.clone(), digest: "sha256:00".into() },
            );
            expect(
                "referrers/sha256:00",
                Route::Referrers { repository: repository.clone(), digest: "sha256:00".into() },
            );
            expect("blobs/uploads/", Route::Uploads { repository: repository.clone() });
            expect("blobs/uploads", Route::Uploads { repository: repository.clone() });
            expect(
                "blobs/uploads/abc",
                Route::Upload { repository: repository.clone(), token: "abc".into() },
            );
            expect(
                "_oci/tag-history/list",
                Route::TagHistory { repository: repository.clone(), tag: "list".into() },
            );
            expect("_oci/ext/discover", Route::Extensions { repository: Some(repository.clone()) });
            expect("_moorage/search", Route::Search { repository: Some(repository.clone()) });
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_once() {
        let expected = Route::Blob { repository: "a".into(), digest: "sha256:00".into() };
        assert_eq!(route("/v2/a/blobs/sha256%3A00"), Ok(expected));
        let expected = Route::Manifest { repository: "a".into(), reference: "%41".into() };
        assert_eq!(route("/v2/a/manifests/%2541"), Ok(expected));
        assert_eq!(route("/v2/a/manifests/%ff"), Err(InvalidRequest::Path("it is not UTF-8")));
    }

    #[test]
    fn a_type_has_one_slash_encoded_or_not() {
        let helm = || Cow::from("application/vnd.cncf.helm.config.v1+json");
        for written in
            ["application/vnd.cncf.helm.config.v1+json", "application%2Fvnd.cncf.helm.config.v1%2Bjson"]
        {
            for (prefix, repository) in [("/v2/", None), ("/v2/a/b/", Some(Cow::from("a/b")))] {
                let expect = |rest: &str, of: TypesRoute<'_>| {
                    let path = format!("{prefix}_moorage/types/{written}{rest}");
                    assert_eq!(
                        route(&path),
                        Ok(Route::Types { repository: repository.clone(), of }),
                        "{path}"
                    );
                };
                expect("", TypesRoute::Definition(helm()));
                expect("/logo", TypesRoute::Logo(helm()));
                expect("/versions", TypesRoute::Versions(helm()));
                expect("/versions/1.0.0%2Bx", TypesRoute::Version(helm(), "1.0.0+x".into()));
                for unknown in ["/", "/x", "/versions/", "/versions/1/2"] {
                    let path = format!("{prefix}_moorage/types/{written}{unknown}");
                    let is_version = matches!(&route(&path), Ok(Route::Types { of: TypesRoute::Version(_, v), .. }) if v.is_empty());
                    assert!(is_version || route(&path) == Err(InvalidRequest::UnknownRoute), "{path}");
                }
            }
        }
        for list in ["/v2/_moorage/types", "/v2/_moorage/types/"] {
            assert_eq!(route(list), Ok(Route::Types { repository: None, of: TypesRoute::List }));
        }
        assert_eq!(route("/v2/_moorage/typesx"), Err(InvalidRequest::UnknownRoute));
        assert_eq!(route("/v2/_moorage/policy"), Ok(Route::RegistryPolicy));
    }

    #[test]
    fn what_names_nothing_is_unknown() {
        for path in [
            "",
            "/",
            "/v1/",
            "/v2x",
            "/v2/a",
            "/v2/a/b",
            "/v2/a/b/c",
            "/v2/uploads/x",
            "/v2/a/uploads/x",
            "/v2/_moorage/search/x",
            "/v2/a/_moorage/search/",
            "/v2/a/_moorage/search/x",
        ] {
            assert_eq!(route(path), Err(InvalidRequest::UnknownRoute), "{path}");
        }
        assert_eq!(route("/v2"), Ok(Route::Base));
        assert_eq!(route("/v2/_catalog"), Ok(Route::Catalog));
        assert_eq!(route("/v2/_moorage/search"), Ok(Route::Search { repository: None }));
    }
}
