//! Moorage as one process: the whole registry, on embedded storage or on S3 and DynamoDB.

mod audit;
mod check_types;
mod cli;
mod client_rates;
mod collect_once;
mod collecting;
mod events;
mod explain;
mod greeting;
mod logging;
mod managing;
mod server;
mod startup;
mod storage;

use std::process::ExitCode;

use cli::{Cli, Told};

fn main() -> ExitCode {
    let told = Cli::read();
    logging::start(told.log());
    let done = match &told {
        Told::Serve(serve) => server::run(serve),
        Told::Collect(collect) if collect.dry_run => explain::dry_run(collect),
        Told::Collect(collect) => collect_once::run(collect),
        Told::Explain(explain) => explain::run(explain),
        Told::Audit(audit) => return audit::run(audit),
        Told::CheckTypes(check) => return check_types::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moorage: {error}");
            ExitCode::FAILURE
        }
    }
}
