//! Ctrl-C, or a wish to end: before there is any work that it could break it ends at once; then the first asks for an
//! orderly end, and the second ends at once.

use anyhow::{Context, Result};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The exit code of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

#[derive(Default)]
struct State {
    /// Whether there is something to finish.
    works: AtomicBool,
    came: AtomicBool,
}

/// Whether Ctrl-C came.
#[derive(Clone)]
pub struct Interrupt(Arc<State>);

impl Interrupt {
    /// Listens from now on. Until there is work it ends the program at once: data that are read, and kernels that are
    /// compiled, leave nothing behind, and what is written then is there whole or not at all.
    pub fn install() -> Result<Self> {
        Self::saying("finishing the step and saving")
    }

    /// The same, and says at the first while there is work that it is `doing` this.
    pub fn saying(doing: &'static str) -> Result<Self> {
        let state = Arc::new(State::default());
        let seen = state.clone();
        ctrlc::set_handler(move || {
            let works = seen.works.load(Ordering::SeqCst);
            if !works {
                tell!("\ninterrupted before there was anything to finish");
            }
            if !works || seen.came.swap(true, Ordering::SeqCst) {
                // At once, without what is done at an end: the main thread may be about to do that, and drivers do not
                // take it twice.
                signal_hook::low_level::exit(INTERRUPTED.into());
            }
            tell!("\n{doing}; Ctrl-C once more stops at once");
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self(state))
    }

    /// Whether there is something to finish from now on.
    pub fn set_working(&self, works: bool) {
        self.0.works.store(works, Ordering::SeqCst);
    }

    /// Whether Ctrl-C came while there was work.
    pub fn requested(&self) -> bool {
        self.0.came.load(Ordering::SeqCst)
    }
}
