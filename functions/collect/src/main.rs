//! `collect`: the changes of the table, and the schedule; takes away what nothing holds.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    moorage_lambda::collect().await
}
