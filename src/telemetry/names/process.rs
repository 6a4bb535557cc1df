//! What the process takes of its machine.

use super::Name;

const fn gauge(name: &'static str, meaning: &'static str) -> Name {
    Name {
        name,
        kind: "gauge",
        labels: &[],
        meaning,
    }
}

/// Time on processors.
pub const CPU: Name = Name {
    name: "process_cpu_seconds_total",
    kind: "counter",
    labels: &[],
    meaning: "Seconds on processors, for the process and for the system on its behalf.",
};

/// When it was started.
pub const STARTED: Name = gauge(
    "process_start_time_seconds",
    "When the process was started, in seconds since 1970; absent where the system hides when it was booted.",
);

/// Memory in use.
pub const RESIDENT: Name = gauge(
    "process_resident_memory_bytes",
    "Memory that is resident, in bytes.",
);

/// Memory that is mapped.
pub const VIRTUAL: Name = gauge(
    "process_virtual_memory_bytes",
    "Memory that is mapped, in bytes.",
);

/// Open files.
pub const OPEN_FILES: Name = gauge(
    "process_open_fds",
    "File descriptors that are open, those of connections included.",
);

/// How many there may be.
pub const MOST_FILES: Name = gauge(
    "process_max_fds",
    "File descriptors that may be open; absent where there is no limit.",
);

/// Tasks.
pub const TASKS: Name = gauge(
    "poolgate_tasks",
    "Tasks of the runtime that have not ended.",
);

/// All of them.
pub const ALL: &[&Name] = &[
    &CPU,
    &STARTED,
    &RESIDENT,
    &VIRTUAL,
    &OPEN_FILES,
    &MOST_FILES,
    &TASKS,
];
