//! A device that is lost, or has no memory left, is opened anew a few times, if the work can go on from what is known.

use crate::in_words;
use anyhow::{Error, Result};
use std::{thread::sleep, time::Duration};
use wgrad::{Error as Fault, gpu::guarded};

/// How often in a row, without any progress.
const TRIES: u32 = 3;
/// How long a driver that has just been reset is left alone, from the second time on.
const PAUSE: Duration = Duration::from_millis(500);

/// Counts how often a device was lost since `P`, how far the work has come, was another.
#[derive(Default)]
pub struct Patience<P> {
    lost: u32,
    at: P,
}

impl<P: PartialEq> Patience<P> {
    /// After `error`, at `progress`: says that the device is opened anew.
    ///
    /// # Errors
    /// The error itself where it is none of a device, or where that has happened too often.
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
        tell!("the device is opened anew (try {} of {TRIES})", self.lost);
        Ok(())
    }
}

/// Does `work`, and again from its beginning where the device is lost.
pub async fn persist<T>(mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut patience = Patience::<()>::default();
    loop {
        match guarded(work()).await {
            Err(error) => patience.again(error, ())?,
            done => return done,
        }
    }
}

/// Whether a device was lost, or had no memory left.
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
