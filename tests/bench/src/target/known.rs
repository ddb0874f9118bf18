//! The servers that can be started by name, each with its own defaults: logging as it comes, no accounts,
//! storage in a directory.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Place, Role, Syncs};

pub struct Known {
    pub name: &'static str,
    pub role: Role,
    pub syncs: Syncs,
    /// The same in words, by its documentation and by count (mode `syncs`).
    pub durability: &'static str,
    /// Arguments that make it say its version; `None` if it does not say.
    pub version: Option<&'static [&'static str]>,
    pub command: fn(&Place) -> Result<Command>,
}

pub const KNOWN: &[Known] = &[
    Known {
        name: "moorage",
        role: Role::Ours,
        syncs: Syncs::Yes,
        durability: "yes; concurrent requests share a sync",
        version: Some(&["--version"]),
        command: moorage,
    },
    Known {
        name: "distribution",
        role: Role::Peer,
        syncs: Syncs::Yes,
        durability: "yes",
        version: Some(&["--version"]),
        command: distribution,
    },
    Known {
        name: "zot",
        role: Role::Peer,
        syncs: Syncs::No,
        durability: "no: its databases are synced, blobs and manifests are not (`commit` is off by default)",
        version: None,
        command: zot,
    },
    Known {
        name: "olareg",
        role: Role::Peer,
        syncs: Syncs::No,
        durability: "no",
        version: Some(&["version"]),
        command: olareg,
    },
    Known {
        name: "angos",
        role: Role::Peer,
        syncs: Syncs::No,
        durability: "no, by default",
        version: None,
        command: angos,
    },
    Known {
        name: "nginx",
        role: Role::Static,
        syncs: Syncs::Never,
        durability: "takes no pushes",
        version: Some(&["-v"]),
        command: nginx,
    },
];

fn moorage(place: &Place) -> Result<Command> {
    let mut command = Command::new(&place.binary);
    command.args(["serve", "--listen", &format!("127.0.0.1:{}", place.port), "--data"]);
    command.arg(&place.data);
    Ok(command)
}

/// The example configuration it ships, without accounts.
fn distribution(place: &Place) -> Result<Command> {
    let text = format!(
        "version: 0.1\n\
         log:\n  fields:\n    service: registry\n\
         storage:\n  cache:\n    blobdescriptor: inmemory\n  filesystem:\n    rootdirectory: {}\n  tag:\n    concurrencylimit: 8\n\
         http:\n  addr: 127.0.0.1:{}\n  headers:\n    X-Content-Type-Options: [nosniff]\n\
         health:\n  storagedriver:\n    enabled: true\n    interval: 10s\n    threshold: 3\n",
        place.data.display(),
        place.port
    );
    let mut command = Command::new(&place.binary);
    command.arg("serve").arg(written(place, "config.yml", &text)?);
    Ok(command)
}

/// The minimal configuration among its examples.
fn zot(place: &Place) -> Result<Command> {
    let config = serde_json::json!({
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": place.data},
        "http": {"address": "127.0.0.1", "port": place.port.to_string()},
        "log": {"level": "debug"},
    });
    let mut command = Command::new(&place.binary);
    command.arg("serve").arg(written(place, "config.json", &config.to_string())?);
    Ok(command)
}

fn olareg(place: &Place) -> Result<Command> {
    let mut command = Command::new(&place.binary);
    command.args(["serve", "--addr", "127.0.0.1", "--port", &place.port.to_string(), "--dir"]);
    command.arg(&place.data);
    Ok(command)
}

/// The configuration of its quick start; every repository of the benchmark is under `bench`.
fn angos(place: &Place) -> Result<Command> {
    let text = format!(
        "[server]\nbind_address = \"127.0.0.1\"\nport = {}\n\n[blob_store.fs]\nroot_dir = \"{}\"\n\n\
         [global.access_policy]\ndefault = \"allow\"\n\n[repository.\"bench\"]\n",
        place.port,
        place.data.display()
    );
    let mut command = Command::new(&place.binary);
    command.arg("-c").arg(written(place, "config.toml", &text)?).arg("server");
    Ok(command)
}

/// One worker; the file settings of Debian's default, whose access log is on.
fn nginx(place: &Place) -> Result<Command> {
    let folder = place.folder.display();
    // Started by root it would serve as another user, who may not read a temporary folder.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let text = format!(
        "{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 768; }}\n\
         http {{\n  sendfile on;\n  tcp_nopush on;\n  types_hash_max_size 2048;\n  default_type application/octet-stream;\n\
         \x20 access_log {folder}/access.log;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n\
         \x20 fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n\
         \x20 server {{ listen 127.0.0.1:{}; root {}; }}\n}}\n",
        place.port,
        place.data.display()
    );
    let config = written(place, "nginx.conf", &text)?;
    let mut command = Command::new(&place.binary);
    command.arg("-p").arg(&place.folder).arg("-c").arg(config);
    command.arg("-e").arg(place.folder.join("error.log"));
    Ok(command)
}

/// Writes a configuration file and returns its path.
fn written(place: &Place, name: &str, text: &str) -> Result<std::path::PathBuf> {
    let path = Path::new(&place.folder).join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    Ok(path)
}
