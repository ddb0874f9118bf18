//! The end: everything is deleted, time passes, and what is left is counted.

use std::time::{Duration, Instant};

use anyhow::Result;
use moorage_kills::random::Random;

use crate::asker::{Asker, Silence};
use crate::client::{Client, SHARED, WILD, common};
use crate::findings::Kind;
use crate::left::{Left, Store};
use crate::world::World;

/// Each round deletes what no index holds any more: deeper than anything is nested.
const ROUNDS: usize = 40;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

impl Client<'_> {
    /// Deletes every manifest that the client ever pushed; tags go with them, and the rest by itself.
    pub fn delete_all(&mut self) -> Result<(), Silence> {
        for (repository, digests) in self.all_manifests() {
            delete(self.world(), self.asker(), &repository, digests)?;
        }
        Ok(())
    }
}

/// The same for what everybody pushed.
pub fn delete_common(world: &World) -> Result<(), Silence> {
    let mut asker = Asker::new(world, Random::new(0));
    for repository in [SHARED, WILD] {
        let digests = common().iter().map(|document| document.digest.to_string()).collect();
        delete(world, &mut asker, repository, digests)?;
    }
    Ok(())
}

fn delete(
    world: &World,
    asker: &mut Asker<'_>,
    repository: &str,
    digests: Vec<String>,
) -> Result<(), Silence> {
    let mut left = digests;
    for _ in 0..ROUNDS {
        let mut held = Vec::new();
        for digest in left {
            let target = format!("/v2/{repository}/manifests/{digest}");
            if asker.simple("delete: at the end", "DELETE", &target)?.status() == 405 {
                held.push(digest);
            }
        }
        left = held;
        if left.is_empty() {
            return Ok(());
        }
    }
    world.findings.add(Kind::LeftOver, repository, format!("{} manifests can't be deleted", left.len()));
    Ok(())
}

/// Waits until nothing is left that should not be, or the time is up; what is left then is found.
pub fn wait_until_nothing_is_left(world: &World, store: &Store, patience: Duration) -> Result<Left> {
    let began = Instant::now();
    loop {
        let left = store.left(world.cut_off())?;
        if left.unexplained.is_empty() || began.elapsed() > patience {
            for what in left.unexplained.iter().take(20) {
                let why = format!("still there {:.0?} after everything was deleted", began.elapsed());
                world.findings.add(Kind::LeftOver, what, why);
            }
            println!("{:.1} s after the last delete:", began.elapsed().as_secs_f64());
            return Ok(left);
        }
        std::thread::sleep(PAUSE);
    }
}
