//! Requests that are half sent, or half answered, while the registry is asked to end: it must finish them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result};

use crate::content::{Blob, Content};
use crate::findings::Kind;
use crate::http::{Answer, Body, Connection, Request, chunk, head, open};
use crate::journal::{Asked, Name};
use crate::world::World;

const REPOSITORY: &str = "in-flight/app";

/// More than the buffers of a connection take.
const LONG_BYTES: usize = 24 << 20;

/// One request, and the rest of it.
pub struct InFlight {
    what: &'static str,
    stream: TcpStream,
    rest: Vec<u8>,
    status: u16,
    /// What of the answer has come, and what its body must be.
    came: Vec<u8>,
    expected: Vec<u8>,
    asked: Option<Asked>,
}

/// A PUT, a streamed PATCH and a GET, each in its midst.
///
/// # Errors
/// They could not be begun.
pub fn begin(world: &World, address: SocketAddr, seed: u64) -> Result<Vec<InFlight>> {
    let repository: Name = REPOSITORY.into();
    let long = Content::new(seed, LONG_BYTES).blob();
    let whole = Content::new(seed + 1, LONG_BYTES).blob();
    put_all(world, address, &repository, &long)?;
    Ok(vec![
        put_half(world, address, &repository, &whole)?,
        patch_half(address, &Content::new(seed + 2, LONG_BYTES))?,
        get_half(address, &repository, &long)?,
    ])
}

impl InFlight {
    /// The rest is sent, and the whole answer must come.
    pub fn finish(mut self, world: &World) {
        let outcome = self.stream.write_all(&self.rest).and_then(|()| {
            let mut answer = self.came.as_slice().chain(&mut self.stream);
            Answer::read(&mut answer, false)
        });
        let why = match outcome {
            Err(error) => error.to_string(),
            Ok(answer) if answer.status != self.status => {
                format!("{} instead of {}", answer.status, self.status)
            }
            Ok(answer) if !answer.whole => "its answer broke off".to_owned(),
            Ok(answer) if answer.body != self.expected => "wrong bytes".to_owned(),
            Ok(_) => {
                if let Some(asked) = self.asked {
                    world.journal().acknowledge(&asked);
                }
                return;
            }
        };
        world.findings.add(Kind::Broken, format!("{} while it was asked to end", self.what), why);
    }
}

fn put_all(world: &World, address: SocketAddr, repository: &Name, blob: &Blob) -> Result<()> {
    let bytes = blob.content.bytes();
    let target = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
    let asked = begin_blob(world, repository, blob);
    let request = Request { method: "POST", target: &target, headers: &[], body: Body::Whole(&bytes) };
    let answer = Connection::new(address).ask(&request).map_err(|broken| anyhow::anyhow!(broken.reason))?;
    anyhow::ensure!(answer.status == 201, "{target}: {}", answer.status);
    world.journal().acknowledge(&asked);
    Ok(())
}

fn put_half(world: &World, address: SocketAddr, repository: &Name, blob: &Blob) -> Result<InFlight> {
    let bytes = blob.content.bytes();
    let target = format!("{}?digest={}", post(address)?, blob.digest);
    let asked = begin_blob(world, repository, blob);
    let request = Request { method: "PUT", target: &target, headers: &[], body: Body::Whole(&bytes) };
    let mut stream = open(address)?;
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    stream.write_all(head(address, &request).as_bytes())?;
    stream.write_all(first)?;
    let what = "a PUT that was half sent";
    let rest = rest.to_vec();
    Ok(InFlight {
        what,
        stream,
        rest,
        status: 201,
        came: Vec::new(),
        expected: Vec::new(),
        asked: Some(asked),
    })
}

fn patch_half(address: SocketAddr, content: &Content) -> Result<InFlight> {
    let bytes = content.bytes();
    let target = post(address)?;
    let request = Request { method: "PATCH", target: &target, headers: &[], body: Body::Streamed(&bytes) };
    let mut stream = open(address)?;
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    stream.write_all(head(address, &request).as_bytes())?;
    stream.write_all(&chunk(first))?;
    let what = "a PATCH that was half sent";
    let rest = [chunk(rest), chunk(b"")].concat();
    Ok(InFlight { what, stream, rest, status: 202, came: Vec::new(), expected: Vec::new(), asked: None })
}

fn get_half(address: SocketAddr, repository: &Name, blob: &Blob) -> Result<InFlight> {
    let target = format!("/v2/{repository}/blobs/{}", blob.digest);
    let request = Request { method: "GET", target: &target, headers: &[], body: Body::None };
    let mut stream = open(address)?;
    stream.write_all(head(address, &request).as_bytes())?;
    let mut came = vec![0; 1000];
    stream.read_exact(&mut came)?;
    let what = "a GET that was half answered";
    let expected = blob.content.bytes();
    Ok(InFlight { what, stream, rest: Vec::new(), status: 200, came, expected, asked: None })
}

fn begin_blob(world: &World, repository: &Name, blob: &Blob) -> Asked {
    let mut journal = world.journal();
    journal.know_blob(blob);
    journal.begin_blob(repository, blob, "blob: in flight at the end")
}

fn post(address: SocketAddr) -> Result<String> {
    let target = format!("/v2/{REPOSITORY}/blobs/uploads/");
    let request = Request { method: "POST", target: &target, headers: &[], body: Body::None };
    let answer = Connection::new(address).ask(&request).map_err(|broken| anyhow::anyhow!(broken.reason))?;
    let location = answer.header("Location");
    location.starts_with('/').then(|| location.to_owned()).context("POST: no Location")
}
