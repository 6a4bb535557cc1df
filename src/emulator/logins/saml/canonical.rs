//! Exclusive XML Canonicalization 1.0 without comments: the one way to write an element
//! down, so that a signature holds however a document was spaced and prefixed.
//!
//! roxmltree does what a parser does for it: line ends, references and the values of
//! attributes are normalized. Prefixes are read from the text, where the parser keeps
//! names alone.

use std::collections::BTreeSet;

use roxmltree::{Node, NodeId, NodeType};

/// What the prefix list of a canonicalization calls the default namespace.
const DEFAULT: &str = "#default";

/// The canonical form of `apex` without the element `left_out`. The prefixes of
/// `inclusive` are declared where they are in scope, used or not.
pub(super) fn canonical(
    apex: Node<'_, '_>,
    left_out: Option<NodeId>,
    inclusive: &BTreeSet<&str>,
) -> String {
    let mut writer = Writer {
        source: apex.document().input_text(),
        inclusive: inclusive
            .iter()
            .map(|prefix| if *prefix == DEFAULT { "" } else { prefix })
            .collect(),
        declared: Vec::new(),
        text: String::new(),
    };
    // Not by recursion: whoever sends a document chooses how deep it is.
    let mut steps = vec![Step::Enter(apex)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Leave { name, declared } => {
                writer.put(&["</", name, ">"]);
                writer.declared.truncate(declared);
            }
            Step::Enter(node) if Some(node.id()) == left_out => {}
            Step::Enter(node) => match node.node_type() {
                NodeType::Element => {
                    let declared = writer.declared.len();
                    let name = writer.open(node);
                    steps.push(Step::Leave { name, declared });
                    steps.extend(node.children().rev().map(Step::Enter));
                }
                NodeType::Text => writer.escaped(node.text().unwrap_or_default(), IN_TEXT),
                NodeType::PI => writer.instruction(node),
                NodeType::Comment | NodeType::Root => {}
            },
        }
    }
    writer.text
}

enum Step<'a, 'input> {
    Enter(Node<'a, 'input>),
    /// Closes the element `name` and forgets what it declared.
    Leave {
        name: &'a str,
        declared: usize,
    },
}

struct Writer<'a> {
    source: &'a str,
    inclusive: Vec<&'a str>,
    /// The namespaces that the open elements have declared, outermost first: prefix and
    /// name.
    declared: Vec<(&'a str, &'a str)>,
    text: String,
}

impl<'a> Writer<'a> {
    /// Writes a start tag and tells its name.
    fn open(&mut self, node: Node<'a, '_>) -> &'a str {
        let name = self
            .source
            .get(node.range())
            .and_then(|element| element.strip_prefix('<'))
            .and_then(|tag| tag.split([' ', '\t', '\r', '\n', '/', '>']).next())
            .unwrap_or_default();
        let mut attributes: Vec<_> = node
            .attributes()
            .map(|attribute| {
                let qualified = self.source.get(attribute.range_qname());
                let namespace = attribute.namespace().unwrap_or_default();
                let qualified = qualified.unwrap_or_default();
                (namespace, attribute.name(), qualified, attribute.value())
            })
            .collect();
        attributes.sort_unstable();

        self.put(&["<", name]);
        let mut used = BTreeSet::from([prefix(name)]);
        let prefixed = attributes.iter().map(|(_, _, name, _)| prefix(name));
        used.extend(prefixed.filter(|prefix| !prefix.is_empty()));
        used.extend(&self.inclusive);
        used.remove("xml");
        for prefix in used {
            self.declare(node, prefix);
        }
        for (_, _, name, value) in attributes {
            self.put(&[" ", name, "=\""]);
            self.escaped(value, IN_ATTRIBUTE);
            self.put(&["\""]);
        }
        self.put(&[">"]);
        name
    }

    /// Declares what `prefix` means here, unless that is known from further out.
    fn declare(&mut self, node: Node<'a, '_>, prefix: &'a str) {
        let wanted = (!prefix.is_empty()).then_some(prefix);
        let meaning = node.lookup_namespace_uri(wanted).unwrap_or_default();
        let known = self
            .declared
            .iter()
            .rfind(|(declared, _)| *declared == prefix)
            .map_or("", |(_, meaning)| meaning);
        if meaning == known {
            return;
        }
        self.declared.push((prefix, meaning));
        match wanted {
            Some(prefix) => self.put(&[" xmlns:", prefix, "=\""]),
            None => self.put(&[" xmlns=\""]),
        }
        self.escaped(meaning, IN_ATTRIBUTE);
        self.put(&["\""]);
    }

    fn instruction(&mut self, node: Node<'a, '_>) {
        if let Some(instruction) = node.pi() {
            self.put(&["<?", instruction.target]);
            if let Some(value) = instruction.value {
                self.put(&[" ", value]);
            }
            self.put(&["?>"]);
        }
    }

    fn escaped(&mut self, text: &str, escapes: &[(char, &str)]) {
        for letter in text.chars() {
            match escapes.iter().find(|(escaped, _)| *escaped == letter) {
                Some((_, reference)) => self.text.push_str(reference),
                None => self.text.push(letter),
            }
        }
    }

    fn put(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }
}

const IN_TEXT: &[(char, &str)] = &[
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('\r', "&#xD;"),
];

const IN_ATTRIBUTE: &[(char, &str)] = &[
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('"', "&quot;"),
    ('\t', "&#x9;"),
    ('\n', "&#xA;"),
    ('\r', "&#xD;"),
];

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;
    use serde_json::Value;

    use super::*;

    /// Written by libxml2; tests/clients/python/saml.py makes them.
    const VECTORS: &str = include_str!("vectors/canonical.json");

    #[test]
    fn documents_are_written_as_another_implementation_writes_them() {
        let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.len(), 14);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let prefixes = vector["prefixes"].as_array().unwrap().iter();
            let prefixes = prefixes.map(|prefix| prefix.as_str().unwrap()).collect();
            let document = Document::parse(text("xml")).unwrap();

            let form = canonical(document.root_element(), None, &prefixes);

            assert_eq!(form, text("canonical"), "{}", text("why"));
        }
    }

    #[test]
    fn an_element_inside_is_written_with_what_it_uses_and_without_what_is_left_out() {
        let xml = "<a xmlns='u:d' xmlns:x='u:x' xmlns:y='u:y'><b x:c=''>1<e><y/></e>2</b></a>";
        let document = Document::parse(xml).unwrap();
        let find = |name| {
            document
                .descendants()
                .find(|node| node.has_tag_name(("u:d", name)))
        };
        let (apex, left_out) = (find("b").unwrap(), find("e").unwrap());

        let form = canonical(apex, Some(left_out.id()), &BTreeSet::new());

        assert_eq!(form, r#"<b xmlns="u:d" xmlns:x="u:x" x:c="">12</b>"#);
    }

    /// The other implementation does not know this word of the standard.
    #[test]
    fn the_default_namespace_can_be_listed() {
        let xml = "<x:a xmlns:x='u:x' xmlns='u:d'><x:b/></x:a>";
        let document = Document::parse(xml).unwrap();

        let form = canonical(document.root_element(), None, &BTreeSet::from(["#default"]));

        assert_eq!(form, r#"<x:a xmlns="u:d" xmlns:x="u:x"><x:b></x:b></x:a>"#);
    }

    #[test]
    fn depth_is_no_matter() {
        let (open, close) = ("<a>".repeat(900), "</a>".repeat(900));
        let xml = format!("{open}{close}");
        let document = Document::parse(&xml).unwrap();

        let form = canonical(document.root_element(), None, &BTreeSet::new());

        assert_eq!(form, xml);
    }
}
