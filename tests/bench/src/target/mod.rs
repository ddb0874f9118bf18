//! What is measured: a registry (or a file server) that is started here, or one that runs already.

mod known;
mod process;
mod static_files;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use known::{KNOWN, Known};
pub use process::{Server, free_port};
pub use static_files::lay_out;

use crate::http::Origin;

/// What a target is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Ours,
    Peer,
    /// Serves files; what its rows are compared with.
    Static,
}

/// Whether an answered push is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syncs {
    Yes,
    No,
    Unknown,
    /// Takes no pushes.
    Never,
}

pub struct Target {
    pub name: String,
    pub role: Role,
    pub syncs: Syncs,
    how: How,
}

enum How {
    Known(&'static Known, PathBuf),
    /// A command with `{port}` and `{data}` in it.
    Command(String),
    Running(Origin),
}

/// What a start command is made for.
pub struct Place {
    pub binary: PathBuf,
    /// For configuration and logs; exists.
    pub folder: PathBuf,
    /// For the registry's data; exists.
    pub data: PathBuf,
    pub port: u16,
}

impl Target {
    /// Parses `NAME=PATH`, where NAME is one of [`KNOWN`].
    pub fn known(text: &str) -> Result<Self> {
        let (name, path) = pair(text)?;
        let known = KNOWN.iter().find(|known| known.name == name).with_context(|| {
            let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
            format!("{name}: not a registry known here ({}); use --start", names.join(", "))
        })?;
        let path = std::fs::canonicalize(path).with_context(|| format!("{name}: {path}"))?;
        Ok(Self { name: name.into(), role: known.role, syncs: known.syncs, how: How::Known(known, path) })
    }

    /// Parses `NAME=COMMAND`.
    pub fn command(text: &str) -> Result<Self> {
        let (name, command) = pair(text)?;
        if !command.contains("{port}") {
            bail!("{name}: a start command says where the registry listens: {{port}}");
        }
        Ok(Self::other(name, How::Command(command.into())))
    }

    /// Parses `NAME=URL`.
    pub fn running(text: &str) -> Result<Self> {
        let (name, url) = pair(text)?;
        Ok(Self::other(name, How::Running(Origin::parse(url)?)))
    }

    fn other(name: &str, how: How) -> Self {
        Self {
            name: name.into(),
            role: if name.starts_with("moorage") { Role::Ours } else { Role::Peer },
            syncs: Syncs::Unknown,
            how,
        }
    }

    /// Where a target that already runs is.
    pub fn origin_if_running(&self) -> Option<Origin> {
        match self.how {
            How::Running(origin) => Some(origin),
            _ => None,
        }
    }

    /// The command that starts it on `port`, with data in `data` and everything else in `folder`.
    pub fn start_command(&self, folder: &Path, data: &Path, port: u16) -> Result<Command> {
        for needed in [folder, data] {
            std::fs::create_dir_all(needed).with_context(|| needed.display().to_string())?;
        }
        match &self.how {
            How::Known(known, binary) => (known.command)(&Place {
                binary: binary.clone(),
                folder: folder.into(),
                data: data.into(),
                port,
            }),
            How::Command(line) => {
                let line =
                    line.replace("{port}", &port.to_string()).replace("{data}", &data.display().to_string());
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("exec {line}"));
                Ok(command)
            }
            How::Running(_) => bail!("{} runs already", self.name),
        }
    }

    /// Whether an answered push is on the disk, in words.
    pub fn durability(&self) -> &'static str {
        match self.how {
            How::Known(known, _) => known.durability,
            How::Command(_) | How::Running(_) => "not known",
        }
    }

    /// The version it says it is, for the report.
    pub fn version(&self) -> Option<String> {
        let How::Known(known, binary) = &self.how else {
            return None;
        };
        let output = Command::new(binary).args(known.version?).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let words = text.split(|c: char| c.is_whitespace() || "/\",:".contains(c));
        words.map(|word| word.trim_start_matches('v')).find(|word| is_version(word)).map(str::to_owned)
    }
}

/// Whether `word` begins as versions do: number, point, number.
fn is_version(word: &str) -> bool {
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    word.split_once('.').is_some_and(|(major, rest)| {
        !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()) && starts_with_digit(rest)
    })
}

fn pair(text: &str) -> Result<(&str, &str)> {
    text.split_once('=').with_context(|| format!("{text}: expected NAME=..."))
}
