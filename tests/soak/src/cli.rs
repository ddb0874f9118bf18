//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use argh::FromArgs;

/// Pushes, deletes, restores and pulls while a registry collects and is killed, and checks that nothing is lost.
#[derive(FromArgs)]
pub struct Arguments {
    /// the registry's binary, which is started and killed; without it, one that runs already is given
    #[argh(option)]
    pub binary: Option<PathBuf>,
    /// options of one process, separated by spaces; once for each process
    #[argh(option)]
    pub process: Vec<String>,
    /// the host and port of a registry that runs already, and that kills its parts itself
    #[argh(option)]
    pub registry: Option<SocketAddr>,
    /// how long clients work (40)
    #[argh(option, default = "40")]
    pub seconds: u64,
    /// how many clients work at the same time (6)
    #[argh(option, default = "6")]
    pub clients: usize,
    /// the registry's grace, in milliseconds (2000)
    #[argh(option, default = "2000")]
    pub grace_ms: u64,
    /// how long its recycle bin keeps things, in milliseconds (2000)
    #[argh(option, default = "2000")]
    pub recycle_ms: u64,
    /// makes the same choices as an earlier run that said this seed
    #[argh(option, default = "1")]
    pub seed: u64,
    /// where logs go
    #[argh(option)]
    pub logs: PathBuf,
    /// the folder below which the bytes of blobs are
    #[argh(option)]
    pub objects: PathBuf,
    /// the host and port of DynamoDB, where references are there
    #[argh(option)]
    pub dynamodb: Option<SocketAddr>,
    /// the name of its table
    #[argh(option, default = "String::new()")]
    pub table: String,
    /// where the front door takes the events that AWS would deliver: the records of the table's stream, the schedule
    #[argh(option)]
    pub control: Option<SocketAddr>,
    /// how long to wait at the end for what nothing holds to go, in seconds (60)
    #[argh(option, default = "60")]
    pub patience: u64,
}
