//! What can be said on the command line, or in the environment.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use moorage_collector::Children;
use moorage_http::Access;
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{MissingChildren, Settings};
use tracing_subscriber::filter::LevelFilter;

use crate::events::EventOptions;

/// A registry for OCI artifacts: container images, Helm charts, and any other kind.
///
/// `moorage` alone serves, with the options of `moorage serve`.
#[derive(Parser)]
#[command(name = "moorage", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serves a registry until it is told to stop (Ctrl-C, SIGTERM).
    Serve(Serve),
    /// Reads what has changed, takes away what is due and nothing holds, and ends: for cron. `serve` does the same all
    /// the time, with --collect where it is on a bucket and a table.
    Collect(Collect),
    /// Says why a manifest or a blob is kept, or when and by what it goes.
    Explain(Explain),
    /// Walks over everything that is stored and says what is not as it should be. Ends with 0 where nothing was found,
    /// 1 where something was, 2 where it could not be done. May run beside everything else.
    Audit(Audit),
    /// Works on the files of artifact type definitions.
    #[command(subcommand)]
    Types(Types),
}

#[derive(Subcommand)]
enum Types {
    /// Says what is wrong with definitions of artifact types, and where in the file: FILE:LINE:COLUMN: /pointer: problem.
    /// Needs no registry. Ends with 0 where all are right, 1 where one is not, 2 where one could not be read.
    Check(CheckTypes),
}

#[derive(Args, Clone)]
pub(crate) struct CheckTypes {
    /// JSON files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Args, Clone)]
pub(crate) struct Collect {
    /// Does all that is due, and then ends. There is no other way yet, so it must be said.
    #[arg(long, required_unless_present = "dry_run")]
    once: bool,
    /// Says what is due, and what would become of it, and changes nothing at all.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) stored: Stored,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    #[command(flatten)]
    pub(crate) searching: Searching,
    #[command(flatten)]
    pub(crate) events: EventOptions,
    /// The least important messages to log, to standard error: as text on a terminal, else as JSON.
    #[arg(long, env = "MOORAGE_LOG", value_name = "LEVEL", default_value = "info")]
    pub(crate) log: LogLevel,
}

#[derive(Args, Clone)]
pub(crate) struct Explain {
    /// The repository, such as library/app.
    pub(crate) repository: RepositoryName,
    /// The digest of a manifest or of a blob, such as sha256:9f86…
    pub(crate) digest: Digest,
    #[command(flatten)]
    pub(crate) stored: Stored,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    /// The least important messages to log, to standard error: as text on a terminal, else as JSON.
    #[arg(long, env = "MOORAGE_LOG", value_name = "LEVEL", default_value = "info")]
    log: LogLevel,
}

#[derive(Args, Clone)]
pub(crate) struct Audit {
    /// Puts right what can be: asks for reviews that are missing, takes away holds and entries that are nobody's, and
    /// gives up old objects that nobody names, for the collector to delete. Without it nothing is changed.
    #[arg(long)]
    pub(crate) repair: bool,
    /// What the registry does with a manifest that names blobs or manifests which are not in its repository. Where it
    /// takes them, what is missing may never have been there, and is not told.
    #[arg(long, env = "MOORAGE_MISSING", value_name = "WHAT", default_value = "refuse")]
    missing: Missing,
    #[command(flatten)]
    pub(crate) stored: Stored,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    #[command(flatten)]
    pub(crate) searching: Searching,
    /// The least important messages to log, to standard error: as text on a terminal, else as JSON.
    #[arg(long, env = "MOORAGE_LOG", value_name = "LEVEL", default_value = "info")]
    log: LogLevel,
}

impl Audit {
    pub(crate) fn children(&self) -> Children {
        match self.missing {
            Missing::Refuse => Children::AllThere,
            Missing::Allow => Children::MayBeMissing,
        }
    }
}

/// What the process was told to do.
pub(crate) enum Told {
    Serve(Box<Serve>),
    Collect(Box<Collect>),
    Explain(Box<Explain>),
    Audit(Box<Audit>),
    CheckTypes(CheckTypes),
}

impl Told {
    pub(crate) fn log(&self) -> LogLevel {
        match self {
            Self::Serve(serve) => serve.log,
            Self::Collect(collect) => collect.log,
            Self::Explain(explain) => explain.log,
            Self::Audit(audit) => audit.log,
            Self::CheckTypes(_) => LogLevel::Off,
        }
    }
}

/// How long things stay that nothing holds.
#[derive(Args, Clone)]
pub(crate) struct Keeping {
    /// What was just pushed, or asked for by someone who may push, stays at least so long although nothing holds it:
    /// a number and a unit, such as 24h, 90m or 2s.
    #[arg(long, env = "MOORAGE_GRACE", value_name = "DURATION", default_value = "24h", value_parser = duration_ms)]
    grace: u64,

    /// What was deleted can be restored for so long; 0s: it goes for good after the grace.
    #[arg(long, env = "MOORAGE_RECYCLE", value_name = "DURATION", default_value = "7d", value_parser = duration_ms)]
    recycle: u64,

    /// How long an upload may take, in seconds.
    #[arg(long, env = "MOORAGE_UPLOAD_AGE_MAX", value_name = "SECONDS", default_value_t = Settings::default().upload_age_max_ms / 1000)]
    upload_age_max: u64,
}

fn duration_ms(text: &str) -> Result<u64, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a number and a unit, such as 24h, 90m or 2s"))?;
    u64::try_from(duration.as_millis()).map_err(|_| "that is too long".to_owned())
}

/// Whether what is pushed can be searched for.
#[derive(Args, Clone)]
pub(crate) struct Searching {
    /// Whether what is pushed can be searched for. Whoever collects writes what that takes: all processes on one
    /// storage should be told the same. `moorage audit --repair` adds what was pushed while it was off.
    #[arg(long, env = "MOORAGE_SEARCH", value_name = "WHETHER", default_value = "on")]
    search: Switch,
}

impl Searching {
    pub(crate) fn is_on(&self) -> bool {
        self.search == Switch::On
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Where everything is stored, as it is said.
#[derive(Args, Clone)]
pub(crate) struct Stored {
    /// The directory for everything that is stored. Made if it is not there; one process at a time. Not used
    /// with --bucket and --table.
    #[arg(long, env = "MOORAGE_DATA", value_name = "DIRECTORY", default_value = "./moorage-data")]
    data: PathBuf,

    /// The S3 bucket for blobs, together with --table. Endpoints, region and credentials come from the standard
    /// variables of AWS (AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_DYNAMODB, AWS_ACCESS_KEY_ID, ...).
    /// Any number of processes may use one bucket and table.
    #[arg(long, env = "MOORAGE_BUCKET", value_name = "NAME")]
    bucket: Option<String>,

    /// The DynamoDB table for references, together with --bucket.
    #[arg(long, env = "MOORAGE_TABLE", value_name = "NAME")]
    table: Option<String>,
}

#[derive(Args, Clone)]
pub(crate) struct Serve {
    /// Where to listen. Port 0 takes a free one and says which. On an address that other machines can reach,
    /// --anonymous must be given too.
    #[arg(long, env = "MOORAGE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) stored: Stored,

    #[command(flatten)]
    keeping: Keeping,

    /// With --bucket and --table: this process takes away what nothing holds. One is enough; at most two can read a
    /// table's stream, and where the functions run, one of them does it. In a directory it is always done.
    #[arg(long, env = "MOORAGE_COLLECT")]
    pub(crate) collect: bool,

    #[command(flatten)]
    searching: Searching,

    #[command(flatten)]
    pub(crate) events: EventOptions,

    /// Makes the bucket and the table where they are not there. Without it, what is missing is named.
    #[arg(long)]
    create: bool,

    /// What everyone may do, there being no accounts yet. On a loopback address: push, if nothing is said.
    #[arg(long, env = "MOORAGE_ANONYMOUS", value_name = "WHAT")]
    pub(crate) anonymous: Option<Anonymous>,

    /// What to do with a manifest that names blobs or manifests which are not in its repository.
    #[arg(long, env = "MOORAGE_MISSING", value_name = "WHAT", default_value = "refuse")]
    missing: Missing,

    /// The longest manifest that is taken, in bytes.
    #[arg(long, env = "MOORAGE_MANIFEST_BYTES_MAX", value_name = "BYTES", default_value_t = Settings::default().manifest_bytes_max)]
    manifest_bytes_max: usize,

    /// Clients are sent to the bucket for blobs of at least so many bytes (0: for all), and get smaller ones from
    /// here. They must be able to reach the bucket's endpoint under the address that this process uses for it;
    /// where they cannot, give a number that no blob comes to. Without --bucket, all blobs come from here.
    #[arg(long, env = "MOORAGE_REDIRECT_BYTES_MIN", value_name = "BYTES", default_value_t = Settings::default().redirect_bytes_min)]
    redirect_bytes_min: u64,

    /// How many requests one client address may make in a second, for a long time; some seconds' worth may come
    /// at once. What is more gets 429 and Retry-After. Without it there is no limit. Behind a proxy all clients
    /// have one address, the proxy's: then limit them there.
    #[arg(long, env = "MOORAGE_CLIENT_REQUESTS_PER_SECOND", value_name = "N")]
    pub(crate) client_requests_per_second: Option<NonZeroU32>,

    /// The least important messages to log, to standard error: as text on a terminal, else as JSON. A request
    /// is one line, at `info`.
    #[arg(long, env = "MOORAGE_LOG", value_name = "LEVEL", default_value = "info")]
    pub(crate) log: LogLevel,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Anonymous {
    /// Everyone may pull, push and delete.
    Push,
    /// Everyone may pull; nobody may push or delete.
    Pull,
}

#[derive(Clone, Copy, ValueEnum)]
enum Missing {
    /// Refuse it, and say what is missing.
    Refuse,
    /// Take it; what comes later is held from its first moment.
    Allow,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

impl Cli {
    /// Reads the command line, and the environment. Says what is wrong and ends the process where it is.
    pub(crate) fn read() -> Told {
        let cli = Self::parse();
        match cli.command {
            Some(Command::Serve(serve)) => Told::Serve(Box::new(serve)),
            Some(Command::Collect(collect)) => Told::Collect(Box::new(collect)),
            Some(Command::Explain(explain)) => Told::Explain(Box::new(explain)),
            Some(Command::Audit(audit)) => Told::Audit(Box::new(audit)),
            Some(Command::Types(Types::Check(check))) => Told::CheckTypes(check),
            None => Told::Serve(Box::new(cli.serve)),
        }
    }
}

/// Where everything is stored.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Place<'a> {
    Directory(&'a Path),
    Aws {
        bucket: &'a str,
        table: &'a str,
        /// Whether to make what is not there.
        create: bool,
    },
}

impl Stored {
    /// Where everything is stored. A variable that is set to nothing is not set.
    ///
    /// # Errors
    /// Where half of a place was said.
    pub(crate) fn place(&self, create: bool) -> Result<Place<'_>, String> {
        let named = |name: &'_ Option<String>| name.as_deref().is_some_and(|name| !name.is_empty());
        match (&self.bucket, &self.table) {
            (Some(bucket), Some(table)) if !bucket.is_empty() && !table.is_empty() => {
                Ok(Place::Aws { bucket, table, create })
            }
            _ if named(&self.bucket) => {
                Err("--bucket was given without --table: blobs go to the bucket, references \
                                             to a DynamoDB table, so give --table NAME (MOORAGE_TABLE) too"
                    .to_owned())
            }
            _ if named(&self.table) => {
                Err("--table was given without --bucket: references go to the table, blobs to \
                                            an S3 bucket, so give --bucket NAME (MOORAGE_BUCKET) too"
                    .to_owned())
            }
            _ if create => Err("--create makes a bucket and a table: name them with --bucket and --table \
                                     (a directory is made without it)"
                .to_owned()),
            _ => Ok(Place::Directory(&self.data)),
        }
    }
}

impl Keeping {
    /// The settings that say how long things stay; on AWS clients are given URLs to objects.
    pub(crate) fn settings(&self, place: &Place<'_>) -> Settings {
        Settings {
            grace_ms: self.grace,
            recycle_ms: self.recycle,
            upload_age_max_ms: self.upload_age_max.saturating_mul(1000),
            signs_urls: matches!(place, Place::Aws { .. }),
            ..Settings::default()
        }
    }
}

impl Serve {
    /// Where everything is stored.
    ///
    /// # Errors
    /// Where half of a place was said.
    pub(crate) fn place(&self) -> Result<Place<'_>, String> {
        self.stored.place(self.create)
    }

    pub(crate) fn settings(&self, place: &Place<'_>) -> Settings {
        Settings {
            missing: match self.missing {
                Missing::Refuse => MissingChildren::Refuse,
                Missing::Allow => MissingChildren::Allow,
            },
            manifest_bytes_max: self.manifest_bytes_max,
            redirect_bytes_min: self.redirect_bytes_min,
            search: self.searching.is_on(),
            ..self.keeping.settings(place)
        }
    }

    /// What everyone may do.
    ///
    /// # Errors
    /// Where other machines can reach the address and nothing was said.
    pub(crate) fn access(&self) -> Result<Access, String> {
        match self.anonymous {
            Some(Anonymous::Push) => Ok(Access::PullAndPush),
            Some(Anonymous::Pull) => Ok(Access::PullOnly),
            None if self.listen.ip().is_loopback() => Ok(Access::PullAndPush),
            None => Err(format!(
                "{} can be reached by other machines, and there are no accounts yet. Say what everyone may do: \
                 --anonymous pull, or --anonymous push; or listen on 127.0.0.1",
                self.listen
            )),
        }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

#[cfg(test)]
mod tests {
    use moorage_collector::Times;

    use super::*;

    fn read(arguments: &[&str]) -> Serve {
        let cli = Cli::try_parse_from(std::iter::once(&"moorage").chain(arguments)).expect("arguments");
        match cli.command {
            Some(Command::Serve(serve)) => serve,
            Some(_) => panic!("it is not to serve"),
            None => cli.serve,
        }
    }

    #[test]
    fn times_have_units() {
        let serve = read(&["--grace", "2s", "--recycle", "0s"]);
        let settings = serve.settings(&serve.place().expect("a place"));
        assert_eq!((settings.grace_ms, settings.recycle_ms, settings.signs_urls), (2000, 0, false));
        let settings = read(&[]).settings(&Place::Aws { bucket: "b", table: "t", create: false });
        assert_eq!((settings.grace_ms, settings.recycle_ms), (Times::GRACE_MS, Times::RECYCLE_MS));
        assert!(settings.signs_urls);
        for wrong in ["2", "soon", "-1s"] {
            assert!(Cli::try_parse_from(["moorage", "--grace", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_round_is_asked_for_or_only_told() {
        let collects =
            |arguments: &[&str]| Cli::try_parse_from(["moorage", "collect"].iter().chain(arguments)).is_ok();
        assert!(collects(&["--once"]) && collects(&["--dry-run"]) && !collects(&[]));
    }

    #[test]
    fn what_is_to_be_explained_is_a_digest_in_a_repository() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let explains =
            |arguments: &[&str]| Cli::try_parse_from(["moorage", "explain"].iter().chain(arguments)).is_ok();
        assert!(explains(&["library/app", &digest, "--data", "d"]));
        assert!(
            !explains(&["library/app"]) && !explains(&["library/app", "v1"]) && !explains(&["A", &digest])
        );
    }

    #[test]
    fn definitions_are_checked_from_files() {
        let checks =
            |arguments: &[&str]| Cli::try_parse_from(["moorage", "types"].iter().chain(arguments)).is_ok();
        assert!(checks(&["check", "a.json", "-"]) && !checks(&["check"]) && !checks(&[]));
    }

    #[test]
    fn serve_may_be_left_out() {
        for arguments in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            assert_eq!(read(arguments).listen.port(), 0);
        }
    }

    #[test]
    fn a_bucket_and_a_table_come_together() {
        assert_eq!(read(&[]).place(), Ok(Place::Directory(Path::new("./moorage-data"))));
        let both = read(&["--bucket", "b", "--table", "t", "--data", "d"]);
        assert_eq!(both.place(), Ok(Place::Aws { bucket: "b", table: "t", create: false }));
        let both = read(&["--bucket", "b", "--table", "t", "--create"]);
        assert_eq!(both.place(), Ok(Place::Aws { bucket: "b", table: "t", create: true }));
        for (half, wanted) in [
            (&["--bucket", "b"][..], "--table NAME"),
            (&["--table", "t"], "--bucket NAME"),
            (&["--bucket", "b", "--table", ""], "--table NAME"),
            (&["--create"], "--bucket and --table"),
        ] {
            let refused = read(half).place().expect_err("a half");
            assert!(refused.contains(wanted), "{half:?}: {refused}");
        }
        assert_eq!(
            read(&["--bucket", "", "--table", "", "--data", "d"]).place(),
            Ok(Place::Directory(Path::new("d")))
        );
    }

    #[test]
    fn an_address_that_others_reach_needs_a_choice() {
        assert_eq!(read(&[]).access(), Ok(Access::PullAndPush));
        assert_eq!(read(&["--listen", "[::1]:0"]).access(), Ok(Access::PullAndPush));
        let refused = read(&["--listen", "0.0.0.0:0"]).access().expect_err("no choice was made");
        assert!(refused.contains("--anonymous"), "{refused}");
        assert_eq!(read(&["--listen", "0.0.0.0:0", "--anonymous", "pull"]).access(), Ok(Access::PullOnly));
        assert_eq!(read(&["--listen", "0.0.0.0:0", "--anonymous", "push"]).access(), Ok(Access::PullAndPush));
    }
}
