//! `pull`: GET and HEAD, with no right to write but a keep-until time.

use std::process::ExitCode;

use moorage_lambda::{Half, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    serve(Half::Pull).await
}
