//! How much work one submission holds. It changes nothing about the numbers.

use crate::clock;

/// Decides how many steps one submission holds, so that it takes about a tenth of a second: a progress bar
/// moves, and no driver takes the work for a hang (Windows does after two seconds).
#[derive(Debug)]
pub(crate) struct Pacer {
    steps: f64,
    last: f64,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { steps: 1.0, last: 0.0 }
    }
}

impl Pacer {
    const TARGET: f64 = 0.1;

    /// Steps for the next submission.
    pub(crate) fn steps(&self) -> usize {
        self.steps as usize
    }

    /// Notes that a submission of `steps` steps, begun at `begun`, is done.
    pub(crate) fn observe(&mut self, steps: usize, begun: f64) {
        let now = clock::seconds();
        let took = (now - begun.max(self.last)).max(1e-6);
        self.last = now;
        let fitting = steps as f64 * Self::TARGET / took;
        // At most doubled at once: the first submissions also pay for warming up.
        self.steps = fitting.clamp(1.0, (2.0 * self.steps).min(1024.0));
    }
}
