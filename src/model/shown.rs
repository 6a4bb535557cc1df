//! Values in messages.

use serde_json::Value;

/// A value as Java prints it, `[a, b]` and `{k=v}`, up to so many characters.
pub(super) fn shown(value: &Value, limit: usize) -> String {
    let mut shown = Shown {
        text: String::new(),
        left: limit,
    };
    if shown.value(value).is_none() {
        shown.text.push('…');
    }
    shown.text
}

/// Text that takes no more than it has room for.
struct Shown {
    text: String,
    left: usize,
}

impl Shown {
    /// Nothing when the room is used up.
    fn value(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(elements) => {
                self.text("[")?;
                for (position, element) in elements.iter().enumerate() {
                    self.separator(position)?;
                    self.value(element)?;
                }
                self.text("]")
            }
            Value::Object(entries) => {
                self.text("{")?;
                for (position, (key, value)) in entries.iter().enumerate() {
                    self.separator(position)?;
                    self.text(key)?;
                    self.text("=")?;
                    self.value(value)?;
                }
                self.text("}")
            }
            other => self.text(&other.to_string()),
        }
    }

    fn separator(&mut self, position: usize) -> Option<()> {
        if position == 0 {
            return Some(());
        }
        self.text(", ")
    }

    fn text(&mut self, text: &str) -> Option<()> {
        for character in text.chars() {
            self.left = self.left.checked_sub(1)?;
            self.text.push(character);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_reads_as_java_prints_it_and_ends_where_its_room_does() {
        let value = json!({"a": ["b", 1, true], "c": null});

        assert_eq!(shown(&value, 100), "{a=[b, 1, true], c=null}");
        assert_eq!(shown(&value, 8), "{a=[b, 1…");
        assert_eq!(shown(&json!("exact"), 5), "exact");
    }
}
