//! Log lines to standard error: readable on a terminal, JSON when not.
//!
//! Nothing waits for whoever reads them (`lines`).
//! One line per event, escaped by the formatter, so that nothing a caller sends
//! can begin a line of its own. Dependencies are held at `info` whatever the level
//! asks for: below it they print bodies and headers.

use std::any::Any;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use super::traces::Traces;
use crate::trace;

mod lines;

use lines::Lines;
pub use lines::Writing;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON when not.
    #[default]
    Auto,
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What an operator sets about log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How log lines look.
    pub format: Format,
    /// Which events are logged: a level, or directives such as
    /// `info,poolgate::server=debug`.
    pub level: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            level: "info".to_owned(),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is not one.
    #[error("`{level}` is not a log level: {reason}")]
    Level {
        /// What was set.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The process logs already.
    #[error("logging is set up already")]
    Twice,
}

/// How much is logged. Clones change the same.
#[derive(Clone, Debug)]
pub struct Level {
    /// What the configuration says.
    configured: Arc<str>,
    current: Arc<Mutex<String>>,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// What a subscriber filters events by.
pub(crate) type Filter = reload::Layer<EnvFilter, Registry>;

impl Level {
    /// The level that these directives name, and the filter that follows it.
    pub(crate) fn new(directives: &str) -> Result<(Self, Filter), String> {
        let (filter, handle) = reload::Layer::new(read(directives)?);
        let level = Self {
            configured: Arc::from(directives),
            current: Arc::new(Mutex::new(directives.to_owned())),
            filter: handle,
        };
        Ok((level, filter))
    }

    /// What is logged now, as it was set.
    pub fn current(&self) -> String {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Logs from here on what `directives` say, or tells what is wrong with them. A restart
    /// forgets it.
    pub fn set(&self, directives: &str) -> Result<(), String> {
        let filter = read(directives)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        self.filter
            .reload(filter)
            .map_err(|error| error.to_string())?;
        directives.clone_into(&mut current);
        Ok(())
    }

    /// Logs from here on what the configuration says.
    pub fn reset(&self) -> Result<(), String> {
        self.set(&self.configured)
    }
}

/// Sends the process's log lines to standard error from here on, as many of them as the
/// level that is given back says, and until the other is dropped; and spans to `traces`,
/// where there are some.
pub fn init(settings: &Settings, traces: Option<&Traces>) -> Result<(Level, Writing), Error> {
    let json = match settings.format {
        Format::Auto => !std::io::stderr().is_terminal(),
        Format::Text => false,
        Format::Json => true,
    };
    let colour = std::io::stderr().is_terminal();
    let (lines, writing) = Lines::to(std::io::stderr());
    let (subscriber, level) = subscriber(&settings.level, json, colour, lines)?;
    // Not a layer that is not there: that one would want every span, and have it made.
    match traces {
        None => subscriber.try_init(),
        Some(traces) => {
            let traces = OpenTelemetryLayer::new(traces.tracer())
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_filter(filter_fn(|metadata| metadata.target() == trace::TARGET));
            subscriber.with(traces).try_init()
        }
    }
    .map_err(|_| Error::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let what = fixed_text(panic.payload());
        tracing::error!(place, "panic: {what}");
    }));
    Ok((level, writing))
}

/// The text of a panic if it is a literal; a text made at run time may hold values
/// that are not to be logged.
fn fixed_text(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(text withheld)")
}

/// Whether `directives` name levels and targets. A lone word must be a level:
/// the filter's own grammar takes a misspelled level for a target.
pub fn check(directives: &str) -> Result<(), String> {
    read(directives).map(|_| ())
}

fn read(directives: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in directives.split(',').map(str::trim) {
        let lone = !directive.contains(['=', '[', ']', '{', '}']);
        if lone && !LEVELS.contains(&directive.to_ascii_lowercase().as_str()) {
            return Err(format!("`{directive}` is not one of {}", LEVELS.join(", ")));
        }
    }
    EnvFilter::builder()
        .parse(directives)
        .map_err(|error| error.to_string())
}

fn subscriber<W>(
    level: &str,
    json: bool,
    colour: bool,
    writer: W,
) -> Result<
    (
        impl Subscriber + Send + Sync + for<'span> LookupSpan<'span>,
        Level,
    ),
    Error,
>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let (level, asked) = Level::new(level).map_err(|reason| Error::Level {
        level: level.to_owned(),
        reason,
    })?;
    // Spans are for traces; lines say what there is to say themselves.
    let filter = asked.and(filter_fn(|metadata| {
        metadata.is_event()
            && (is_ours(metadata.target()) || *metadata.level() <= tracing::Level::INFO)
            && !is_a_peers(metadata)
    }));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour && !json)
        .with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if json {
        Box::new(lines.json().flatten_event(true).with_filter(filter))
    } else {
        Box::new(lines.with_filter(filter))
    };
    Ok((tracing_subscriber::registry().with(lines), level))
}

fn is_ours(target: &str) -> bool {
    target == "poolgate" || target.starts_with("poolgate::")
}

/// Of what peers do wrong h2 warns, a line each time. What becomes of it we say ourselves, and
/// once.
fn is_a_peers(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("h2::") && *metadata.level() == tracing::Level::WARN
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_dependency_never_logs_below_info_whatever_is_asked_for() {
        let written = logged("trace,hyper::proto=trace", true, || {
            tracing::trace!(target: "hyper::proto", "body=secret");
            tracing::debug!(target: "aws_smithy_runtime", "token=secret");
            tracing::debug!(target: "poolgate_lookalike", "secret");
            tracing::info!(target: "h2", "connection closed");
            tracing::warn!(target: "h2::proto", "a secret of a peer's");
            tracing::trace!(target: "poolgate::server", "accepted");
        });

        assert!(!written.contains("secret"), "{written}");
        assert_eq!(written.lines().count(), 2, "{written}");
    }

    #[test]
    fn a_json_line_parses_alone_even_when_a_value_holds_a_line_break() {
        let written = logged("info", true, || {
            tracing::info!(target: "poolgate", name = "a\nb\u{1b}[31m", "created");
        });

        let line: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(line["name"], "a\nb\u{1b}[31m");
        assert_eq!(line["message"], "created");
        assert_eq!(written.lines().count(), 1);
    }

    #[test]
    fn the_level_can_be_changed_while_lines_are_written_and_dependencies_stay_quiet() {
        let buffer = Buffer::default();
        let sink = buffer.clone();
        let (subscriber, level) = subscriber("info", true, false, move || sink.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "poolgate", "unheard");
            level.set("trace").unwrap();
            tracing::debug!(target: "poolgate", "heard");
            tracing::debug!(target: "hyper", "secret");
            level.reset().unwrap();
            tracing::debug!(target: "poolgate", "unheard");
        });

        let bytes = buffer.0.lock().unwrap().clone();
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(written.contains("\"heard\""), "{written}");
    }

    #[test]
    fn directives_are_checked_before_use() {
        for (directives, good, why) in [
            ("info", true, "a level"),
            ("INFO,poolgate::server=debug", true, "a level and a target"),
            ("inof", false, "a misspelled level is not a target"),
            ("info,", false, "an empty directive"),
            ("poolgate=loud", false, "not a level after the target"),
        ] {
            assert_eq!(check(directives).is_ok(), good, "{why}: {directives}");
        }
    }

    #[test]
    fn a_panic_is_logged_without_values() {
        let literal: Box<dyn Any + Send> = Box::new("no more room");
        let formatted: Box<dyn Any + Send> = Box::new(String::from("token s3cret"));

        assert_eq!(fixed_text(literal.as_ref()), "no more room");
        assert_eq!(fixed_text(formatted.as_ref()), "(text withheld)");
    }

    fn logged(level: &str, json: bool, events: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let sink = buffer.clone();
        let (subscriber, _) = subscriber(level, json, false, move || sink.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, events);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
