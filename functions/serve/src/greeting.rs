//! What a stranger is told when the registry is up.

use std::net::SocketAddr;
use std::path::Path;

/// Where it listens, where the data is, and two commands to try.
pub(crate) fn greeting(address: SocketAddr, data: &Path) -> String {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    format!(
        "Moorage listens on http://{address}, and keeps everything in {}.\n\
         Try:\n  \
         docker pull hello-world && docker tag hello-world {address}/hello && docker push {address}/hello\n  \
         curl http://{address}/v2/_catalog\n\
         Ctrl-C stops it.",
        data.display()
    )
}
