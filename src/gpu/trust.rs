//! Verdicts about the correctness of kernels on a device, as [`crate::selftest`] finds them.

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

/// Storage for verdicts about kernels, from one context to the next.
pub trait Proofs: fmt::Debug + Send + Sync {
    /// The kernels that were proven at `place`.
    ///
    /// # Errors
    /// A message if the record cannot be read, is damaged, or was made for something else: it does not count then.
    fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String>;

    /// Stores the kernels that were proven at `place`.
    ///
    /// # Errors
    /// If they cannot be stored.
    fn store(&self, place: &Place, proven: &BTreeSet<String>) -> Result<()>;
}

/// Verdicts about the kernels of a device.
#[derive(Debug, Default)]
pub struct Trust {
    /// Storage of the verdicts; `None`: nothing is proven.
    proofs: Mutex<Option<Arc<dyn Proofs>>>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    /// True once the stored verdicts have been read.
    pub(crate) read: bool,
    pub(crate) proven: BTreeSet<String>,
    /// Proven kernels that this process has used, by name.
    pub(crate) met: BTreeSet<String>,
    /// True if the driver ends loops by itself; `None` if that was not tested.
    pub(crate) ends_loops: Option<bool>,
    /// Fault of each kernel that is wrong.
    pub(crate) wrong: BTreeMap<String, String>,
}

impl Trust {
    /// Sets the storage of verdicts, and forgets those known so far.
    pub(crate) fn keep_in(&self, proofs: Option<Arc<dyn Proofs>>) {
        *self.proofs.lock().unwrap_or_else(PoisonError::into_inner) = proofs;
        *self.known() = Known::default();
    }

    /// The storage of verdicts.
    pub(crate) fn proofs(&self) -> Option<Arc<dyn Proofs>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if the kernel is known to be correct.
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

    /// The reason why `variant` must not run `call`, if it computed wrongly here.
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

/// Name of a kernel independent of its sizes: `matmul/tiled relu`.
pub(crate) fn name(call: &Call, variant: &Variant) -> String {
    match call.activation.name == LINEAR.name {
        true => format!("{}/{}", call.op.name, variant.name()),
        false => format!("{}/{} {}", call.op.name, variant.name(), call.activation.name),
    }
}

/// Key of a verdict: the kernel and the digest of its text.
pub(crate) fn key(call: &Call, variant: &Variant) -> Result<String> {
    let text = call.op.shader(variant, call.activation)?.text;
    Ok(format!("{} {}", name(call, variant), digest(&text)))
}
