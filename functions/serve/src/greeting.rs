//! What a stranger is told when the registry is up.

use std::net::SocketAddr;

/// Where it listens, where what is stored is, and two commands to try.
pub(crate) fn greeting(address: SocketAddr, place: &str) -> String {
    format!(
        "Moorage listens on http://{address}, and keeps {place}.\n\
         Try:\n  \
         docker pull hello-world && docker tag hello-world {address}/hello && docker push {address}/hello\n  \
         curl http://{address}/v2/_catalog\n\
         Ctrl-C stops it."
    )
}
