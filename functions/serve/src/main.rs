//! Moorage as one process: the whole registry, on embedded storage or on S3 and DynamoDB.

mod cli;
mod client_rates;
mod greeting;
mod logging;
mod server;
mod startup;
mod storage;

use std::process::ExitCode;

use cli::Cli;

fn main() -> ExitCode {
    let serve = Cli::read();
    logging::start(serve.log);
    match server::run(&serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moorage: {error}");
            ExitCode::FAILURE
        }
    }
}
