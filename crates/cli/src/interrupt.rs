//! Ctrl-C and termination signals. Before there is work that a signal could damage, it ends the program at once. After
//! that, the first requests an orderly end and the second ends at once.

use anyhow::{Context, Result};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The exit code of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

#[derive(Default)]
struct State {
    /// True while there is work to finish.
    works: AtomicBool,
    came: AtomicBool,
}

/// Handle that reports whether Ctrl-C came.
#[derive(Clone)]
pub struct Interrupt(Arc<State>);

impl Interrupt {
    /// Installs the handler. Until there is work, a signal ends the program at once: reading data and compiling
    /// kernels leave nothing behind, and files written in that time are complete or absent.
    pub fn install() -> Result<Self> {
        Self::saying("finishing the step and saving")
    }

    /// Like [`Self::install`]; the first signal during work prints `doing`.
    pub fn saying(doing: &'static str) -> Result<Self> {
        let state = Arc::new(State::default());
        let seen = state.clone();
        ctrlc::set_handler(move || {
            let works = seen.works.load(Ordering::SeqCst);
            if !works {
                tell!("\ninterrupted before there was anything to finish");
            }
            if !works || seen.came.swap(true, Ordering::SeqCst) {
                // Exits at once, without exit handlers: the main thread may be about to run them, and drivers do not
                // survive that twice.
                signal_hook::low_level::exit(INTERRUPTED.into());
            }
            tell!("\n{doing}; press Ctrl-C again to stop at once");
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self(state))
    }

    /// Sets whether there is work to finish.
    pub fn set_working(&self, works: bool) {
        self.0.works.store(works, Ordering::SeqCst);
    }

    /// Returns true if Ctrl-C came while there was work.
    pub fn requested(&self) -> bool {
        self.0.came.load(Ordering::SeqCst)
    }
}
