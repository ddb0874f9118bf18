//! Moorage as one process: the whole registry on embedded storage.

mod cli;
mod greeting;
mod logging;
mod server;
mod startup;

use std::process::ExitCode;

use cli::Cli;

fn main() -> ExitCode {
    let serve = Cli::read();
    logging::start(serve.log);
    match startup::open(&serve).and_then(|registry| server::run(&serve, registry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moorage: {error}");
            ExitCode::FAILURE
        }
    }
}
