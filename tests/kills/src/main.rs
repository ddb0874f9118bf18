//! `moorage-kills`: see the library.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    moorage_kills::run()
}
