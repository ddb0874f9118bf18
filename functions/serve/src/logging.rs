//! Logs go to standard error: for people on a terminal, for programs otherwise.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;

use crate::cli::LogLevel;

pub(crate) fn start(level: LogLevel) {
    let logs =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(LevelFilter::from(level));
    if std::io::stderr().is_terminal() {
        logs.with_target(false).init();
    } else {
        logs.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}
