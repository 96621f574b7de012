//! How much memory the process has used at most, where the system tells.

/// The peak of the resident memory, bytes; `None` where it is not known.
pub fn peak() -> Option<u64> {
    // Linux tells it here; elsewhere it takes a call that safe Rust has not.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
