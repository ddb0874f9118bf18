//! Opening an upload: no read, no write.

use moorage_oci::{Algorithm, RepositoryName};

use super::token::UploadToken;
use crate::registry::Push;

impl Push {
    /// An upload whose chunks are hashed with `algorithm`.
    #[must_use]
    pub fn open_upload(&self, algorithm: Algorithm) -> UploadToken {
        UploadToken {
            id: self.common.context.random.nonce(),
            algorithm,
            expires: self.now().plus_ms(self.settings().upload_age_max_ms),
        }
    }

    /// The text of an upload's token, for the path of its Location.
    #[must_use]
    pub fn seal_upload(&self, repository: &RepositoryName, token: UploadToken) -> String {
        token.seal(&self.common.secret, repository)
    }
}
