//! The two requests that push a blob: POST, then PUT with all of its bytes.

use std::fmt::Write as _;

use crate::content::Digest;
use crate::http::{MANIFEST, OCTETS, Origin, Request, resolve};

/// Asks for an upload.
pub fn open(request: &mut Request, repository: &str) {
    let target = request.start("POST", OCTETS);
    let _ = write!(target, "/v2/{repository}/blobs/uploads/");
    request.keep = true;
}

/// The target of the PUT that `location`, the answer to [`open`], leads to. Clients append the digest to
/// whatever query is there.
pub fn closing_target(
    origin: Origin,
    repository: &str,
    location: &str,
    digest: Digest,
) -> Result<String, String> {
    let opened = format!("/v2/{repository}/blobs/uploads/");
    let (at, mut target) = resolve(origin, &opened, location).map_err(|error| error.to_string())?;
    if at != origin {
        return Err(format!("Location {location} is on another host"));
    }
    let joint = if target.contains('?') { '&' } else { '?' };
    let digest = digest.to_string().replace(':', "%3A");
    let _ = write!(target, "{joint}digest={digest}");
    Ok(target)
}

/// Starts the closing PUT; the caller adds the body.
pub fn close(request: &mut Request, target: &str) {
    request.start("PUT", OCTETS).push_str(target);
    request.keep = true;
}

/// Pushes a manifest; the caller adds the body.
pub fn manifest(request: &mut Request, repository: &str, reference: &str) {
    let target = request.start("PUT", MANIFEST);
    let _ = write!(target, "/v2/{repository}/manifests/{reference}");
    request.keep = true;
}
