//! Amount of work per submission. It does not affect the numbers.

use crate::clock;

/// Chooses the number of steps per submission, so that it takes about a tenth of a second: a progress bar
/// moves, and no driver mistakes the work for a hang (Windows does after two seconds).
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

    /// Records that a submission of `steps` steps, begun at `begun`, is done.
    pub(crate) fn observe(&mut self, steps: usize, begun: f64) {
        let now = clock::seconds();
        let took = (now - begun.max(self.last)).max(1e-6);
        self.last = now;
        let fitting = steps as f64 * Self::TARGET / took;
        // At most doubled per submission: the first ones also include the warm-up.
        self.steps = fitting.clamp(1.0, (2.0 * self.steps).min(1024.0));
    }
}
