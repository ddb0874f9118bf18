//! A hash that runs along while bytes arrive, and can be put down and taken up again.

use sha2::Digest as _;
use sha2::digest::common::hazmat::SerializableState;

use crate::hash_state::{HashState, InvalidHashState};
use crate::{Algorithm, Digest};

/// The running hash of one algorithm, and how many bytes it has seen.
///
/// [`save`](Hasher::save) and [`restore`](Hasher::restore) let an upload go on in another request, on
/// another machine: a restored hasher ends in the same digest as one that ran straight through.
#[derive(Clone, Debug)]
pub struct Hasher {
    state: State,
    bytes: u64,
}

#[derive(Clone, Debug)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Has seen no byte yet.
    pub fn new(algorithm: Algorithm) -> Hasher {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        };
        Hasher { state, bytes: 0 }
    }

    pub fn algorithm(&self) -> Algorithm {
        match self.state {
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// How many bytes went in.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
        }
        self.bytes += bytes.len() as u64;
    }

    /// The digest of all that went in.
    pub fn finish(self) -> Digest {
        let algorithm = self.algorithm();
        match self.state {
            State::Sha256(hash) => Digest::from_hash(algorithm, &hash.finalize()),
            State::Sha512(hash) => Digest::from_hash(algorithm, &hash.finalize()),
        }
    }

    /// All that is needed to go on later.
    pub fn save(&self) -> HashState {
        let state = match &self.state {
            State::Sha256(hash) => hash.serialize().to_vec(),
            State::Sha512(hash) => hash.serialize().to_vec(),
        };
        HashState::new(self.algorithm(), self.bytes, state)
    }

    /// Goes on where [`save`](Hasher::save) stopped.
    ///
    /// # Errors
    /// The state is not one that `save` made: wrong length, or an impossible buffer.
    pub fn restore(saved: &HashState) -> Result<Hasher, InvalidHashState> {
        let refused = || InvalidHashState(saved.algorithm());
        let state = match saved.algorithm() {
            Algorithm::Sha256 => State::Sha256(revive(saved.state()).ok_or_else(refused)?),
            Algorithm::Sha512 => State::Sha512(revive(saved.state()).ok_or_else(refused)?),
        };
        Ok(Hasher { state, bytes: saved.bytes() })
    }
}

fn revive<H: SerializableState>(state: &[u8]) -> Option<H> {
    H::deserialize(state.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than two blocks of either algorithm (64 and 128 bytes), in bytes that differ.
    fn content() -> Vec<u8> {
        (0..300u32).map(|i| (i * 7 % 251) as u8).collect()
    }

    #[test]
    fn put_down_and_taken_up_at_any_byte_is_the_same_as_straight_through() {
        let content = content();
        for algorithm in Algorithm::ALL {
            let straight = Digest::of(algorithm, &content);
            for split in 0..=content.len() {
                let mut first = Hasher::new(algorithm);
                first.update(&content[..split]);
                let stored = serde_json::to_string(&first.save()).expect("a state is JSON");
                let state: HashState = serde_json::from_str(&stored).expect("as it was written");
                let mut second = Hasher::restore(&state).expect("a saved state");
                assert_eq!(second.bytes(), split as u64);
                second.update(&content[split..]);
                assert_eq!(second.bytes(), content.len() as u64);
                assert_eq!(second.save().bytes(), content.len() as u64);
                assert_eq!(second.finish(), straight, "{algorithm} split at {split}");
            }
        }
    }

    #[test]
    fn saving_many_times_near_block_borders_changes_nothing() {
        let content = content();
        for algorithm in Algorithm::ALL {
            for step in [1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129] {
                let mut hasher = Hasher::new(algorithm);
                for chunk in content.chunks(step) {
                    hasher.update(chunk);
                    hasher = Hasher::restore(&hasher.save()).expect("a saved state");
                }
                assert_eq!(hasher.finish(), Digest::of(algorithm, &content), "{algorithm} by {step}");
            }
        }
    }
}
