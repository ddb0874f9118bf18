//! A running hash, put down between two requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Algorithm;

/// What [`Hasher::save`](crate::Hasher::save) gives and `restore` takes, as JSON
/// `{"algorithm":"sha256","bytes":4194304,"state":"<base64>"}` of about 200 bytes (sha512: 330).
///
/// **Nothing protects it.** Whoever can write it chooses the digest that comes out, and it holds the last
/// bytes that were hashed. So it stays on the server's side and never goes into a URL or token.
/// Its form is stable within `sha2` 0.11 (`digest::common::hazmat`), where it is 104 or 208 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashState {
    algorithm: Algorithm,
    bytes: u64,
    #[serde(serialize_with = "write_base64", deserialize_with = "read_base64")]
    state: Vec<u8>,
}

/// The state is not one that a hasher of this algorithm saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved {0} state of this upload cannot be read: start the upload again")]
pub struct InvalidHashState(pub Algorithm);

impl HashState {
    pub(crate) fn new(algorithm: Algorithm, bytes: u64, state: Vec<u8>) -> HashState {
        HashState { algorithm, bytes, state }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many bytes were hashed so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn state(&self) -> &[u8] {
        &self.state
    }
}

fn write_base64<S: Serializer>(state: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD_NO_PAD.encode(state))
}

fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hasher;

    #[test]
    fn the_stored_form_is_readable_and_of_a_known_size() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"abc");
        let stored = serde_json::to_string(&hasher.save()).expect("a state is JSON");
        assert!(stored.starts_with(r#"{"algorithm":"sha256","bytes":3,"state":"Z+YJ"#), "{stored}");
        assert_eq!(hasher.save().state().len(), 104);
        assert_eq!(Hasher::new(Algorithm::Sha512).save().state().len(), 208);
    }

    #[test]
    fn a_state_of_something_else_is_refused_not_believed() {
        let saved = Hasher::new(Algorithm::Sha256).save();
        let other = HashState::new(Algorithm::Sha512, 0, saved.state.clone());
        let refusal = Hasher::restore(&other).expect_err("104 bytes are no sha512 state");
        assert_eq!(refusal, InvalidHashState(Algorithm::Sha512));

        let mut impossible = saved;
        impossible.state[40] = 64; // A buffer of 64 bytes would have been a block.
        assert!(Hasher::restore(&impossible).is_err());
        assert!(
            serde_json::from_str::<HashState>(r#"{"algorithm":"sha256","bytes":0,"state":"%"}"#).is_err()
        );
    }
}
