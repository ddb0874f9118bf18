//! One process of a function: started, frozen, thawed, killed.

use crate::runtime_api::{Invocation, Said, serve};
use crate::template::Spec;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) struct Instance {
    child: Child,
    pid: Option<Pid>,
    pub(crate) said: mpsc::Receiver<Said>,
    /// Where it waits for its next invocation.
    pub(crate) parked: Option<oneshot::Sender<Invocation>>,
    server: JoinHandle<()>,
}

/// What the start of a process needs beside its spec.
pub(crate) struct Start<'a> {
    pub(crate) binary: &'a Path,
    /// Program that is to run `--exec-function BINARY`, so that the process dies with this one.
    pub(crate) launcher: Option<&'a Path>,
    pub(crate) logs: Option<&'a Path>,
    /// URL of the bus.
    pub(crate) bus: &'a str,
}

/// Where the SDK looks for EventBridge.
const BUS_URL: &str = "AWS_ENDPOINT_URL_EVENTBRIDGE";

impl Instance {
    pub(crate) async fn start(spec: &Spec, start: &Start<'_>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mut command = match start.launcher {
            Some(launcher) => {
                let mut command = Command::new(launcher);
                command.arg("--exec-function").arg(start.binary);
                command
            }
            None => Command::new(start.binary),
        };
        command.env_clear().envs(std::env::vars().filter(|(name, _)| name.starts_with("AWS_")));
        for (name, default) in [("AWS_REGION", "us-east-1"), (BUS_URL, start.bus)] {
            if std::env::var_os(name).is_none() {
                command.env(name, default);
            }
        }
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TZ", ":UTC")
            .env("_HANDLER", "bootstrap")
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("[$LATEST]{}", address.port()))
            .envs(&spec.environment)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match start.logs {
            Some(folder) => {
                let path = folder.join(format!("{}.log", spec.name));
                let file = std::fs::File::options().create(true).append(true).open(path)?;
                command.stdout(file.try_clone()?).stderr(file);
            }
            // Standard output is this program's own.
            None => {
                use std::os::fd::AsFd as _;
                let ours = std::io::stderr().as_fd().try_clone_to_owned()?;
                command.stdout(Stdio::from(ours)).stderr(Stdio::inherit());
            }
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id as i32));
        let (sender, said) = mpsc::channel(4);
        let server = tokio::spawn(serve(listener, sender));
        Ok(Self { child, pid, said, parked: None, server })
    }

    /// Also once it has ended by itself, when the system has given it up.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.map_or(0, |pid| pid.as_raw_nonzero().get() as u32)
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// `None` when the process has ended by itself.
    pub(crate) async fn hear(&mut self) -> Option<Said> {
        tokio::select! {
            biased;
            said = self.said.recv() => said,
            _ = self.child.wait() => self.said.try_recv().ok(),
        }
    }

    /// Ends it, frozen or not, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        let _ = self.child.kill().await;
        self.server.abort();
    }

    fn signal(&self, signal: Signal) {
        // It may have ended a moment ago: the next wait says so.
        if let Some(pid) = self.pid {
            let _ = kill_process(pid, signal);
        }
    }
}
