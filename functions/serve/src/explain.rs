//! `moorage explain`, and `moorage collect --dry-run`: why things are kept, or when and by what they go.

use std::fmt::Write as _;
use std::sync::Arc;

use moorage_collector::Explanation;
use moorage_http::rfc3339;
use moorage_operations::Common;
use moorage_ports::facts::State;
use moorage_ports::{Reviewed, Timestamp};

use crate::cli::{Collect, Explain};
use crate::managing::Managed;

/// Says it of one digest.
///
/// # Errors
/// Why it can't be said, for the one who asked.
pub(crate) fn run(explain: &Explain) -> Result<(), String> {
    let managed = Managed::open(&explain.stored, &explain.keeping).map_err(|error| {
        let path = format!("/v2/{}/_moorage/explain/{}", explain.repository, explain.digest);
        // A directory has one process; the one that serves it answers the same.
        match error.split_once("http://").and_then(|(_, rest)| rest.split([';', ' ']).next()) {
            Some(address) => format!("{error}: ask it with GET http://{address}{path}"),
            None => error,
        }
    })?;
    let (context, settings) = (managed.context.clone(), Arc::new(managed.settings.clone()));
    let common = Common { context, settings, secret: managed.secret.clone() };
    let (pull, push) = managed.storage.halves(common);
    let explained = managed
        .runtime
        .block_on(pull.explain(&explain.repository, &explain.digest))
        .map(|explanation| print!("{}", told(&explanation)))
        .map_err(|error| error.to_string());
    drop((pull, push));
    managed.close();
    explained
}

/// Says it of everything that is due now.
///
/// # Errors
/// Why it can't be said, for the one who asked.
pub(crate) fn dry_run(collect: &Collect) -> Result<(), String> {
    let managed = Managed::open(&collect.stored, &collect.keeping)?;
    let reader = managed.storage.feed_reader();
    let collector = managed.collector();
    let now = collector.steps().now();
    let mut say = |of: &Reviewed, explanation: Option<&Explanation>| match explanation {
        Some(explanation) => println!("{of}: {}: {}", step(explanation, now), explanation.reason()),
        None => println!("{of}: nothing: it is not there any more"),
    };
    let done = managed.runtime.block_on(collector.steps().would_do(reader, &mut say));
    drop(collector);
    managed.close();
    let due = done.map_err(|error| error.to_string())?;
    println!("{due} due; nothing was changed");
    Ok(())
}

/// What the collector does with it, in a word or two.
fn step(explanation: &Explanation, now: Timestamp) -> &'static str {
    match (explanation.outlook.goes_from(), &explanation.of, explanation.state) {
        (None, ..) => "stays",
        (Some(from), ..) if from > now => "stays for now",
        (Some(_), Reviewed::Manifest(..), Some(State::Live | State::Condemned)) => {
            "goes into the recycle bin"
        }
        (Some(_), ..) => "goes",
    }
}

/// One fact a line.
fn told(explanation: &Explanation) -> String {
    let kind = if matches!(explanation.of, Reviewed::Manifest(..)) { "manifest" } else { "blob" };
    let state = explanation.state.map_or("", state_name);
    let mut lines = format!("{kind}, {state}: {}\n", explanation.reason());
    let mut line = |name: &str, value: String| {
        writeln!(lines, "  {name}: {value}").expect("text can be added to");
    };
    for link in &explanation.kept_by {
        let state = link.state.map_or_else(String::new, |state| format!(", {}", state_name(state)));
        line("held by", format!("{}{state}", link.holder));
    }
    if explanation.more {
        line("held by", "and so on".to_owned());
    }
    if let Some(keep_until) = explanation.keep_until {
        line("keep until", rfc3339(keep_until));
    }
    if let Some(goes) = explanation.outlook.goes_from() {
        line("goes, not before", rfc3339(goes));
    }
    lines
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Live => "live",
        State::Condemned => "condemned",
        State::Recycled => "recycled",
        State::Deleting => "deleting",
    }
}
