//! Verdicts that last as long as the process.

use crate::{
    Result,
    gpu::{Place, Proofs},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

/// Kernels that were proven in this process, by environment: a kernel is proven once for all contexts in the same one.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Remembered {
    /// Returns true if nothing has been proven so far.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Proofs for Remembered {
    fn read(&self, place: &Place) -> std::result::Result<BTreeSet<String>, String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.get(&place.file(None)).cloned().unwrap_or_default())
    }

    fn store(&self, place: &Place, proven: &BTreeSet<String>) -> Result<()> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(place.file(None), proven.clone());
        Ok(())
    }
}
