//! Texts that are meant to break lines, files and terminals, and requests that have them in
//! every field that takes a text.

use poolgate::operation::Operation;
use poolgate::pb;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::examples;

/// What the texts are made of.
const PIECES: [&str; 44] = [
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\t",
    "\x08",
    "\x0b",
    "\x0c",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x7f",
    "\u{80}",
    "\u{85}",
    "\u{9b}31m",
    "\u{ad}",
    "\u{61c}",
    "\u{180e}",
    "\u{200b}",
    "\u{200e}",
    "\u{200f}",
    "\u{2028}",
    "\u{2029}",
    "\u{202a}",
    "\u{202e}evil\u{202c}",
    "\u{2066}",
    "\u{2069}",
    "\u{feff}",
    "\u{fff9}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{1f600}",
    "\u{e0041}",
    "\"",
    "\\",
    "\\n",
    "\\u000a",
    "\\ud800",
    "\\udc00\\ud800",
    "{\"a\": \"b\"}\n{\"eventName\": \"GetId\"}",
    "\"},\"errorCode\":null,\"additionalEventData\":{\"seq\":1}}\n",
    ",\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}",
    "%0a%00",
    "plain",
];

/// Bytes of headers that are no text.
const NO_TEXT: [&[u8]; 8] = [
    b"\xff",
    b"\x80",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x80",
    b"\xfe\xfe",
    b"\xe2\x80\xa8",
];

/// Numbers from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let end = u64::try_from(end).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % end).unwrap()
    }
}

/// A text: mostly short; some are longer than what a record shows of one.
pub fn text(random: &mut Random) -> String {
    let longest = match random.below(200) {
        0 => 70_000,
        1..=4 => 3_000,
        5..=30 => 300,
        _ => 24,
    };
    let mut text = String::new();
    if random.below(4) == 0 {
        // All control characters of both sets in turn.
        text.extend(char::from_u32(u32::try_from(random.below(0xa0)).unwrap()));
    }
    while text.len() < longest {
        text.push_str(PIECES[random.below(PIECES.len())]);
        if random.below(12) == 0 {
            break;
        }
    }
    text
}

/// The value of a header: what HTTP lets through of a text, and bytes that are none.
pub fn header(random: &mut Random) -> Vec<u8> {
    let mut bytes = text(random).into_bytes();
    bytes.truncate(700);
    for _ in 0..random.below(4) {
        bytes.extend_from_slice(NO_TEXT[random.below(NO_TEXT.len())]);
    }
    // HTTP takes spaces and tabs off both ends.
    bytes.retain(|byte| matches!(byte, 0x21..=0x7e | 0x80..));
    bytes
}

/// A way to one text of a message: fields from the outside in. Where the last one is a map
/// from text to text, it is the key or the value that is meant.
#[derive(Clone, Debug)]
pub struct Place {
    fields: Vec<FieldDescriptor>,
    is_key: bool,
}

impl Place {
    /// The fields, as in a mask.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(FieldDescriptor::name).collect();
        names.join(".")
    }

    /// Whether the key of a map is meant.
    pub fn is_key(&self) -> bool {
        self.is_key
    }
}

/// Every place of a text in a message.
pub fn places(message: &MessageDescriptor) -> Vec<Place> {
    let mut found = Vec::new();
    walk(message, &[], &mut found);
    found
}

fn walk(message: &MessageDescriptor, before: &[FieldDescriptor], found: &mut Vec<Place>) {
    for field in message.fields() {
        let fields = [before, std::slice::from_ref(&field)].concat();
        let kind = match field.is_map() {
            true => {
                let fields = fields.clone();
                found.push(Place {
                    fields,
                    is_key: true,
                });
                let entry = field.kind().as_message().unwrap().clone();
                entry.map_entry_value_field().kind()
            }
            false => field.kind(),
        };
        match kind {
            Kind::String => found.push(Place {
                fields,
                is_key: false,
            }),
            Kind::Message(inner) => walk(&inner, &fields, found),
            _ => {}
        }
    }
}

/// A request of the operation that AWS's model accepts, with `text` at a place.
pub fn request(operation: Operation, place: &Place, text: &str) -> Vec<u8> {
    let name = format!("cognito.identity.v1.{operation}Request");
    let descriptor = pb::descriptors().get_message_by_name(&name).unwrap();
    let example = examples::request(operation);
    let mut message = DynamicMessage::deserialize(descriptor, example).unwrap();
    put(&mut message, &place.fields, place.is_key, text);
    prost::Message::encode_to_vec(&message)
}

/// Puts a text into a message.
fn put(message: &mut DynamicMessage, fields: &[FieldDescriptor], is_key: bool, text: &str) {
    let (field, rest) = fields.split_first().unwrap();
    let inner = |kind: Kind, old: Option<Value>| match kind {
        Kind::Message(of) => {
            let old = old.and_then(|old| old.as_message().cloned());
            let mut inner = old.unwrap_or_else(|| DynamicMessage::new(of));
            if !rest.is_empty() {
                put(&mut inner, rest, is_key, text);
            }
            Value::Message(inner)
        }
        _ => Value::String(text.to_owned()),
    };
    let value = if field.is_map() {
        let entry = field.kind().as_message().unwrap().clone();
        let kind = entry.map_entry_value_field().kind();
        let (key, value) = match (rest.is_empty() && is_key, &kind) {
            (true, Kind::String) => (text, Value::String("value".to_owned())),
            (true, _) => (text, inner(kind, None)),
            (false, _) => ("accounts.google.com", inner(kind, None)),
        };
        Value::Map([(MapKey::String(key.to_owned()), value)].into())
    } else if field.is_list() {
        Value::List(vec![inner(field.kind(), None)])
    } else {
        let old = message
            .has_field(field)
            .then(|| message.get_field(field).into_owned());
        inner(field.kind(), old)
    };
    message.set_field(field, value);
}
