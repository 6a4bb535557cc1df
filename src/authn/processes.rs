//! Processes that the callers file lists by their user and group. The kernel says which they
//! are: they cannot choose.

use crate::caller::{Caller, Process};

/// The processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Processes(Vec<Listed>);

/// Processes that are one caller: all of this user, of this group, or of both.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) caller: Caller,
}

impl Processes {
    /// Adds a row, unless there is one for the same.
    pub(super) fn add(&mut self, listed: Listed) -> bool {
        let mut others = self.0.iter();
        let is_new = !others.any(|one| (one.uid, one.gid) == (listed.uid, listed.gid));
        if is_new {
            self.0.push(listed);
        }
        is_new
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who a process is: the first row that fits.
    pub(super) fn caller(&self, process: Process) -> Option<Caller> {
        let fits = |listed: &&Listed| {
            listed.uid.is_none_or(|uid| uid == process.uid)
                && listed.gid.is_none_or(|gid| gid == process.gid)
        };
        let found = self.0.iter().find(fits);
        found.map(|listed| listed.caller.clone())
    }
}
