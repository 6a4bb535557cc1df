//! The policies that are in force whenever policies are.

use std::path::Path;

use super::rule::Rule;
use super::source;
use super::{Mistake, Settings};

/// The policies, with words in angle brackets for what is configured.
const TEXT: &str = include_str!("guardrails.cedar");

/// Where a guardrail is said to stand.
const FILE: &str = "guardrails.cedar (built in)";

/// The names of all guardrails.
pub fn names() -> Vec<String> {
    all(&Settings::default())
        .0
        .into_iter()
        .map(|rule| rule.name)
        .collect()
}

/// The guardrails that are in force. One that cannot be read with what is configured is
/// added to `mistakes`.
pub(super) fn in_force(settings: &Settings, mistakes: &mut Vec<Mistake>) -> Vec<Rule> {
    let (mut rules, wrong) = all(settings);
    mistakes.extend(wrong);
    rules.retain(|rule| !settings.guardrails_off.contains(&rule.name));
    rules
}

/// All guardrails with what is configured.
pub(super) fn all(settings: &Settings) -> (Vec<Rule>, Vec<Mistake>) {
    let mut rules = Vec::new();
    let mut mistakes = Vec::new();
    for statement in source::split(Path::new(FILE), &filled_in(settings)) {
        match Rule::read(statement) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    (rules, mistakes)
}

/// The text with what is configured. Cedar escapes strings as Rust does.
fn filled_in(settings: &Settings) -> String {
    let escaped = |text: &str| text.escape_debug().to_string();
    let seconds = settings.max_token_duration.as_secs().to_string();
    // In one pass, so that nothing that is filled in is taken for a word.
    let mut text = String::with_capacity(TEXT.len());
    let mut rest = TEXT;
    while let Some((before, after)) = rest.split_once('<') {
        let filled = after.split_once('>').and_then(|(word, after)| {
            let value = match word {
                "production key" => escaped(&settings.production_tag.key),
                "production value" => escaped(&settings.production_tag.value),
                "admin role" => escaped(&settings.admin_role),
                "max token duration" => seconds.clone(),
                _ => return None,
            };
            Some((value, after))
        });
        text.push_str(before);
        match filled {
            Some((value, after)) => {
                text.push_str(&value);
                rest = after;
            }
            None => {
                text.push('<');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ProductionTag;

    #[test]
    fn every_guardrail_is_named_and_described() {
        let (rules, mistakes) = all(&Settings::default());

        assert_eq!(mistakes, []);
        assert_eq!(rules.len(), 7);
        for rule in rules {
            assert!(rule.name.starts_with("guardrail-"), "{}", rule.name);
            assert!(rule.policy.annotation("doc").is_some(), "{}", rule.name);
        }
    }

    #[test]
    fn what_is_configured_stays_a_string_whatever_is_in_it() {
        let settings = Settings {
            production_tag: ProductionTag {
                key: "a\" || true || \"<admin role>".to_owned(),
                value: "\\".to_owned(),
            },
            admin_role: "é\u{202e}\n*".to_owned(),
            ..Settings::default()
        };

        let (rules, mistakes) = all(&settings);

        assert_eq!(mistakes, []);
        let tag = rules
            .iter()
            .find(|rule| rule.name == "guardrail-production-tag");
        let json = tag.unwrap().policy.to_json().unwrap().to_string();
        assert!(
            json.contains(r#""a\" || true || \"<admin role>""#),
            "{json}"
        );
        assert!(json.contains("é\u{202e}\\n*"), "{json}");
    }
}
