//! Stored pipelines of an adapter: their name, their seal, and the driver's cache that they fill.

use crate::{Result, op::user_file::digest};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize},
    },
};

/// First bytes of what is stored; the SHA-256 of the rest follows them.
pub(super) const MAGIC: &[u8] = b"wgrad pipelines 1\n";
pub(super) const DIGEST: usize = 32;
/// Maximum number of bytes that are stored. Drivers only ever add; beyond this, the next context starts anew.
pub(super) const MOST: usize = 64 << 20;

/// Storage for the pipelines of adapters.
pub trait Pipelines: fmt::Debug + Send + Sync {
    /// The bytes that were stored under `name`, if there are any; `most` is the maximum number of bytes.
    ///
    /// # Errors
    /// A message if they cannot be read.
    fn read(&self, name: &str, most: usize) -> std::result::Result<Option<Vec<u8>>, String>;

    /// Stores `bytes` under `name`, in place of any before.
    ///
    /// # Errors
    /// If they cannot be stored.
    fn store(&self, name: &str, bytes: &[u8]) -> Result<()>;
}

/// The pipelines of an open device.
pub(super) struct Kept {
    pub(super) store: Arc<dyn Pipelines>,
    pub(super) name: String,
    pub(super) cache: wgpu::PipelineCache,
    /// Length of the driver's data when they were last read or stored.
    pub(super) len: AtomicUsize,
    /// True once storing them has failed.
    pub(super) failed: AtomicBool,
}

/// The name under which the pipelines of an adapter are stored; `None` if its back end gives none out. wgpu's key alone is
/// not enough: all of Mesa's drivers without a vendor of their own share one.
pub(super) fn name(info: &wgpu::AdapterInfo) -> Option<String> {
    let key = wgpu::util::pipeline_cache_key(info)?;
    let digest = digest(&format!("{}\0{}", info.name, info.driver));
    Some(format!("{key}_{:.16}", digest))
}

/// `data` with its digest before it.
pub(super) fn sealed(data: &[u8]) -> Vec<u8> {
    [MAGIC, &Sha256::digest(data)[..], data].concat()
}

/// The data that [`sealed`] was given; an error if a byte of them has changed.
pub(super) fn opened(bytes: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("they are none of wgrad's, or of another version")?;
    let (digest, data) = rest.split_at_checked(DIGEST).ok_or("they are cut off")?;
    if data.len() > MOST {
        return Err("they are too large");
    }
    match digest == &Sha256::digest(data)[..] {
        true => Ok(data),
        false => Err("they are damaged: their SHA-256 is another"),
    }
}

/// The pipelines of a device, once a store was set for them.
pub(super) type Set = OnceLock<Kept>;

#[cfg(test)]
mod tests {
    use super::{DIGEST, MAGIC, opened, sealed};

    #[test]
    fn only_data_that_have_not_changed_are_opened() {
        let whole = sealed(b"compiled");
        assert_eq!(opened(&whole), Ok(&b"compiled"[..]));
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(opened(&damaged).is_err(), "byte {at}");
            assert!(opened(&whole[..at]).is_err(), "the first {at} bytes");
        }
        assert!(opened(&[&whole[..], b"x"].concat()).is_err(), "longer");
        assert_eq!(whole.len(), MAGIC.len() + DIGEST + 8);
    }
}
