//! The token of an upload: all that there is of it before its first chunk, and its name afterwards.
//!
//! It stands in the *path* of the Location, since some clients drop or re-sort the query; so it has
//! unreserved characters only (base64 for URLs, without padding).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use moorage_oci::{Algorithm, RepositoryName};
use moorage_ports::{Nonce, Timestamp};
use sha2::Sha256;

const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const ALGORITHM_AT: usize = ID_BYTES + TIME_BYTES;
const SIGNED_BYTES: usize = ALGORITHM_AT + 1;
/// Half of HMAC-SHA256, the least that RFC 2104 allows.
const MAC_BYTES: usize = 16;

/// What tokens are signed with. One for all instances of a registry.
#[derive(Clone)]
pub struct TokenSecret(Vec<u8>);

impl TokenSecret {
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    fn mac(&self, signed: &[u8], repository: &RepositoryName) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(signed);
        mac.update(repository.as_str().as_bytes());
        mac
    }
}

/// An upload that was opened for one repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UploadToken {
    pub id: Nonce,
    /// The digest algorithm that runs along with the chunks.
    pub algorithm: Algorithm,
    pub expires: Timestamp,
}

impl UploadToken {
    /// The token's text, for this repository only.
    #[must_use]
    pub fn seal(&self, secret: &TokenSecret, repository: &RepositoryName) -> String {
        let mut token = Vec::with_capacity(SIGNED_BYTES + MAC_BYTES);
        token.extend(self.id.0.to_be_bytes());
        token.extend(self.expires.0.to_be_bytes());
        token.push(match self.algorithm {
            Algorithm::Sha256 => 1,
            Algorithm::Sha512 => 2,
        });
        let mac = secret.mac(&token, repository).finalize().into_bytes();
        token.extend_from_slice(&mac[..MAC_BYTES]);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token's text. `None` where it was not made by us for this repository, or is too old.
    #[must_use]
    pub fn open(
        text: &str,
        secret: &TokenSecret,
        repository: &RepositoryName,
        now: Timestamp,
    ) -> Option<Self> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, mac) = token.split_at_checked(SIGNED_BYTES)?;
        if mac.len() != MAC_BYTES {
            return None;
        }
        secret.mac(signed, repository).verify_truncated_left(mac).ok()?;
        let id = Nonce(u128::from_be_bytes(signed[..ID_BYTES].try_into().ok()?));
        let expires = Timestamp(u64::from_be_bytes(signed[ID_BYTES..ALGORITHM_AT].try_into().ok()?));
        let algorithm = match signed[ALGORITHM_AT] {
            1 => Algorithm::Sha256,
            2 => Algorithm::Sha512,
            _ => return None,
        };
        (expires > now).then_some(Self { id, algorithm, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> UploadToken {
        UploadToken { id: Nonce(7), algorithm: Algorithm::Sha512, expires: Timestamp(1_000) }
    }

    fn repository(name: &str) -> RepositoryName {
        name.parse().expect("a name")
    }

    #[test]
    fn it_opens_for_its_repository_until_it_expires() {
        let secret = TokenSecret::new(*b"secret");
        let text = token().seal(&secret, &repository("a/b"));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        let open = |name: &str, now| UploadToken::open(&text, &secret, &repository(name), Timestamp(now));
        assert_eq!(open("a/b", 999), Some(token()));
        assert_eq!(open("a/b", 1_000), None);
        assert_eq!(open("a/c", 999), None);
        assert_eq!(
            UploadToken::open(&text, &TokenSecret::new(*b"other"), &repository("a/b"), Timestamp(1)),
            None
        );
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let secret = TokenSecret::new(*b"secret");
        let text = token().seal(&secret, &repository("a"));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(
                UploadToken::open(&changed, &secret, &repository("a"), Timestamp(1)),
                None,
                "{changed}"
            );
            assert_eq!(UploadToken::open(&text[..at], &secret, &repository("a"), Timestamp(1)), None);
        }
    }
}
