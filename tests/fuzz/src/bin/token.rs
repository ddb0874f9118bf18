//! No text opens as a token but one that was sealed with the secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_oci::{Algorithm, RepositoryName};
use moorage_operations::{TokenSecret, UploadToken};
use moorage_ports::{Nonce, Timestamp};

fuzz_target!(|input: (&str, u64, u64)| {
    let (text, id, expires) = input;
    let secret = TokenSecret::new(*b"what nobody can guess");
    let repository: RepositoryName = "team/app".parse().expect("a name");
    assert_eq!(UploadToken::open(text, &secret, &repository, Timestamp(0)), None);
    let token =
        UploadToken { id: Nonce(u128::from(id)), algorithm: Algorithm::Sha512, expires: Timestamp(expires) };
    let sealed = token.seal(&secret, &repository);
    let opened = UploadToken::open(&sealed, &secret, &repository, Timestamp(0));
    assert_eq!(opened, (expires > 0).then_some(token));
});
