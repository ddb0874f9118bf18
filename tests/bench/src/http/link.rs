//! One connection: sends without blocking, receives without copying where nobody looks.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::event::epoll;
use rustix::net::RecvFlags;

use super::{Origin, Reply, Request};

/// Bytes of the first receive of an answer: a head and a small body. Keeping it small leaves a large body
/// in the socket, where it can be thrown away without being copied.
const FIRST_RECEIVE_BYTES: usize = 16 << 10;

pub struct Link {
    stream: TcpStream,
    pub origin: Origin,
    /// Answers that came over it.
    pub served: u64,
    /// Bytes of the present request that were sent, head included.
    sent: usize,
    watches_writes: bool,
}

/// How far something got before it would have had to wait.
#[derive(PartialEq, Eq)]
pub enum Progress {
    Complete,
    Waiting,
}

impl Link {
    /// Connects to `origin` and has `epoll` report it as `key`.
    pub fn open(origin: Origin, epoll: &OwnedFd, key: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(origin.address())?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(epoll, &stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
        Ok(Self { stream, origin, served: 0, sent: 0, watches_writes: false })
    }

    /// Forgets how much of the last request was sent.
    pub fn begin(&mut self) {
        self.sent = 0;
    }

    /// Sends what is left of the request; asks `epoll` for room if it does not fit.
    pub fn send(&mut self, head: &str, request: &Request, epoll: &OwnedFd, key: u64) -> io::Result<Progress> {
        let total = head.len() + request.length();
        while self.sent < total {
            let mut skip = self.sent;
            let shared = request.shared.as_deref().unwrap_or_default();
            let parts = [head.as_bytes(), shared, &request.own].map(|part| {
                let from = skip.min(part.len());
                skip -= from;
                IoSlice::new(&part[from..])
            });
            match (&self.stream).write_vectored(&parts) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.watch_writes(true, epoll, key)?;
                    return Ok(Progress::Waiting);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.watch_writes(false, epoll, key)?;
        Ok(Progress::Complete)
    }

    fn watch_writes(&mut self, wanted: bool, epoll: &OwnedFd, key: u64) -> io::Result<()> {
        if self.watches_writes != wanted {
            let room = if wanted { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            epoll::modify(epoll, &self.stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN | room)?;
            self.watches_writes = wanted;
        }
        Ok(())
    }

    /// Receives until the answer is complete or nothing more is there.
    pub fn receive(&mut self, reply: &mut Reply, scratch: &mut [u8]) -> anyhow::Result<Progress> {
        while !reply.is_complete() {
            let (room, flags) = match reply.discardable() {
                Some(left) => (usize::try_from(left).unwrap_or(usize::MAX), RecvFlags::TRUNC),
                None if reply.is_untouched() => (FIRST_RECEIVE_BYTES, RecvFlags::empty()),
                None => (scratch.len(), RecvFlags::empty()),
            };
            let room = room.min(scratch.len());
            match rustix::net::recv(&self.stream, &mut scratch[..room], flags) {
                Ok((_, 0)) => reply.end()?,
                Ok((_, count)) => {
                    match flags {
                        RecvFlags::TRUNC => reply.discarded(count as u64),
                        _ => reply.feed(&scratch[..count])?,
                    }
                    // Less than there was room for: the socket is empty, and epoll will say when it is not.
                    if count < room && !reply.is_complete() {
                        return Ok(Progress::Waiting);
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(Progress::Waiting),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.served += 1;
        Ok(Progress::Complete)
    }
}
