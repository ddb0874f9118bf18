//! Where requests go, and what a `Location` means.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, bail, ensure};

/// A server on this machine, as address and port.
///
/// Only loopback addresses are taken: the figures are about a server, and over a network they would be
/// about the network (and a load driver should not be easy to aim at someone else's registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(SocketAddr);

impl Origin {
    /// `port` of 127.0.0.1.
    pub fn local(port: u16) -> Self {
        Self(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Parses `http://host:port`, whatever path follows.
    pub fn parse(url: &str) -> Result<Self> {
        let rest =
            url.strip_prefix("http://").with_context(|| format!("{url}: only plain http:// is driven"))?;
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let with_port = match authority.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
            _ => format!("{authority}:80"),
        };
        let address = with_port
            .to_socket_addrs()
            .with_context(|| format!("{url}: no such host"))?
            .find(|address| address.ip().is_loopback());
        match address {
            Some(address) => Ok(Self(address)),
            None => bail!("{url}: not a loopback address; start the registry on this machine"),
        }
    }

    pub fn address(self) -> SocketAddr {
        self.0
    }
}

/// Resolves `location`, the header of an answer to `target` on `base`: absolute, absolute path, or relative.
pub fn resolve(base: Origin, target: &str, location: &str) -> Result<(Origin, String)> {
    ensure!(!location.is_empty(), "an answer without Location");
    if let Some(rest) = location.strip_prefix("http://") {
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        return Ok((Origin::parse(location)?, path.to_owned()));
    }
    ensure!(!location.contains("://"), "cannot follow Location {location}");
    if location.starts_with('/') {
        return Ok((base, location.to_owned()));
    }
    let path = target.split('?').next().unwrap_or(target);
    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
    Ok((base, format!("{folder}{location}")))
}

#[cfg(test)]
mod tests {
    use super::{Origin, resolve};

    #[test]
    fn locations_of_all_three_kinds_resolve() {
        let base = Origin::local(5000);
        let path = |location| {
            resolve(base, "/v2/a/blobs/uploads/", location)
                .map(|(origin, path)| (origin.address().port(), path))
        };
        assert_eq!(path("/up/1?s=2").ok(), Some((5000, "/up/1?s=2".into())));
        assert_eq!(path("http://127.0.0.1:6000/up/1").ok(), Some((6000, "/up/1".into())));
        assert_eq!(path("one").ok(), Some((5000, "/v2/a/blobs/uploads/one".into())));
        assert!(path("https://127.0.0.1/up").is_err());
    }

    #[test]
    fn only_this_machine_is_a_target() {
        assert!(Origin::parse("http://localhost:5000/x").is_ok());
        assert!(Origin::parse("http://192.0.2.1:5000").is_err());
    }
}
