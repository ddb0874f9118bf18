//! What a function is told by its environment: the variables of `moorage serve`, by the same names.

use std::fmt::Display;
use std::str::FromStr;

use moorage_http::Access;
use moorage_operations::{MissingChildren, Settings};
use tracing_subscriber::filter::LevelFilter;

use crate::answer::BODY_BYTES_MAX;

/// What was said.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) bucket: String,
    pub(crate) table: String,
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    /// Who is told what happens; `None`: nobody.
    pub(crate) events: Option<Events>,
}

/// Where events go.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Events {
    /// Name or ARN of a bus of EventBridge; `default` is the account's own.
    pub(crate) bus: String,
    /// What events say they come from.
    pub(crate) source: String,
}

/// Reads variables by name; `None` where one is not set.
type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

impl Environment {
    pub(crate) fn read() -> Result<Self, String> {
        Self::from(&variable)
    }

    fn from(variables: Variables<'_>) -> Result<Self, String> {
        let defaults = Settings::default();
        let settings = Settings {
            missing: choice(
                variables,
                "MOORAGE_MISSING",
                &[("refuse", MissingChildren::Refuse), ("allow", MissingChildren::Allow)],
            )?
            .unwrap_or(defaults.missing),
            manifest_bytes_max: number(variables, "MOORAGE_MANIFEST_BYTES_MAX")?
                .unwrap_or(defaults.manifest_bytes_max),
            upload_age_max_ms: number::<u64>(variables, "MOORAGE_UPLOAD_AGE_MAX")?
                .map_or(defaults.upload_age_max_ms, |seconds| seconds.saturating_mul(1000)),
            grace_ms: duration_ms(variables, "MOORAGE_GRACE")?.unwrap_or(defaults.grace_ms),
            recycle_ms: duration_ms(variables, "MOORAGE_RECYCLE")?.unwrap_or(defaults.recycle_ms),
            signs_urls: true,
            redirect_bytes_min: number(variables, "MOORAGE_REDIRECT_BYTES_MIN")?
                .unwrap_or(defaults.redirect_bytes_min),
            types: defaults.types,
            search: choice(variables, "MOORAGE_SEARCH", &[("on", true), ("off", false)])?
                .unwrap_or(defaults.search),
        };
        fits("MOORAGE_MANIFEST_BYTES_MAX", settings.manifest_bytes_max as u64)?;
        fits("MOORAGE_REDIRECT_BYTES_MIN", settings.redirect_bytes_min)?;
        Ok(Self {
            bucket: required(variables, "MOORAGE_BUCKET", "the S3 bucket for all bytes")?,
            table: required(variables, "MOORAGE_TABLE", "the DynamoDB table for all references")?,
            access: choice(
                variables,
                "MOORAGE_ANONYMOUS",
                &[("pull", Access::PullOnly), ("push", Access::PullAndPush)],
            )?
            .ok_or("MOORAGE_ANONYMOUS is not set: say what everyone may do, `pull` or `push`")?,
            settings,
            events: events(variables)?,
        })
    }
}

/// What EventBridge takes as a source, in characters.
const SOURCE_CHARS_MAX: usize = 256;

fn events(variables: Variables<'_>) -> Result<Option<Events>, String> {
    const SOURCE: &str = "MOORAGE_EVENTS_SOURCE";
    let Some(bus) = set(variables, "MOORAGE_EVENTS_BUS") else { return Ok(None) };
    let source = set(variables, SOURCE).unwrap_or_else(|| "moorage".to_owned());
    if source.starts_with("aws.") || source.chars().count() > SOURCE_CHARS_MAX {
        return Err(format!(
            "{SOURCE} is `{source}`: EventBridge takes {SOURCE_CHARS_MAX} characters at most, and none that begins with `aws.`"
        ));
    }
    Ok(Some(Events { bus, source }))
}

/// The least important messages to log; `info` where nothing is said, or nothing that can be understood.
pub(crate) fn log_level() -> LevelFilter {
    match variable("MOORAGE_LOG").as_deref() {
        Some("off") => LevelFilter::OFF,
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("debug") => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn set(variables: Variables<'_>, name: &str) -> Option<String> {
    variables(name).filter(|value| !value.is_empty())
}

fn required(variables: Variables<'_>, name: &str, what: &str) -> Result<String, String> {
    set(variables, name).ok_or_else(|| format!("{name} is not set: it names {what}"))
}

fn number<N: FromStr<Err: Display>>(variables: Variables<'_>, name: &str) -> Result<Option<N>, String> {
    let Some(text) = set(variables, name) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("{name} is `{text}`, which is no number: {error}"))
}

fn duration_ms(variables: Variables<'_>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = set(variables, name) else { return Ok(None) };
    let duration = humantime::parse_duration(&text).map_err(|error| {
        format!("{name} is `{text}`: {error}; write a number and a unit, such as 24h, 90m or 2s")
    })?;
    u64::try_from(duration.as_millis()).map(Some).map_err(|_| format!("{name} is `{text}`: that is too long"))
}

fn choice<T: Copy>(variables: Variables<'_>, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, String> {
    let Some(text) = set(variables, name) else { return Ok(None) };
    let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
    let words = || choices.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    chosen.map(Some).ok_or_else(|| format!("{name} is `{text}`; it is {}", words()))
}

/// Whatever a function sends itself must fit an answer of Lambda.
fn fits(name: &str, bytes: u64) -> Result<(), String> {
    if bytes <= BODY_BYTES_MAX as u64 {
        return Ok(());
    }
    Err(format!("{name} is {bytes}; a function can send {BODY_BYTES_MAX} bytes at most in one answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> Result<Environment, String> {
        Environment::from(&|name| said.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    const NEEDED: [(&str, &str); 3] =
        [("MOORAGE_BUCKET", "b"), ("MOORAGE_TABLE", "t"), ("MOORAGE_ANONYMOUS", "pull")];

    #[test]
    fn three_are_needed() {
        let read_all = read(&NEEDED).expect("all is said");
        assert_eq!((read_all.bucket.as_str(), read_all.table.as_str()), ("b", "t"));
        assert_eq!(read_all.access, Access::PullOnly);
        assert_eq!(read_all.settings.redirect_bytes_min, Settings::default().redirect_bytes_min);
        for (name, _) in NEEDED {
            let said: Vec<_> = NEEDED.into_iter().filter(|(n, _)| *n != name).collect();
            let error = read(&said).expect_err("one is not said");
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn nobody_is_told_where_no_bus_is_named() {
        let events = |said: &[(&str, &str)]| read(&[&NEEDED, said].concat()).expect("all is said").events;
        let source = ("MOORAGE_EVENTS_SOURCE", "my-registry");
        assert_eq!(events(&[]), None);
        assert_eq!(events(&[("MOORAGE_EVENTS_BUS", ""), source]), None);
        let told = |bus: &str, source: &str| Some(Events { bus: bus.to_owned(), source: source.to_owned() });
        assert_eq!(events(&[("MOORAGE_EVENTS_BUS", "default")]), told("default", "moorage"));
        assert_eq!(events(&[("MOORAGE_EVENTS_BUS", "mine"), source]), told("mine", "my-registry"));
    }

    #[test]
    fn search_is_on_but_where_it_is_switched_off() {
        let is_on =
            |said: &[(&str, &str)]| read(&[&NEEDED, said].concat()).expect("it is right").settings.search;
        assert!(is_on(&[]) && is_on(&[("MOORAGE_SEARCH", "on")]) && !is_on(&[("MOORAGE_SEARCH", "off")]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("MOORAGE_ANONYMOUS", "everything"),
            ("MOORAGE_MISSING", "perhaps"),
            ("MOORAGE_MANIFEST_BYTES_MAX", "4MB"),
            ("MOORAGE_MANIFEST_BYTES_MAX", "5000000"),
            ("MOORAGE_REDIRECT_BYTES_MIN", "-1"),
            ("MOORAGE_REDIRECT_BYTES_MIN", "10000000"),
            ("MOORAGE_UPLOAD_AGE_MAX", "1h"),
            ("MOORAGE_GRACE", "24"),
            ("MOORAGE_RECYCLE", "soon"),
            ("MOORAGE_SEARCH", "yes"),
            ("MOORAGE_EVENTS_SOURCE", "aws.ecr"),
        ] {
            let mut said = vec![(name, value), ("MOORAGE_EVENTS_BUS", "default")];
            said.extend(NEEDED);
            let error = read(&said).expect_err("it is wrong");
            assert!(error.starts_with(name), "{error}");
        }
    }
}
