//! Events of the preparation of kernels, and the callback that receives them.

use std::sync::{Arc, Mutex, PoisonError};

/// An event of the preparation of kernels.
#[derive(Clone, Copy, Debug)]
pub enum Preparing<'a> {
    /// The driver compiles a kernel.
    Compiling {
        /// `operation/variant`.
        kernel: &'a str,
        /// Number of this kernel, from 1.
        nth: usize,
        /// Number of kernels in the plan.
        of: usize,
    },
    /// A kernel is being proven against its twin, since no verdict about it is known on this adapter.
    Proving {
        /// `operation/variant`.
        kernel: &'a str,
        /// Number of this kernel, from 1.
        nth: usize,
        /// Number of kernels to prove.
        of: usize,
    },
    /// The driver compiles a kernel for a proof (`compiled` is false), or has done so and the kernel runs.
    Trying {
        /// `operation/variant`.
        kernel: &'a str,
        /// True once it is compiled.
        compiled: bool,
    },
    /// A message for the user: a kernel that computes wrongly here, and the variant that replaces it.
    Note(&'a str),
    /// Preparation is complete.
    Ready,
}

/// Callback type for the events.
pub(super) type Hears = dyn Fn(Preparing<'_>) + Send + Sync;

/// The callback, if one is set.
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
