//! What passed and what failed.

use anyhow::Result;

use crate::world::World;

/// Findings of which more are only counted.
const SHOWN_MAX: usize = 12;

#[derive(Default)]
pub struct Score {
    pub passed: usize,
    pub failed: usize,
}

impl Score {
    /// One check that has a name: it passed if nothing was found meanwhile. `false` if it failed.
    pub fn check(&mut self, world: &World, name: &str, check: impl FnOnce() -> Result<String>) -> bool {
        let before = world.findings.all().len();
        let outcome = check();
        let passed = outcome.is_ok() && world.findings.all().len() == before;
        let said = match outcome {
            Ok(said) => said,
            Err(error) => error.to_string(),
        };
        println!("{} {name}: {said}", if passed { "ok    " } else { "FAILED" });
        if passed {
            self.passed += 1
        } else {
            self.failed += 1
        }
        passed
    }

    /// What was found, in words, and how many acknowledged things are lost.
    pub fn show(world: &World) -> usize {
        let findings = world.findings.all();
        for finding in findings.iter().take(SHOWN_MAX) {
            println!("  {finding}");
        }
        if findings.len() > SHOWN_MAX {
            println!("  and {} more", findings.len() - SHOWN_MAX);
        }
        findings.iter().filter(|finding| finding.kind.is_loss()).count()
    }
}
