//! A request comes in, an answer goes out: the route and the method decide which of the answers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use moorage_operations::{Asker, InvalidRequest, Pull, Push, RegistryError};
use moorage_ports::{Clock, calls};

use crate::answer::DOCKER_API_VERSION;
use crate::body::AnswerBody;
use crate::error::error_answer;
use crate::log::Logged;
use crate::query::Query;
use crate::request::{Head, Incoming};
use crate::route::{Route, TypesRoute, route};

/// Who may push, while there are no accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everyone may pull and push.
    PullAndPush,
    /// Everyone may pull, nobody may push.
    PullOnly,
}

/// What a process serves: a function has one half of a registry and the rights for that half only.
#[derive(Clone)]
pub enum Halves {
    Both(Pull, Push),
    Pull(Pull),
    Push(Push),
}

/// A registry on the wire; cheap to clone.
#[derive(Clone)]
pub struct Registry {
    halves: Halves,
    access: Access,
    clock: Arc<dyn Clock>,
}

type Answered = Result<Response<AnswerBody>, RegistryError>;

impl Registry {
    pub fn new(halves: Halves, access: Access, clock: Arc<dyn Clock>) -> Self {
        Self { halves, access, clock }
    }

    pub(crate) fn pull(&self) -> Result<&Pull, RegistryError> {
        match &self.halves {
            Halves::Both(pull, _) | Halves::Pull(pull) => Ok(pull),
            Halves::Push(_) => Err(RegistryError::Misrouted { serves: "POST, PATCH, PUT, DELETE" }),
        }
    }

    pub(crate) fn push(&self) -> Result<&Push, RegistryError> {
        match &self.halves {
            Halves::Both(_, push) | Halves::Push(push) => Ok(push),
            Halves::Pull(_) => Err(RegistryError::Misrouted { serves: "GET, HEAD" }),
        }
    }

    /// Whoever asks may push, or may not, while there are no accounts.
    pub(crate) fn asker(&self) -> Asker {
        match self.access {
            Access::PullAndPush => Asker::MayPush,
            Access::PullOnly => Asker::MayNotPush,
        }
    }

    /// Answers one request. A refusal is an answer too; the request is logged when its answer was sent.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        self.respond(request, None).await
    }

    /// Answers a request that was refused before anything was asked, and logs it like every other.
    pub async fn refuse<B>(&self, request: Request<B>, why: RegistryError) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        self.respond(request, Some(why)).await
    }

    async fn respond<B>(&self, request: Request<B>, refused: Option<RegistryError>) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let began = self.clock.monotonic();
        let (parts, body) = request.into_parts();
        let received_bytes = Arc::new(AtomicU64::new(0));
        let incoming = Incoming::new(body, received_bytes.clone());
        let route = route(parts.uri.path());
        let unknown_path = route.is_err().then(|| parts.uri.path().to_owned());
        let names = route
            .as_ref()
            .map(|route| Names::of(route, &Query::parse(parts.uri.query())))
            .unwrap_or_default();

        let (answered, counted) = calls::scope(Box::pin(async {
            match refused {
                Some(why) => Err(why),
                None => self.dispatch(route, &parts, incoming).await,
            }
        }))
        .await;
        let mut answer = answered.unwrap_or_else(|error| {
            if let RegistryError::Storage(cause) = &error {
                tracing::error!(
                    operation = names.operation,
                    repository = names.repository,
                    reference = names.reference,
                    %cause,
                    "a request failed"
                );
            }
            error_answer(&error)
        });
        if parts.method == Method::HEAD {
            answer = answer.map(AnswerBody::withheld);
        }
        // Docker's classic client takes a server without this header for a registry of version 1.
        answer.headers_mut().insert(DOCKER_API_VERSION, http::HeaderValue::from_static("registry/2.0"));
        let log = Box::new(Logged {
            clock: self.clock.clone(),
            began,
            operation: names.operation,
            method: parts.method,
            unknown_path,
            repository: names.repository,
            reference: names.reference,
            status: answer.status().as_u16(),
            received_bytes,
            sent_bytes: 0,
            counted,
        });
        answer.map(|body| body.logged(log))
    }

    async fn dispatch(
        &self,
        route: Result<Route<'_>, InvalidRequest>,
        parts: &Parts,
        incoming: Incoming,
    ) -> Answered {
        let head = Head::new(parts);
        match (route?, parts.method.as_str()) {
            (Route::Base, "GET" | "HEAD") => Ok(crate::answers::ping()),
            (Route::Catalog, "GET") => self.get_catalog(&head).await,
            (Route::Extensions { repository }, "GET") => self.get_extensions(repository.as_deref()),
            (Route::TagHistory { repository, tag }, "GET") => {
                self.get_tag_history(&repository, &tag, &head).await
            }
            (Route::RecycleBin { repository, digest: None }, "GET") => {
                self.get_recycle_bin(&repository, &head).await
            }
            (Route::RecycleBin { repository, digest: Some(digest) }, "POST") => {
                self.writable()?.restore(&repository, &digest).await
            }
            (Route::RecycleBin { repository, digest: Some(digest) }, "DELETE") => {
                self.writable()?.purge(&repository, &digest).await
            }
            (Route::Search { repository }, "GET") => self.get_search(repository.as_deref(), &head).await,
            (Route::Explain { repository, digest }, "GET") => {
                self.get_explanation(&repository, &digest).await
            }
            (Route::Policy { repository }, "GET") => self.get_policy(&repository).await,
            (Route::Policy { repository }, "PUT") => self.writable()?.put_policy(&repository, incoming).await,
            (Route::RegistryPolicy, "GET") => self.get_registry_policy().await,
            (Route::RegistryPolicy, "PUT") => self.writable()?.put_registry_policy(incoming).await,
            (Route::Types { repository, of }, "GET") => {
                self.get_types(repository.as_deref(), &of, &head).await
            }
            (Route::Types { repository, of: TypesRoute::Definition(artifact_type) }, "PUT") => {
                self.writable()?.put_type(repository.as_deref(), &artifact_type, incoming).await
            }
            (Route::Types { repository, of: TypesRoute::Definition(artifact_type) }, "DELETE") => {
                self.writable()?.delete_type(repository.as_deref(), &artifact_type).await
            }
            (Route::Tags { repository }, "GET") => self.get_tags(&repository, &head).await,
            (Route::Referrers { repository, digest }, "GET") => {
                self.get_referrers(&repository, &digest, &head).await
            }
            (Route::Manifest { repository, reference }, "GET") => {
                self.get_manifest(&repository, &reference).await
            }
            (Route::Manifest { repository, reference }, "HEAD") => {
                self.head_manifest(&repository, &reference).await
            }
            (Route::Blob { repository, digest }, "GET") => self.get_blob(&repository, &digest, &head).await,
            (Route::Blob { repository, digest }, "HEAD") => self.head_blob(&repository, &digest).await,
            (Route::Upload { repository, token }, "GET" | "HEAD") => {
                self.get_upload(&repository, &token).await
            }
            (Route::Manifest { repository, reference }, "PUT") => {
                self.writable()?.put_manifest(&repository, &reference, &head, incoming).await
            }
            (Route::Manifest { repository, reference }, "DELETE") => {
                self.writable()?.delete_manifest(&repository, &reference).await
            }
            (Route::Blob { repository, digest }, "DELETE") => {
                self.writable()?.delete_blob(&repository, &digest).await
            }
            (Route::Uploads { repository }, "POST") => {
                self.writable()?.post_upload(&repository, &head, incoming).await
            }
            (Route::Upload { repository, token }, "PATCH") => {
                self.writable()?.patch_upload(&repository, &token, &head, incoming).await
            }
            (Route::Upload { repository, token }, "PUT") => {
                self.writable()?.put_upload(&repository, &token, &head, incoming).await
            }
            (Route::Upload { repository, token }, "DELETE") => {
                self.writable()?.delete_upload(&repository, &token).await
            }
            (route, _) => Err(not_allowed(&route, &parts.method)),
        }
    }

    /// This registry, if the caller may push to it.
    fn writable(&self) -> Result<&Self, RegistryError> {
        match self.access {
            Access::PullAndPush => Ok(self),
            Access::PullOnly => Err(RegistryError::ReadOnly),
        }
    }
}

fn not_allowed(route: &Route<'_>, method: &Method) -> RegistryError {
    let allowed = match route {
        Route::Base => "GET, HEAD",
        Route::Catalog | Route::Extensions { .. } | Route::Tags { .. } | Route::Referrers { .. } => "GET",
        Route::RecycleBin { digest: None, .. } | Route::Explain { .. } | Route::TagHistory { .. } => "GET",
        Route::Search { .. } => "GET",
        Route::RecycleBin { digest: Some(_), .. } => "POST, DELETE",
        Route::Policy { .. } | Route::RegistryPolicy => "GET, PUT",
        Route::Types { of: TypesRoute::Definition(_), .. } => "GET, PUT, DELETE",
        Route::Types { .. } => "GET",
        Route::Manifest { .. } => "GET, HEAD, PUT, DELETE",
        Route::Blob { .. } => "GET, HEAD, DELETE",
        Route::Uploads { .. } => "POST",
        Route::Upload { .. } => "GET, PATCH, PUT, DELETE",
    };
    InvalidRequest::MethodNotAllowed { method: method.to_string(), allowed }.into()
}

/// What a request is about, for its log line.
#[derive(Default)]
struct Names {
    operation: &'static str,
    repository: String,
    reference: String,
}

impl Names {
    fn of(route: &Route<'_>, query: &Query<'_>) -> Self {
        let (operation, repository, reference) = match route {
            Route::Base => ("ping", "", ""),
            Route::Catalog => ("catalog", "", ""),
            Route::Extensions { repository } => ("extensions", repository.as_deref().unwrap_or(""), ""),
            Route::RecycleBin { repository, digest } => {
                ("recycle-bin", repository.as_ref(), digest.as_deref().unwrap_or_default())
            }
            Route::TagHistory { repository, tag } => ("tag-history", repository.as_ref(), tag.as_ref()),
            Route::Policy { repository } => ("policy", repository.as_ref(), ""),
            Route::RegistryPolicy => ("policy", "", ""),
            Route::Types { repository, of } => {
                let repository = repository.as_deref().unwrap_or_default();
                ("types", repository, of.artifact_type().unwrap_or_default())
            }
            Route::Search { repository } => ("search", repository.as_deref().unwrap_or_default(), ""),
            Route::Explain { repository, digest } => ("explain", repository.as_ref(), digest.as_ref()),
            Route::Tags { repository } => ("tags", repository.as_ref(), ""),
            Route::Manifest { repository, reference } => {
                ("manifest", repository.as_ref(), reference.as_ref())
            }
            Route::Referrers { repository, digest } => ("referrers", repository.as_ref(), digest.as_ref()),
            Route::Blob { repository, digest } => ("blob", repository.as_ref(), digest.as_ref()),
            Route::Uploads { repository } => (
                "open-upload",
                repository.as_ref(),
                query.get("mount").or_else(|| query.get("digest")).unwrap_or_default(),
            ),
            Route::Upload { repository, .. } => {
                ("upload", repository.as_ref(), query.get("digest").unwrap_or_default())
            }
        };
        Self { operation, repository: repository.to_owned(), reference: reference.to_owned() }
    }
}
