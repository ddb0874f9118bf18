//! What can be said on the command line.

use std::path::PathBuf;

use argh::FromArgs;

/// Kills a registry at random while clients push, and checks that nothing acknowledged is lost.
#[derive(FromArgs)]
pub struct Arguments {
    /// the registry's binary
    #[argh(option)]
    pub binary: PathBuf,
    /// how often it is killed under load (60)
    #[argh(option, default = "60")]
    pub kills: usize,
    /// how many clients push at the same time (6)
    #[argh(option, default = "6")]
    pub clients: usize,
    /// makes the same choices as an earlier run that said this seed
    #[argh(option, default = "seed_of_today()")]
    pub seed: u64,
    /// instead of all that: damage data in known ways, and see whether it is noticed
    #[argh(switch)]
    pub sabotage: bool,
    /// keep data and logs also when all is well
    #[argh(switch)]
    pub keep: bool,
    /// where data and logs are; a fresh folder among the temporary ones by default
    #[argh(option)]
    pub folder: Option<PathBuf>,
}

fn seed_of_today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_millis() as u64 % 1_000_000_000)
}
