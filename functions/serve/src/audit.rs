//! `moorage audit`: what is not as it should be, and with `--repair` what was put right.

use std::process::ExitCode;

use moorage_collector::{Audited, Counts, Finding, Repair, Repaired};

use crate::cli::Audit;
use crate::managing::Managed;

const NOTHING_FOUND: u8 = 0;
const SOMETHING_FOUND: u8 = 1;
const COULD_NOT_RUN: u8 = 2;

/// Audits, and says by its status whether something was found.
pub(crate) fn run(audit: &Audit) -> ExitCode {
    match audited(audit) {
        Ok(0) => ExitCode::from(NOTHING_FOUND),
        Ok(_) => ExitCode::from(SOMETHING_FOUND),
        Err(error) => {
            eprintln!("moorage: {error}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// How many things were found.
fn audited(audit: &Audit) -> Result<u64, String> {
    let mut managed = Managed::open(&audit.stored, &audit.keeping)?;
    managed.settings.search = audit.searching.is_on();
    let repair = if audit.repair { Repair::Yes } else { Repair::No };
    let mut counts = Counts::default();
    let mut say = |finding: &Finding, repaired: Repaired| {
        counts.note(finding);
        println!("{}{}", finding.wrong, ending(repaired));
    };
    let auditor = managed.storage.audit(managed.context.clone(), managed.settings.times(), audit.children());
    let auditor = auditor.searched(managed.settings.search);
    let done = managed.runtime.block_on(auditor.run(repair, &mut say));
    drop(auditor);
    managed.close();
    let done = done.map_err(|error| error.to_string())?;
    println!("{}", summary(&done, &counts));
    Ok(done.found)
}

fn ending(repaired: Repaired) -> &'static str {
    match repaired {
        Repaired::NotAsked => "",
        Repaired::Done => "; repaired",
        Repaired::Changed => "; changed meanwhile: audit again",
        Repaired::Cannot => "; cannot be repaired",
    }
}

fn summary(done: &Audited, counts: &Counts) -> String {
    let seen = format!("{} items and {} objects", done.items, done.objects);
    if done.found == 0 {
        return format!("{seen}: all is as it should be");
    }
    format!("{seen}: {} found ({counts}), {} repaired", done.found, done.repaired)
}
