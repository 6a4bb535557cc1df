//! Reads what a file of limits says about the account.

use std::time::Duration;

use super::settings::{Account, Quotas};
use crate::operation::Operation;
use crate::sections::Section;

/// More than AWS grants to anybody.
const MOST_RATE: u32 = 100_000;
const MOST_WAITING: u32 = 100_000;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

const KEYS: [&str; 7] = [
    "share",
    "quotas",
    "regions",
    "batch_roles",
    "max_wait",
    "max_waiting",
    "max_waiting_of_caller",
];

/// The account as the table says; what it does not say has its default.
pub(in crate::quota) fn account(section: &Section<'_>) -> Account {
    section.known(&KEYS);
    let usual = Account::default();
    let number = |name, most| section.whole(name, 1..=most);
    let many = |name, usual: usize| {
        let number = number(name, MOST_WAITING).and_then(|number| usize::try_from(number).ok());
        number.unwrap_or(usual)
    };
    let regions = section.section("regions");
    let regions = regions.iter().flat_map(|regions| {
        let names = regions.names().into_iter();
        names.filter_map(|name| Some((quotas(&regions.section(&name)?), name)))
    });
    Account {
        share: number("share", 100).unwrap_or(usual.share),
        quotas: section
            .section("quotas")
            .map(|section| quotas(&section))
            .unwrap_or_default(),
        regions: regions.map(|(quotas, name)| (name, quotas)).collect(),
        batch_roles: section.set("batch_roles"),
        max_wait: max_wait(section).unwrap_or(usual.max_wait),
        max_waiting: many("max_waiting", usual.max_waiting),
        max_waiting_of_caller: many("max_waiting_of_caller", usual.max_waiting_of_caller),
        is_written: true,
    }
}

fn quotas(section: &Section<'_>) -> Quotas {
    let names = section.names().into_iter();
    let quotas = names.filter_map(|name| match Operation::from_name(&name) {
        Some(operation) => Some((operation, section.whole(&name, 1..=MOST_RATE)?)),
        None => {
            section.mistake(&name, "not an operation");
            None
        }
    });
    quotas.collect()
}

fn max_wait(section: &Section<'_>) -> Option<Duration> {
    let text = section.text("max_wait")?;
    match humantime::parse_duration(&text) {
        Ok(wait) if wait <= LONGEST_WAIT => Some(wait),
        _ => {
            section.mistake("max_wait", "not a duration from 0s to 1m, such as `2s`");
            None
        }
    }
}
