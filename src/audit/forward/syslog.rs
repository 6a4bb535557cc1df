//! A line as a syslog message (RFC 5424).

use super::Line;
use super::facts::Facts;

/// Facility 13 is `log audit`; severities are `informational` and, where there is an error
/// code, `notice`.
const INFORMATIONAL: u8 = 13 * 8 + 6;
const NOTICE: u8 = 13 * 8 + 5;

/// The longest HOSTNAME and MSGID (RFC 5424, 6).
const HOST_NAME: usize = 255;
const MESSAGE_ID: usize = 32;

/// The message. There is no structured data: the RFC has no element for numbers of this
/// kind, and poolgate has no enterprise number to define one under; `seq` is in the line.
/// There is no byte order mark before the line either, which makes it MSG-ANY: receivers
/// keep the mark, and what it stands before is then no JSON, nor what was hashed.
pub fn message(line: &Line, process: u32) -> Vec<u8> {
    let facts = Facts::of(&line.text);
    let priority = match facts.error_code {
        Some(_) => NOTICE,
        None => INFORMATIONAL,
    };
    let time = facts.time().map_or_else(
        || "-".to_owned(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    );
    let host = word(facts.instance(), HOST_NAME);
    let id = word(&facts.event_name, MESSAGE_ID);
    let mut message =
        format!("<{priority}>1 {time} {host} poolgate {process} {id} - ").into_bytes();
    message.extend_from_slice(line.text.as_bytes());
    message
}

/// Messages one behind the other, each with its length before it (RFC 6587, 3.4.1).
pub fn counted(lines: &[Line], process: u32) -> Vec<u8> {
    let mut all = Vec::new();
    for line in lines {
        let message = message(line, process);
        all.extend_from_slice(message.len().to_string().as_bytes());
        all.push(b' ');
        all.extend_from_slice(&message);
    }
    all
}

/// A text as PRINTUSASCII of a greatest length; `-` where there is none.
fn word(text: &str, most: usize) -> String {
    let printable = text.chars().map(|letter| match letter {
        '!'..='~' => letter,
        _ => '_',
    });
    match text.is_empty() {
        true => "-".to_owned(),
        false => printable.take(most).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let line = Line {
            seq: 7,
            text: text.to_owned(),
        };
        String::from_utf8(message(&line, 42)).unwrap()
    }

    #[test]
    fn a_line_is_a_message_of_the_audit_facility_and_its_own_bytes() {
        let line = r#"{"eventTime":"2026-11-25T05:00:00Z","eventName":"GetId","additionalEventData":{"instanceId":"poolgate-0","seq":7}}"#;

        let expected = format!("<110>1 2026-11-25T05:00:00Z poolgate-0 poolgate 42 GetId - {line}");
        assert_eq!(said(line), expected);
        let failed = line.replacen('{', r#"{"errorCode":"TooManyRequestsException","#, 1);
        assert!(said(&failed).starts_with("<109>1 2026-11-25"));
    }

    #[test]
    fn words_of_the_header_have_no_gaps_and_keep_to_their_lengths() {
        let name = "é".repeat(300);
        let line = format!(
            r#"{{"eventTime":"soon","eventName":"GetOpenIdTokenForDeveloperIdentity","additionalEventData":{{"instanceId":"my pod {name}"}}}}"#
        );

        let said = said(&line);

        let host = format!("my_pod_{}", "_".repeat(248));
        let header = format!("<110>1 - {host} poolgate 42 GetOpenIdTokenForDeveloperIdenti - ");
        assert!(said.starts_with(&header), "{said}");
    }

    #[test]
    fn what_is_no_record_is_a_message_as_well() {
        assert_eq!(said("{}"), "<110>1 - - poolgate 42 - - {}");
        assert_eq!(said("x\u{feff}"), "<110>1 - - poolgate 42 - - x\u{feff}");
    }

    #[test]
    fn lengths_are_counted_in_bytes() {
        let line = |text: &str| Line {
            seq: 1,
            text: text.to_owned(),
        };

        let bytes = counted(&[line("é"), line("{}")], 42);

        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "29 <110>1 - - poolgate 42 - - é29 <110>1 - - poolgate 42 - - {}"
        );
    }
}
