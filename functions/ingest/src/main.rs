//! `ingest`: records what came straight to S3.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    moorage_lambda::ingest().await
}
