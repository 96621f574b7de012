//! Threads that work on a device. Python waits for their events without its lock, and looks for signals meanwhile.

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Time between two looks for signals.
const TICK: Duration = Duration::from_millis(50);

/// The threads that were started.
static THREADS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Starts a thread that works on a device.
pub fn start(work: impl FnOnce() + Send + 'static) -> PyResult<()> {
    let thread = std::thread::Builder::new().name("wgrad".into()).spawn(work)?;
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.retain(|thread| !thread.is_finished());
    threads.push(thread);
    Ok(())
}

/// Waits until all threads have ended: a driver must not be unloaded under them.
#[pyfunction]
pub fn finish(py: Python<'_>) {
    py.detach(|| {
        let threads = std::mem::take(&mut *THREADS.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A panic of a thread was reported where its event was awaited.
            let _ended = thread.join();
        }
    });
}

/// Result of waiting.
pub enum Heard<T> {
    /// An event of the thread.
    Event(T),
    /// The exception of a signal, such as Ctrl-C's.
    Raised(PyErr),
    /// The error about a thread that ended without an answer.
    Gone(PyErr),
}

/// Waits for the next event, or for a signal that raises an exception.
pub fn wait<T: Send>(py: Python<'_>, events: &Mutex<Receiver<T>>) -> Heard<T> {
    loop {
        let event = py.detach(|| events.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK));
        match event {
            Ok(event) => return Heard::Event(event),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals() {
                    return Heard::Raised(error);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Heard::Gone(PyRuntimeError::new_err(
                    "the thread that works on the device ended without an answer, which is a bug in wgrad; stderr has \
                     its message",
                ));
            }
        }
    }
}

/// The next event, unless a signal raises an exception first.
pub fn next<T: Send>(py: Python<'_>, events: &Mutex<Receiver<T>>) -> PyResult<T> {
    match wait(py, events) {
        Heard::Event(event) => Ok(event),
        Heard::Raised(error) | Heard::Gone(error) => Err(error),
    }
}

/// A thread that answers requests, as its caller sees it.
pub struct Asks<R, A> {
    requests: Mutex<Sender<R>>,
    answers: Mutex<Receiver<A>>,
}

impl<R: Send, A: Send> Asks<R, A> {
    /// The ends of the channels to and from a thread.
    pub fn new(requests: Sender<R>, answers: Receiver<A>) -> Self {
        Self { requests: Mutex::new(requests), answers: Mutex::new(answers) }
    }

    /// Sends a request. If the thread has ended, the next answer has the reason.
    pub fn ask(&self, request: R) -> PyResult<()> {
        drop(self.requests.lock().unwrap_or_else(PoisonError::into_inner).send(request));
        Ok(())
    }

    /// The next answer, unless a signal raises an exception first.
    pub fn next(&self, py: Python<'_>) -> PyResult<A> {
        next(py, &self.answers)
    }
}
