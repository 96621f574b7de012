//! What is told while kernels get ready, and to whom.

use std::sync::{Arc, Mutex, PoisonError};

/// What is told while kernels get ready.
#[derive(Clone, Copy, Debug)]
pub enum Preparing<'a> {
    /// The driver compiles a kernel.
    Compiling {
        /// `operation/variant`.
        kernel: &'a str,
        /// Which of them, from 1.
        nth: usize,
        /// How many kernels the plan has.
        of: usize,
    },
    /// A kernel is proven beside its twin, since nothing is known of it on this adapter.
    Proving {
        /// `operation/variant`.
        kernel: &'a str,
        /// Which of them, from 1.
        nth: usize,
        /// How many kernels the plan has.
        of: usize,
    },
    /// The driver compiles a kernel that is to be proven, or has done so and the kernel runs.
    Trying {
        /// `operation/variant`.
        kernel: &'a str,
        /// Whether it is compiled.
        compiled: bool,
    },
    /// Something that a person should know: a kernel that computes wrongly here, and what runs in its place.
    Note(&'a str),
    /// Nothing is left to do.
    Ready,
}

/// Who hears it.
pub(super) type Hears = dyn Fn(Preparing<'_>) + Send + Sync;

/// Who hears it, if anybody does.
#[derive(Default)]
pub(crate) struct Ear(Mutex<Option<Arc<Hears>>>);

impl Ear {
    pub(super) fn set(&self, ear: Arc<Hears>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ear);
    }

    pub(super) fn get(&self) -> Option<Arc<Hears>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
