//! Waiting for the device: a future that a callback of wgpu wakes. In a browser the event loop runs the callback;
//! elsewhere [`super::native`] makes the device run it.

use std::{
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

/// Maximum time for a callback once its work is done: another thread that waits for the device may be about to run it.
const CALLBACK: Duration = Duration::from_secs(60);

/// The value that a callback brought, and the task that waits for it.
struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// A value that a callback brings. Clones wait for the same value; the first to take it gets it.
pub(crate) struct Arrival<T>(Arc<(Mutex<State<T>>, Condvar)>);

impl<T> Clone for Arrival<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Arrival<T> {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(State { value: None, waker: None }), Condvar::new())))
    }
}

impl<T> Arrival<T> {
    /// Stores the value and wakes the waiting task and threads.
    pub(crate) fn bring(&self, value: T) {
        let (state, brought) = &*self.0;
        let waker = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.value = Some(value);
            state.waker.take()
        };
        brought.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the value, if it has arrived.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).value.take()
    }

    /// Takes the value, once the work that brings it is done. A browser awaits it. Elsewhere [`super::Context::wait`],
    /// or another thread's, has run the callbacks or is about to. `None` if the device never runs the callback.
    pub(crate) async fn arrived(&self) -> Option<T> {
        if cfg!(target_family = "wasm") { Some(self.woken().await) } else { self.within(CALLBACK) }
    }

    /// Takes the value; blocks this thread for at most `limit`.
    fn within(&self, limit: Duration) -> Option<T> {
        let (state, brought) = &*self.0;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = brought.wait_timeout_while(state, limit, |state| state.value.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.value.take()
    }

    /// Takes the value, once a callback has brought it.
    pub(crate) async fn woken(&self) -> T {
        poll_fn(|cx| {
            let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            match state.value.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival;
    use std::{thread, time::Duration};

    #[test]
    fn who_waits_is_woken_by_what_arrives_later() {
        let arrival = Arrival::default();
        let brought = arrival.clone();
        let bringer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            brought.bring(7);
        });
        assert_eq!(pollster::block_on(arrival.woken()), 7);
        bringer.join().expect("ends");
        assert_eq!(arrival.take(), None, "it was taken");
        assert_eq!(arrival.within(Duration::from_millis(1)), None, "nothing brings it");
        let brought = arrival.clone();
        let bringer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            brought.bring(9);
        });
        assert_eq!(pollster::block_on(arrival.arrived()), Some(9), "what another thread brings");
        bringer.join().expect("ends");
        arrival.bring(8);
        assert_eq!(pollster::block_on(arrival.woken()), 8, "what is there already");
    }
}
