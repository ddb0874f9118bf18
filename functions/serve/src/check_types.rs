//! `moorage types check`: what is wrong with the files of artifact type definitions. Needs no storage.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use moorage_types::DEFINITION_BYTES_MAX;

use crate::cli::CheckTypes;

/// Standard input, as a name of a file.
const STDIN: &str = "-";

/// How the files are, the worst of them last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Wrong,
    Unreadable,
}

/// One line for each file that is right, or for each thing that is wrong: `FILE:LINE:COLUMN: /pointer: problem`.
pub(crate) fn run(check: &CheckTypes) -> ExitCode {
    let outcomes = check.files.iter().map(|file| check_file(file));
    match outcomes.max().unwrap_or(Outcome::Right) {
        Outcome::Right => ExitCode::SUCCESS,
        Outcome::Wrong => ExitCode::from(1),
        Outcome::Unreadable => ExitCode::from(2),
    }
}

fn check_file(file: &Path) -> Outcome {
    let name = file.display();
    let bytes = match contents(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("moorage: {name}: {error}");
            return Outcome::Unreadable;
        }
    };
    let (lines, outcome) = match moorage_types::read(&bytes) {
        Ok(definition) => {
            let line = format!("{name}: right: {} {}\n", definition.artifact_type, definition.version);
            (line, Outcome::Right)
        }
        Err(faults) => {
            let lines = faults.iter().map(|fault| {
                let place = if fault.pointer.is_empty() { "the whole" } else { &fault.pointer };
                format!("{name}:{}:{}: {place}: {}\n", fault.line, fault.column, fault.problem)
            });
            (lines.collect(), Outcome::Wrong)
        }
    };
    // Whoever reads may have had enough (`| head`): that changes nothing about the files.
    let _shown = io::stdout().write_all(lines.as_bytes());
    outcome
}

/// The file, but not more of it than is needed to say that it is too long.
fn contents(file: &Path) -> io::Result<Vec<u8>> {
    let reader: Box<dyn Read> =
        if file == Path::new(STDIN) { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
    let mut bytes = Vec::new();
    reader.take(DEFINITION_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
