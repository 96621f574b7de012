//! Ranks that are threads of one process: what they send lies in shared memory.

use super::Communicator;
use crate::{Error, Result};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// State of a collective call.
#[derive(Default)]
struct State {
    /// What each rank sends.
    sent: Vec<Vec<u8>>,
    /// Number of ranks that have sent.
    arrived: usize,
    /// Number of ranks that have received.
    taken: usize,
    /// The rank that has left the team, if one has.
    left: Option<usize>,
}

/// A rank among the threads of this process. To drop it is to leave the team: calls of the other ranks then fail
/// instead of waiting.
pub struct Threads {
    rank: usize,
    size: usize,
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// A team of `size` threads: the communicator of each rank, for a thread of its own.
pub fn threads(size: usize) -> Vec<Threads> {
    let state = State { sent: vec![Vec::new(); size], ..State::default() };
    let shared = Arc::new((Mutex::new(state), Condvar::new()));
    (0..size).map(|rank| Threads { rank, size, shared: shared.clone() }).collect()
}

impl Threads {
    /// Sends `own` and calls `receive` with what each rank sent, once all have; it returns false if a rank sent another
    /// number of bytes than its call expects.
    fn exchange(&self, own: &[u8], receive: impl FnOnce(&[Vec<u8>]) -> bool) -> Result<()> {
        let (state, changed) = &*self.shared;
        let waiting = |state: &State, condition: bool| condition && state.left.is_none();
        let lost = |state: &State| match state.left {
            Some(rank) => {
                let message = format!("rank {rank} has left the training; its own message says why");
                Err(Error::Team { message })
            }
            None => Ok(()),
        };
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        // The call before this one is over when all ranks have received.
        let waited = changed.wait_while(state, |state| {
            let open = state.arrived == self.size;
            waiting(state, open)
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        lost(&state)?;
        state.sent[self.rank].clear();
        state.sent[self.rank].extend_from_slice(own);
        state.arrived += 1;
        changed.notify_all();
        let waited = changed.wait_while(state, |state| {
            let open = state.arrived < self.size;
            waiting(state, open)
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        // Who leaves after all have sent does not spoil what was sent.
        if state.arrived < self.size {
            lost(&state)?;
        }
        let fits = receive(&state.sent);
        state.taken += 1;
        if state.taken == self.size {
            (state.arrived, state.taken) = (0, 0);
            changed.notify_all();
        }
        let message =
            "the ranks made different calls; call the same methods in the same order on all of them";
        if fits { Ok(()) } else { Err(Error::Team { message: message.into() }) }
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> Result<()> {
        self.exchange(own, |sent| {
            let fits = sent.iter().all(|from| from.len() == own.len());
            for (to, from) in all.chunks_exact_mut(own.len().max(1)).zip(sent).filter(|_| fits) {
                to.copy_from_slice(from);
            }
            fits
        })
    }

    fn all_to_all(&self, send: &[u8], received: &mut [u8]) -> Result<()> {
        let part = send.len() / self.size;
        self.exchange(send, |sent| {
            let fits = sent.iter().all(|from| from.len() == send.len());
            for (to, from) in received.chunks_exact_mut(part.max(1)).zip(sent).filter(|_| fits) {
                to.copy_from_slice(&from[self.rank * part..(self.rank + 1) * part]);
            }
            fits
        })
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        let own = if self.rank == 0 { bytes.to_vec() } else { Vec::new() };
        self.exchange(&own, |sent| {
            let fits = sent[0].len() == bytes.len();
            if fits {
                bytes.copy_from_slice(&sent[0]);
            }
            fits
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let (state, changed) = &*self.shared;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.left.get_or_insert(self.rank);
        changed.notify_all();
    }
}
