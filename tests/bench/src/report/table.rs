//! The report for people, in Markdown.

use std::fmt::Write as _;

use super::{Cell, Column, Line, Report};
use crate::rows::Unit;
use crate::target::Role;

/// Writes the whole report. Writing to a String cannot fail, so its results are let go.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    head(report, &mut text);
    figures(report, &mut text);
    details(report, "99th percentile (ms)", |cell| cell.p99_ms.map(figure), &mut text);
    let cost = |cell: &Cell| {
        let driver = cell.driver_cpu_us?;
        let server = cell.server_cpu_us.map_or_else(|| "?".to_owned(), figure);
        Some(format!("{server} + {}", figure(driver)))
    };
    details(report, "processor time (µs), server + driver", cost, &mut text);
    notes(report, &mut text);
    text
}

fn head(report: &Report, text: &mut String) {
    let machine = &report.machine;
    let _ = writeln!(
        text,
        "{} cores of {}, {:.0} GiB, Linux {}; loopback; the driver shares the cores. A sync to this disk took {:.2} ms (median).\n\
         {} alternating rounds of {:.1} s a row after {:.1} s of warm-up; medians. One unit is a request, or a whole push (five requests).\n",
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.sync_ms,
        report.rounds,
        report.pace.window.as_secs_f64(),
        report.pace.warm_up.as_secs_f64()
    );
    if let Some((median, most)) = report.others {
        let (median, most) = (100.0 * median, 100.0 * most);
        let _ = writeln!(
            text,
            "Other processes used {median:.0} % of the cores meanwhile (at most {most:.0} %).{}\n",
            warning(median)
        );
    }
    let _ = writeln!(
        text,
        "| | version | syncs before it answers | held | filled in (s) |\n|---|---|---|---|---|"
    );
    for target in &report.targets {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.0} |",
            target.name,
            target.version.as_deref().unwrap_or("?"),
            target.durability,
            held(target),
            target.filled_in_seconds
        );
    }
    text.push('\n');
}

fn warning(others_percent: f64) -> &'static str {
    if others_percent < 5.0 {
        return "";
    }
    " **The machine was not quiet: do not compare rates, and processor times with care.**"
}

fn held(target: &Column) -> String {
    let size = target.stored;
    let mut held = format!(
        "{} manifests and {} blobs of 4 KiB in {} repositories",
        size.manifests,
        size.repositories * size.layers,
        size.repositories
    );
    if target.role != Role::Static {
        let _ = write!(held, "; {} tags in one", size.many_tags);
    }
    if !target.is_whole {
        held.push_str(" (as far as it came in time)");
    }
    held
}

fn names(report: &Report, first: &str, more: &[&str], text: &mut String) {
    let names = report.targets.iter().map(|target| target.name.as_str());
    let all: Vec<&str> = std::iter::once(first).chain(names).chain(more.iter().copied()).collect();
    let _ = writeln!(text, "| {} |\n|{}", all.join(" | "), "---|".repeat(all.len()));
}

fn figures(report: &Report, text: &mut String) {
    names(report, "per second, unless it says otherwise", &["ours / best", "aim", ""], text);
    for line in &report.rows {
        let _ = write!(text, "| {} |", title(line));
        for cell in &line.cells {
            let shown = cell.median.map_or_else(|| "-".to_owned(), figure);
            let _ = write!(text, " {shown} |");
        }
        match &line.verdict {
            Some(verdict) if verdict.aim.is_empty() => {
                let _ = writeln!(text, " {:.2} ({}) | | |", verdict.ratio, verdict.compared_with);
            }
            Some(verdict) => {
                let met = if verdict.is_met { "met" } else { "short" };
                let _ = writeln!(
                    text,
                    " {:.2} ({}) | {} | {met} |",
                    verdict.ratio, verdict.compared_with, verdict.aim
                );
            }
            None => text.push_str(" | | |\n"),
        }
    }
    text.push('\n');
}

fn title(line: &Line) -> String {
    match line.unit {
        Unit::PerSecond => line.row.title.to_owned(),
        Unit::Milliseconds => format!("{} (ms)", line.row.title),
        Unit::Mebibytes => format!("{} (MiB)", line.row.title),
    }
}

fn details(report: &Report, what: &str, show: impl Fn(&Cell) -> Option<String>, text: &mut String) {
    names(report, what, &[], text);
    for line in report.rows.iter().filter(|line| line.unit == Unit::PerSecond) {
        let _ = write!(text, "| {} |", line.row.title);
        for cell in &line.cells {
            let _ = write!(text, " {} |", show(cell).unwrap_or_else(|| "-".into()));
        }
        text.push('\n');
    }
    text.push('\n');
}

/// Why figures are missing.
fn notes(report: &Report, text: &mut String) {
    for line in &report.rows {
        for (target, cell) in report.targets.iter().zip(&line.cells) {
            let is_expected = target.role == Role::Static; // it is no registry
            if let (None, Some(because), false) = (cell.median, cell.because(), is_expected) {
                let _ = writeln!(text, "- no figure for {} of {}: {because}", target.name, line.row.title);
            }
        }
    }
}

/// Three digits that count, and thousands set apart.
fn figure(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let whole = format!("{value:.0}");
    let mut shown = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_short() {
        assert_eq!(figure(0.123), "0.12");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(figure(1234.5), "1,234");
        assert_eq!(figure(1_234_567.0), "1,234,567");
        assert_eq!(figure(999.0), "999");
    }
}
