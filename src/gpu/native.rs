//! The only blocking wait: outside a browser the caller itself must make the device run its callbacks.

use super::Context;
use crate::{Result, error::HANGS};
use std::{sync::atomic::Ordering, time::Duration};

impl Context {
    /// Blocks until `submission` is done and its callbacks have run, for at most `limit`.
    pub(super) fn block(&self, submission: wgpu::SubmissionIndex, limit: Duration, why: &str) -> Result<()> {
        // Work that a lost device was given never ends.
        self.check()?;
        let poll = self
            .device
            .poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(limit) });
        match poll {
            Err(wgpu::PollError::Timeout) => {
                self.hung.store(true, Ordering::Relaxed);
                Err(self.fail(format!("{HANGS} {} s: {why}", limit.as_secs_f64())))
            }
            // The device never took the work because it was lost before.
            Err(e @ wgpu::PollError::WrongSubmissionIndex(..)) => {
                Err(self.failed(format!("it was lost: it did not accept the work ({e})")))
            }
            Ok(_) => self.check(),
        }
    }
}
