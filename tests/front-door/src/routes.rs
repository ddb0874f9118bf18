//! Which function answers a request: an HTTP API's routes.

use crate::template::Spec;

/// A route that matched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) function: usize,
    /// `GET /v2/{proxy+}`.
    pub(crate) key: String,
    /// What `{proxy+}` stood for.
    pub(crate) proxy: Option<String>,
}

/// A full match is preferred to a greedy one, as API Gateway does it.
pub(crate) fn find(specs: &[Spec], method: &str, path: &str) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (function, spec) in specs.iter().enumerate() {
        for (route_method, route_path) in &spec.routes {
            if route_method != method && route_method != "ANY" {
                continue;
            }
            let key = format!("{route_method} {route_path}");
            if route_path == path {
                return Some(Found { function, key, proxy: None });
            }
            let rest = route_path.strip_suffix("{proxy+}").and_then(|before| path.strip_prefix(before));
            if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                best = Some(Found { function, key, proxy: Some(rest.to_owned()) });
            }
        }
    }
    best
}
