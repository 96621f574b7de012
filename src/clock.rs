//! The one clock of the engine: seconds that pass. It knows no date.

use std::sync::OnceLock;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::time::Instant;
// `std` has no clock in a browser.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use web_time::Instant;

/// Seconds since the first call.
pub fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}
