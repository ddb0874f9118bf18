//! `moorage audit`: what is not as it should be, and with `--repair` what was put right.

use std::process::ExitCode;

use moorage_collector::{Audited, Counts, Finding, Repair, Repaired};
use moorage_ports::Context;

use crate::cli::Audit;
use crate::storage::Storage;

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
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let place = audit.stored.place(false)?;
    let times = audit.keeping.settings(&place).times();
    let context = Context::system();
    let (storage, _) = Storage::open(&place, &context, &runtime)?;
    let repair = if audit.repair { Repair::Yes } else { Repair::No };
    let mut counts = Counts::default();
    let mut say = |finding: &Finding, repaired: Repaired| {
        counts.note(finding);
        println!("{}{}", finding.wrong, ending(repaired));
    };
    let auditor = storage.audit(context, times);
    let done = runtime.block_on(auditor.run(repair, &mut say));
    drop(auditor);
    drop(runtime);
    storage.close();
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
