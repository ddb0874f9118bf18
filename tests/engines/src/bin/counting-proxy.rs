//! `counting-proxy --s3 http://127.0.0.1:9000 --dynamodb http://127.0.0.1:8000`: stands in front of real servers and
//! counts what passes.
//!
//! Prints, a line each, `s3 URL` and `dynamodb URL` (those that were asked for) and `control URL`, then serves until it is
//! killed. `GET /__counts` on the control address answers `{"s3:PutObject": 1, ...}`; `POST /__reset` starts again.

use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};

use clap::Parser;
use moorage_engines::counting::{Counts, control, proxy};

#[derive(Parser)]
struct Arguments {
    /// The S3 endpoint to stand in front of, as http://HOST:PORT
    #[arg(long, value_parser = endpoint)]
    s3: Option<SocketAddr>,
    /// The DynamoDB endpoint to stand in front of, as http://HOST:PORT
    #[arg(long, value_parser = endpoint)]
    dynamodb: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let counts = Counts::default();
    let mut serving = Vec::new();
    let mut lines = String::new();
    for (name, upstream) in [("s3", arguments.s3), ("dynamodb", arguments.dynamodb)] {
        if let Some(upstream) = upstream {
            let listening = proxy(upstream, counts.clone()).await?;
            lines += &format!("{name} {}\n", listening.url());
            serving.push(listening);
        }
    }
    let control = control(counts).await?;
    lines += &format!("control {}\n", control.url());
    // In one write, so that a script that sees a line may read them all.
    std::io::stdout().write_all(lines.as_bytes())?;
    std::io::stdout().flush()?;
    std::future::pending().await
}

fn endpoint(url: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{url:?} is not of the form http://HOST:PORT");
    let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).ok_or_else(wrong)?;
    let mut found = address.to_socket_addrs().map_err(|error| format!("{}: {error}", wrong()))?;
    found.next().ok_or_else(wrong)
}
