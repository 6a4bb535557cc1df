//! What is left of a request or an answer that is too long for a line.

use serde_json::{Map, Value};

use super::within;

/// Shortens every member that is longer than `most` bytes of JSON, and names those.
pub(in crate::audit) fn shorten_members(value: &mut Value, most: usize) -> Vec<String> {
    let mut shortened = Vec::new();
    if let Value::Object(members) = value {
        for (name, member) in members {
            if length(member) > most {
                shorten(member, most);
                shortened.push(name.clone());
            }
        }
    }
    shortened
}

/// Leaves what is in about `most` bytes: of a text its beginning, of a list or a map those
/// elements that fit, each of them whole.
fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::String(text) => *text = within(text, most).into_owned(),
        Value::Array(elements) => {
            let mut left = most;
            let before = elements.len();
            elements.retain(|element| fits(element, &mut left));
            let more = before - elements.len();
            if more > 0 {
                elements.push(Value::from(format!("…({more} more)")));
            }
        }
        Value::Object(entries) => {
            let mut left = most;
            let before = entries.len();
            let whole: Map<String, Value> = std::mem::take(entries)
                .into_iter()
                .filter(|(_, entry)| fits(entry, &mut left))
                .collect();
            *entries = whole;
            let more = before - entries.len();
            if more > 0 {
                entries.insert("…".to_owned(), Value::from(format!("({more} more)")));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a value fits into what is left, which becomes less then.
fn fits(value: &Value, left: &mut usize) -> bool {
    let rest = left.checked_sub(length(value) + 1);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

fn length(value: &Value) -> usize {
    // A value is always written as JSON.
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_short_stays_and_of_what_is_long_what_fits() {
        let long = "x".repeat(700);
        let mut value = json!({
            "allowClassicFlow": true,
            "roles": {"unauthenticated": "arn:aws:iam::123456789012:role/guests"},
            "arns": [long, "short", long],
            "mappings": {"a": long, "b": "short", "c": long},
            "note": "y".repeat(2_000),
        });

        let shortened = shorten_members(&mut value, 1_000);

        let expected = json!({
            "allowClassicFlow": true,
            "roles": {"unauthenticated": "arn:aws:iam::123456789012:role/guests"},
            "arns": [long, "short", "…(1 more)"],
            "mappings": {"a": long, "b": "short", "…": "(1 more)"},
            "note": format!("{}…(2000 bytes)", "y".repeat(1_000)),
        });
        assert_eq!(value, expected);
        assert_eq!(shortened, ["arns", "mappings", "note"]);
    }
}
