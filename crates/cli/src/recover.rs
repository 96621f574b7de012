//! Recovery from a device that is lost or out of memory: it is reopened a few times, if the work can be continued.

use crate::in_words;
use anyhow::{Error, Result};
use std::{thread::sleep, time::Duration};
use wgrad::{Error as Fault, gpu::guarded};

/// Recoveries in a row without any progress.
const TRIES: u32 = 3;
/// Pause before a recovery, from the second one on, for a driver that has just been reset.
const PAUSE: Duration = Duration::from_millis(500);

/// Counts the losses of a device since the last change of `P`, the progress of the work.
#[derive(Default)]
pub struct Patience<P> {
    lost: u32,
    at: P,
}

impl<P: PartialEq> Patience<P> {
    /// Permits another try after `error` at `progress`, and reports that the device is reopened.
    ///
    /// # Errors
    /// The error itself if it is not one of a device, or if too many came in a row.
    pub fn again(&mut self, error: Error, progress: P) -> Result<()> {
        if progress != self.at {
            (self.lost, self.at) = (0, progress);
        }
        let after_reset = self.lost > 0 && matches!(error.downcast_ref(), Some(Fault::NoAdapter { .. }));
        if !(is_of_device(&error) || after_reset) || self.lost == TRIES {
            return Err(error);
        }
        tell!("warning: {}", in_words(&error));
        sleep(self.lost * PAUSE);
        self.lost += 1;
        tell!("opening the device again (try {} of {TRIES})", self.lost);
        Ok(())
    }
}

/// Runs `work`, and runs it again from its beginning if the device is lost.
pub async fn persist<T>(mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut patience = Patience::<()>::default();
    loop {
        match guarded(work()).await {
            Err(error) => patience.again(error, ())?,
            done => return done,
        }
    }
}

/// Returns true if a device was lost or had no memory left.
pub fn is_of_device(error: &Error) -> bool {
    error.downcast_ref().is_some_and(Fault::is_of_device)
}

#[cfg(test)]
mod tests {
    use super::{Patience, persist};
    use anyhow::{Context as _, Error, Result, anyhow};
    use wgrad::Error as Fault;

    fn lost() -> Error {
        Error::from(Fault::Device { adapter: "one".into(), message: "it was lost".into() })
    }

    #[test]
    fn a_device_is_opened_anew_a_few_times_in_a_row() {
        let mut patience = Patience::default();
        for progress in [1, 1, 1, 2, 2, 2] {
            let error = Err::<(), _>(lost()).context("while it trained").expect_err("it is one");
            patience.again(error, progress).expect("once more");
        }
        assert!(patience.again(lost(), 2).is_err());
        assert!(patience.again(anyhow!("the disk is full"), 3).is_err());
        let hangs =
            Fault::Device { adapter: String::new(), message: "no answer for 60 s: a kernel hangs".into() };
        assert!(patience.again(hangs.into(), 4).is_err(), "it would hang again");
    }

    #[test]
    fn work_is_done_again_from_its_beginning() {
        let mut tries = 0;
        let done: Result<u32> = pollster::block_on(persist(async || {
            tries += 1;
            if tries < 3 { Err(lost()) } else { Ok(tries) }
        }));
        assert_eq!(done.expect("the third time"), 3);
    }
}
