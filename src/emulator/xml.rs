//! Looking things up in XML.

use roxmltree::Node;

/// The elements of this local name right below another.
pub(in crate::emulator) fn children<'a, 'input>(
    parent: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent
        .children()
        .filter(move |child| child.tag_name().name() == name)
}
