//! The one clock of the library, so that a build without one (a browser worker) has one place to change.

use std::{sync::OnceLock, time::Instant};

/// Seconds since the first call.
pub fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}
