//! Peak memory of the process, where the system reports it.

/// The peak of the resident memory, bytes; `None` where it is not known.
pub fn peak() -> Option<u64> {
    // Linux reports it here; other systems need a call that safe Rust does not have.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
