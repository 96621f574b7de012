//! Progress on stderr while kernels are compiled and proven: a moving line in a terminal, elsewhere a plain line now
//! and then.

use super::{output::is_quiet, progress::Look};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use wgrad::{
    clock,
    gpu::{Context, Preparing},
};

/// Seconds before the first plain line, and between two plain lines.
const EVERY: f64 = 5.0;

/// State of the printed progress.
#[derive(Default)]
struct Teller {
    bar: Option<ProgressBar>,
    /// Time of the last plain line, or of the start.
    said: Option<f64>,
}

/// Prints from now on what `context` does while it prepares kernels.
pub fn tell(context: &Context) {
    let teller = Mutex::new(Teller::default());
    let look = Look::here();
    context.hear(move |what| teller.lock().unwrap_or_else(PoisonError::into_inner).hear(what, look));
}

impl Teller {
    fn hear(&mut self, what: Preparing<'_>, look: Look) {
        let (doing, kernel, nth, of) = match what {
            Preparing::Compiling { kernel, nth, of } => ("compiling", kernel, nth, of),
            Preparing::Proving { kernel, nth, of } => ("compiling and proving", kernel, nth, of),
            Preparing::Trying { .. } => return,
            Preparing::Note(note) => {
                let warn = || tell!("warning: {note}");
                return self.bar.as_ref().map_or_else(warn, |bar| bar.suspend(warn));
            }
            Preparing::Ready => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.said = None;
                return;
            }
        };
        if is_quiet() {
            return;
        }
        if look.moving {
            let bar = self.bar.get_or_insert_with(spinner);
            bar.set_message(format!("{doing} {nth}/{of} {kernel}"));
            return;
        }
        let now = clock::seconds();
        let said = *self.said.get_or_insert(now);
        if now - said > EVERY {
            self.said = Some(now);
            tell!("{doing} {nth}/{of}");
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
