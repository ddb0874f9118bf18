//! `collect`: the changes of the table, and the schedule. The collector itself is not built yet.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    moorage_lambda::collect().await
}
