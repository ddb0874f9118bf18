//! `push`: POST, PATCH, PUT and DELETE.

use std::process::ExitCode;

use moorage_lambda::{Half, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    serve(Half::Push).await
}
