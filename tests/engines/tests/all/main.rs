//! That the doubles do what S3 and DynamoDB do, so that a fault of theirs is not taken for one of ours.

mod counting;
mod dynamodb;
mod dynamodb_streams;
mod loopback;
mod s3_listing;
mod s3_multipart;
mod s3_objects;
mod s3_signatures;

use std::error::Error;

use aws_sdk_s3::error::ProvideErrorMetadata;

type Outcome = Result<(), Box<dyn Error>>;

/// The code that a request was refused with; `"nothing"` when it was not.
fn refused<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> String {
    match answer {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}
