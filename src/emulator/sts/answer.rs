//! XML as the query protocol writes it.

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An element with text or with elements in it.
pub(super) struct Element {
    name: &'static str,
    /// Escaped already.
    content: String,
}

impl Element {
    pub(super) fn text(name: &'static str, text: impl AsRef<str>) -> Self {
        Self {
            name,
            content: escaped(text.as_ref()),
        }
    }

    pub(super) fn of(name: &'static str, elements: Vec<Element>) -> Self {
        Self {
            name,
            content: written(elements),
        }
    }
}

/// The answer of an action that succeeded.
pub(super) fn success(action: &str, result: Vec<Element>, request_id: &str) -> String {
    let (result, id) = (written(result), escaped(request_id));
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

/// The answer that refuses a request.
pub(super) fn failure(code: &str, message: &str, request_id: &str) -> String {
    let (message, id) = (escaped(message), escaped(request_id));
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
}

fn written(elements: Vec<Element>) -> String {
    elements
        .into_iter()
        .map(|Element { name, content }| format!("<{name}>{content}</{name}>"))
        .collect()
}

/// What a request holds comes back in messages, whatever it is: what XML has no place
/// for is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ if letter.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_break_out_of_its_element() {
        let xml = failure("InvalidAction", "</Message>&\0\"", "id");

        assert!(xml.contains("<Message>&lt;/Message&gt;&amp;\u{fffd}&quot;</Message>"));
    }
}
