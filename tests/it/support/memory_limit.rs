//! A limit of memory that the kernel sets, above which it kills.

use std::io;
use std::path::{Path, PathBuf};

/// Where control groups are, of the first version and of the second, with the file that has
/// the limit.
const VERSIONS: [(&str, &str); 2] = [
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    ("/sys/fs/cgroup", "memory.max"),
];

/// A control group, which has to be empty again when this is dropped.
pub struct MemoryLimit {
    folder: PathBuf,
}

impl MemoryLimit {
    /// A new one with so many bytes. That wants rights on the machine.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let name = format!("poolgate-test-{}", std::process::id());
        let [first, second] = VERSIONS;
        let (root, file) = match Path::new(first.0).is_dir() {
            true => first,
            false => second,
        };
        let folder = Path::new(root).join(name);
        std::fs::create_dir(&folder)?;
        let limit = Self { folder };
        // Not made where it is not there: a folder that is no control group.
        let file = std::fs::File::options()
            .write(true)
            .open(limit.folder.join(file));
        io::Write::write_all(&mut file?, bytes.to_string().as_bytes())?;
        Ok(limit)
    }

    /// A process that writes its number to this file is in it.
    pub fn processes(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.folder);
    }
}
