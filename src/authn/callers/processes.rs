//! The list `processes`.

use std::collections::BTreeSet;

use super::check_name;
use crate::authn::processes::{Listed, Processes};
use crate::caller::{Caller, Proof};
use crate::sections::Section;

/// The largest number is none: the system uses it for "no change".
const MOST: u32 = u32::MAX - 1;

pub(super) fn read(root: &Section<'_>) -> Processes {
    let mut names = BTreeSet::new();
    let mut processes = Processes::default();
    for section in root.sections("processes") {
        section.known(&["name", "uid", "gid", "roles", "attributes"]);
        let name = section.wanted_text("name");
        let (uid, gid) = (
            section.whole("uid", 0..=MOST),
            section.whole("gid", 0..=MOST),
        );
        let (roles, attributes) = (section.set("roles"), section.map("attributes"));
        let Some(name) = name else {
            continue;
        };
        check_name(&section, &name, &mut names);
        if !section.has("uid") && !section.has("gid") {
            section.mistake("name", "wants a `uid`, a `gid`, or both");
            continue;
        }
        let id = format!("process:{name}");
        let caller = Caller::new(id, Proof::Process { name }, roles, attributes);
        if !processes.add(Listed { uid, gid, caller }) {
            section.mistake("name", "for the same user and group as one before");
        }
    }
    processes
}
