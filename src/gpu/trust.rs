//! What is known of the kernels' rightness on a device. [`crate::selftest`] finds it out.

use super::place::Place;
use crate::{
    Result,
    op::{Call, Variant, activations::LINEAR, user_file::digest},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Keeps which kernels were proven, from one context to the next.
pub trait Proofs: fmt::Debug + Send + Sync {
    /// What was proven at `place`.
    ///
    /// # Errors
    /// In words, what cannot be read, is damaged, or was made for something else: it does not count.
    fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String>;

    /// Keeps what was proven at `place`.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn store(&self, place: &Place, proven: &BTreeSet<String>) -> Result<()>;
}

/// What is known of the kernels of a device.
#[derive(Debug, Default)]
pub struct Trust {
    /// Where verdicts are kept; `None`: nothing is proven.
    proofs: Mutex<Option<Arc<dyn Proofs>>>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Whether what was kept has been read.
    pub(crate) read: bool,
    pub(crate) proven: BTreeSet<String>,
    /// Kernels among them that this process has met, by name.
    pub(crate) met: BTreeSet<String>,
    /// Whether the driver ends loops by itself, where that was tried.
    pub(crate) ends_loops: Option<bool>,
    /// What is wrong with the others, in words.
    pub(crate) wrong: BTreeMap<String, String>,
}

impl Trust {
    /// Keeps verdicts in `proofs` from now on, and forgets those so far.
    pub(crate) fn keep_in(&self, proofs: Option<Arc<dyn Proofs>>) {
        *self.proofs.lock().unwrap_or_else(PoisonError::into_inner) = proofs;
        *self.known() = Known::default();
    }

    /// Where verdicts are kept.
    pub(crate) fn proofs(&self) -> Option<Arc<dyn Proofs>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the kernel is known to be right.
    pub(crate) fn knows(&self, call: &Call, variant: &Variant) -> Result<bool> {
        let name = name(call, variant);
        if self.known().met.contains(&name) {
            return Ok(true);
        }
        let key = key(call, variant)?;
        let mut known = self.known();
        let proven = known.proven.contains(&key);
        if proven {
            known.met.insert(name);
        }
        Ok(proven)
    }

    /// Why `variant` must not run `call`: it was seen to compute wrongly here.
    pub(crate) fn distrusted(&self, call: &Call, variant: &Variant) -> Option<String> {
        let known = self.known();
        if known.wrong.is_empty() {
            return None;
        }
        known
            .wrong
            .get(&name(call, variant))
            .map(|wrong| format!("computes wrongly on this adapter: {wrong}"))
    }
}

/// A kernel whatever its sizes: `matmul/tiled relu`.
pub(crate) fn name(call: &Call, variant: &Variant) -> String {
    match call.activation.name == LINEAR.name {
        true => format!("{}/{}", call.op.name, variant.name()),
        false => format!("{}/{} {}", call.op.name, variant.name(), call.activation.name),
    }
}

/// What a verdict is kept under: the kernel and the digest of its text.
pub(crate) fn key(call: &Call, variant: &Variant) -> Result<String> {
    let text = call.op.shader(variant, call.activation)?.text;
    Ok(format!("{} {}", name(call, variant), digest(&text)))
}
