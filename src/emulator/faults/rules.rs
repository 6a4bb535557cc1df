//! Rules as they are written, in a file or to the admin port.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::emulator::document::{self, Mistakes};
use crate::emulator::error::{Error, Kind};
use crate::operation::Operation;

/// How long one rule may hold up a call.
const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// How many rules there can be: every call goes through all of them.
const MOST_RULES: usize = 1000;
const MILLION: f64 = 1_000_000.0;

const FAULTS: [&str; 6] = [
    "throttle",
    "error",
    "delay",
    "lose-request",
    "lose-answer",
    "cut-answer",
];
const WHENS: [&str; 3] = ["probability", "every", "times"];

/// What goes wrong on purpose, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(pub(super) Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// All operations, where none is named.
    operations: Vec<Operation>,
    pub(super) when: When,
    pub(super) fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// This many calls in a million.
    Millionths(u32),
    /// The last of every so many calls.
    Every(u64),
    /// The first so many calls.
    Times(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refuse(Error),
    Delay(Duration),
    LoseRequest,
    LoseAnswer,
    CutAnswer,
}

impl Rules {
    /// Reads the list `rules` in a file, in JSON where its name ends so and otherwise in
    /// TOML; or tells every mistake in it, each with its place.
    pub fn of_file(path: &Path) -> Result<Self, Vec<String>> {
        Self::of_json(&document::read(path)?)
    }

    /// The same of a document that is read.
    pub fn of_json(document: &Value) -> Result<Self, Vec<String>> {
        let mut mistakes = Mistakes::default();
        let tables = mistakes.tables(document, "rules");
        if tables.len() > MOST_RULES {
            mistakes.add("rules", format!("more than {MOST_RULES}"));
            return mistakes.unless_any(Self::default());
        }
        let rules = tables
            .into_iter()
            .filter_map(|(place, entry)| mistakes.rule(&place, entry))
            .collect();
        mistakes.unless_any(Self(rules))
    }
}

impl Rule {
    pub(super) fn is_for(&self, operation: Operation) -> bool {
        self.operations.is_empty() || self.operations.contains(&operation)
    }

    /// The rule as it is written.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        if !self.operations.is_empty() {
            let names = self.operations.iter().map(|operation| operation.name());
            put("operations", names.collect());
        }
        match self.when {
            When::Always => None,
            When::Millionths(likely) => put("probability", json!(f64::from(likely) / MILLION)),
            When::Every(nth) => put("every", json!(nth)),
            When::Times(times) => put("times", json!(times)),
        };
        let fault = match &self.fault {
            Fault::Refuse(error) => {
                put("code", json!(error.kind.name()));
                put("message", json!(error.message));
                "error"
            }
            Fault::Delay(delay) => {
                let delay = humantime::format_duration(*delay).to_string();
                put("delay", json!(delay));
                "delay"
            }
            Fault::LoseRequest => "lose-request",
            Fault::LoseAnswer => "lose-answer",
            Fault::CutAnswer => "cut-answer",
        };
        put("fault", json!(fault));
        shown
    }
}

impl Mistakes {
    fn rule(&mut self, place: &str, entry: &Map<String, Value>) -> Option<Rule> {
        let of_error: &[&str] = match entry.get("fault").and_then(Value::as_str) {
            Some("error") => &["code", "message"],
            Some("delay") => &["delay"],
            _ => &[],
        };
        let known = [&["operations", "fault"], &WHENS[..], of_error].concat();
        self.unknown(&format!("{place}."), entry, &known);
        let operations = self.operations(place, entry);
        let when = self.when(place, entry);
        let fault = self.fault(place, entry);
        Some(Rule {
            operations,
            when: when?,
            fault: fault?,
        })
    }

    fn operations(&mut self, place: &str, entry: &Map<String, Value>) -> Vec<Operation> {
        let place = format!("{place}.operations");
        let names = match entry.get("operations") {
            None => return Vec::new(),
            Some(Value::Array(names)) if !names.is_empty() => names,
            Some(_) => {
                self.add(&place, "not a list of names; left out, it means all");
                return Vec::new();
            }
        };
        let mut operations = Vec::new();
        for name in names {
            match name.as_str().and_then(Operation::from_name) {
                Some(operation) => operations.push(operation),
                None => self.add(&place, format!("{name} is not an operation")),
            }
        }
        operations
    }

    fn when(&mut self, place: &str, entry: &Map<String, Value>) -> Option<When> {
        let given = WHENS.iter().filter(|name| entry.contains_key(**name));
        let given: Vec<&str> = given.copied().collect();
        let name = match given.as_slice() {
            [] => return Some(When::Always),
            [name] => *name,
            _ => {
                self.add(place, "wants one of `probability`, `every` and `times`");
                return None;
            }
        };
        let value = entry.get(name)?;
        let count = value.as_u64().filter(|count| *count > 0);
        let when = match name {
            "probability" => value.as_f64().and_then(millionths),
            "every" => count.map(When::Every),
            _ => count.map(When::Times),
        };
        if when.is_none() {
            let wanted = match name {
                "probability" => "not 0, nor a number from 0.000001 to 1",
                _ => "not a whole number from 1 on",
            };
            self.add(&format!("{place}.{name}"), wanted);
        }
        when
    }

    fn fault(&mut self, place: &str, entry: &Map<String, Value>) -> Option<Fault> {
        let name = self.text(place, entry, "fault");
        match name.as_deref() {
            Some("throttle") => {
                let error = Error::new(Kind::TooManyRequests, "Rate exceeded");
                Some(Fault::Refuse(error))
            }
            Some("error") => self.error(place, entry).map(Fault::Refuse),
            Some("delay") => self.delay(place, entry).map(Fault::Delay),
            Some("lose-request") => Some(Fault::LoseRequest),
            Some("lose-answer") => Some(Fault::LoseAnswer),
            Some("cut-answer") => Some(Fault::CutAnswer),
            other => {
                if other.is_some() || !entry.contains_key("fault") {
                    let known = FAULTS.join("`, `");
                    self.add(&format!("{place}.fault"), format!("wants one of `{known}`"));
                }
                None
            }
        }
    }

    fn error(&mut self, place: &str, entry: &Map<String, Value>) -> Option<Error> {
        let code = self.text(place, entry, "code");
        let message = self.text(place, entry, "message");
        let code = code.as_deref();
        let Some(kind) = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == code) else {
            let known = Kind::ALL.map(Kind::name).join("`, `");
            self.add(&format!("{place}.code"), format!("wants one of `{known}`"));
            return None;
        };
        Some(match (kind, message) {
            (Kind::InternalError, None) => Error::internal(),
            (Kind::TooManyRequests, None) => Error::new(kind, "Rate exceeded"),
            (_, message) => Error::new(kind, message.unwrap_or_default()),
        })
    }

    fn delay(&mut self, place: &str, entry: &Map<String, Value>) -> Option<Duration> {
        let text = self.text(place, entry, "delay").unwrap_or_default();
        let delay = humantime::parse_duration(&text)
            .ok()
            .filter(|delay| *delay <= LONGEST_DELAY);
        if delay.is_none() {
            let what = "wants a duration with its unit, such as `200ms`, up to 10m";
            self.add(&format!("{place}.delay"), what);
        }
        delay
    }
}

fn millionths(probability: f64) -> Option<When> {
    let is_one = (0.0..=1.0).contains(&probability);
    // It is between 0 and a million.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let millionths = (probability * MILLION).round() as u32;
    // A rule that is not never must not be so by rounding.
    let is_lost = probability > 0.0 && millionths == 0;
    (is_one && !is_lost).then_some(When::Millionths(millionths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_is_not_rounded_to_never() {
        for (probability, expected) in [
            (0.0, Some(When::Millionths(0))),
            (1e-9, None),
            (1e-6, Some(When::Millionths(1))),
            (1.0, Some(When::Millionths(1_000_000))),
            (1.1, None),
        ] {
            assert_eq!(millionths(probability), expected, "{probability}");
        }
    }

    #[test]
    fn a_rule_is_shown_as_it_is_written() {
        let rules = json!([
            {"fault": "error", "code": "InternalErrorException", "message": "Internal error"},
            {"fault": "delay", "delay": "200ms", "operations": ["GetId"], "probability": 0.25},
            {"fault": "lose-request", "every": 3},
            {"fault": "lose-answer", "times": 1},
            {"fault": "cut-answer"},
        ]);

        let read = Rules::of_json(&json!({"rules": rules})).unwrap();

        let shown = read.0.iter().map(|rule| Value::Object(rule.shown()));
        assert_eq!(shown.collect::<Value>(), rules);
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let document = json!({"rules": [
            {"fault": "explode"},
            {"operations": ["GetId", "Get"], "fault": "delay", "delay": "1h"},
            {"fault": "error", "code": "Teapot", "every": 0},
            {"fault": "throttle", "code": "x", "probability": 2, "times": 1},
            {"operations": [], "fault": 5, "probability": 2},
            7,
        ], "colour": "blue"});

        let mistakes = Rules::of_json(&document).unwrap_err();

        let begins: Vec<&str> = mistakes
            .iter()
            .map(|mistake| mistake.split("; known are").next().unwrap())
            .map(|mistake| mistake.split("one of `Access").next().unwrap())
            .collect();
        assert_eq!(
            begins,
            [
                "colour: unknown",
                "rules[5]: not a table",
                "rules[0].fault: wants one of `throttle`, `error`, `delay`, `lose-request`, \
                 `lose-answer`, `cut-answer`",
                "rules[1].operations: \"Get\" is not an operation",
                "rules[1].delay: wants a duration with its unit, such as `200ms`, up to 10m",
                "rules[2].every: not a whole number from 1 on",
                "rules[2].code: wants ",
                "rules[3].code: unknown",
                "rules[3]: wants one of `probability`, `every` and `times`",
                "rules[4].operations: not a list of names; left out, it means all",
                "rules[4].probability: not 0, nor a number from 0.000001 to 1",
                "rules[4].fault: not a text",
            ]
        );
    }
}
