//! The functions, from the start of their process on: what fails before the first event is an error of their
//! initialisation, which Lambda logs and answers with.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use moorage_aws::EventBridge;
use moorage_collector::{Collector, Outlet, Steps};
use moorage_http::{Halves, Registry};
use moorage_operations::{Pull, Push};
use moorage_ports::{Context, Timestamp};
use serde_json::value::RawValue;

use crate::collect::Bus;
use crate::environment::{Environment, log_level};
use crate::storage::{Connect, FirstUse, Storage};
use crate::{collect as collects, front, ingest as ingester, log};

/// Which half of a registry a function serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// GET and HEAD. Is handed read ports, and the one that moves a keep-until time.
    Pull,
    /// POST, PATCH, PUT and DELETE.
    Push,
}

type Event = LambdaEvent<Box<RawValue>>;

/// Serves requests until Lambda ends the process.
pub async fn serve(half: Half) -> ExitCode {
    let context = started();
    let registry = match registry(half, &context).await {
        Ok(registry) => registry,
        Err(error) => return failed_to_start(&error),
    };
    let handle = service_fn(|event: Event| {
        let registry = &registry;
        async move { Ok::<_, Error>(front::answer(registry, &event.payload).await) }
    });
    ended(lambda_runtime::run(handle).await)
}

async fn registry(half: Half, context: &Context) -> Result<Registry, String> {
    let environment = Environment::read()?;
    // `pull` may not write what a registry begins with; `push` and `collect` do that.
    let first_use = if half == Half::Push { FirstUse::Begins } else { FirstUse::Fails };
    let Storage { table, blobs, common, .. } =
        Storage::open(&environment, context, first_use, Connect::TableAndBucket).await?;
    let halves = match half {
        Half::Pull => Halves::Pull(Pull::new(table, blobs, common)),
        Half::Push => Halves::Push(Push::new(table, blobs, common)),
    };
    Ok(Registry::new(halves, environment.access, context.clock.clone()))
}

/// Records objects that S3 tells of until Lambda ends the process.
pub async fn ingest() -> ExitCode {
    let context = started();
    let push = match ingesting(&context).await {
        Ok(push) => push,
        Err(error) => return failed_to_start(&error),
    };
    let handle = service_fn(|event: Event| {
        let (push, clock) = (&push, &context.clock);
        async move { ingester::ingest(push, clock, &event.payload).await }
    });
    ended(lambda_runtime::run(handle).await)
}

async fn ingesting(context: &Context) -> Result<Push, String> {
    let environment = Environment::read()?;
    // Most objects are our own uploads', which one read of the table shows.
    let Storage { table, blobs, common, .. } =
        Storage::open(&environment, context, FirstUse::Begins, Connect::Table).await?;
    Ok(Push::new(table, blobs, common))
}

/// Follows the changes of the table and the schedule, and tells the bus, until Lambda ends the process. The schedule, whose first event
/// comes soon after a stack is made, begins a registry in an empty table.
pub async fn collect() -> ExitCode {
    let context = started();
    let (collector, bus) = match collecting(&context).await {
        Ok(collecting) => collecting,
        Err(error) => return failed_to_start(&error),
    };
    let handle = service_fn(|event: Event| {
        let (collector, bus, clock) = (&collector, bus.as_deref(), &context.clock);
        async move {
            let left = Timestamp(event.context.deadline).since_ms(clock.now());
            collects::collect(collector, bus, &event.payload, Duration::from_millis(left)).await
        }
    });
    ended(lambda_runtime::run(handle).await)
}

async fn collecting(context: &Context) -> Result<(Collector, Option<Arc<Bus>>), String> {
    let environment = Environment::read()?;
    let Storage { table, blobs, common, sdk } =
        Storage::open(&environment, context, FirstUse::Begins, Connect::Table).await?;
    // Its first event makes the connection: most starts have none to tell.
    let bus = environment.events.map(|events| {
        let bus = EventBridge::new(&sdk, events.bus, events.source, context.clone());
        Arc::new(Bus::new(bus))
    });
    let outlet = bus.clone().map_or(Outlet::Nobody, |bus| Outlet::AtOnce(bus));
    let settings = common.settings;
    let times = settings.times();
    let steps = Steps { table, blobs: blobs.clone(), context: context.clone(), times };
    Ok((Collector::new(steps, blobs).searched(settings.search).telling(outlet), bus))
}

fn started() -> Context {
    let context = Context::system();
    log::start(log_level(), Arc::clone(&context.clock));
    context
}

fn ended(run: Result<(), Error>) -> ExitCode {
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function's runtime failed");
            ExitCode::FAILURE
        }
    }
}

/// Says why, in the log and to Lambda, and gives up: there is nothing to serve.
fn failed_to_start(why: &str) -> ExitCode {
    tracing::error!(why, "the function cannot start");
    if let Err(error) = tell_lambda(why) {
        tracing::warn!(%error, "Lambda could not be told why");
    }
    ExitCode::FAILURE
}

/// Lambda's own socket is beside us; it answers at once, or the process ends without.
const TELL_TIME_MAX: Duration = Duration::from_secs(1);

/// The error of an initialisation (Lambda Developer Guide, "Runtime API: Initialization error").
fn tell_lambda(why: &str) -> std::io::Result<()> {
    let Ok(host) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return Err(std::io::Error::other("AWS_LAMBDA_RUNTIME_API is not set: this is not Lambda"));
    };
    let error = InitError { error_type: INIT_ERROR, error_message: why };
    let body = serde_json::to_string(&error).map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect(&host)?;
    stream.set_read_timeout(Some(TELL_TIME_MAX))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: {INIT_ERROR}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)
}

const INIT_ERROR: &str = "Runtime.InitError";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct InitError<'a> {
    error_type: &'a str,
    error_message: &'a str,
}
