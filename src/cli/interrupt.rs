//! Ctrl-C: the first asks for an orderly end, the second ends at once.

use anyhow::{Context, Result};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether Ctrl-C came.
#[derive(Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub fn install() -> Result<Self> {
        Self::saying("finishing the step and saving")
    }

    /// The same, and says at the first that it is `doing` this.
    pub fn saying(doing: &'static str) -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = flag.clone();
        ctrlc::set_handler(move || {
            if seen.swap(true, Ordering::SeqCst) {
                // At once, without what is done at an end: the main thread may be about to do that, and drivers do not
                // take it twice.
                signal_hook::low_level::exit(130);
            }
            tell!("\n{doing}; Ctrl-C once more stops at once");
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self(flag))
    }

    /// Whether Ctrl-C came.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
