//! Compiled pipelines of an adapter, from one context to the next, for drivers that keep none themselves. Only Vulkan
//! gives them out (`wgpu::Features::PIPELINE_CACHE`).

use super::{Context, Preparing};
use crate::{Result, op::user_file::digest};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// First bytes of what is stored; the SHA-256 of the rest follows them.
const MAGIC: &[u8] = b"wgrad pipelines 1\n";
const DIGEST: usize = 32;
/// Maximum number of bytes that are stored. Drivers only ever add; beyond this, the next context starts anew.
const MOST: usize = 64 << 20;

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
    store: Arc<dyn Pipelines>,
    name: String,
    cache: wgpu::PipelineCache,
    /// Length of the driver's data when they were last read or stored.
    len: AtomicUsize,
    /// True once storing them has failed.
    failed: AtomicBool,
}

/// The name under which the pipelines of an adapter are stored; `None` if its back end gives none out. wgpu's key alone is
/// not enough: all of Mesa's drivers without a vendor of their own share one.
fn name(info: &wgpu::AdapterInfo) -> Option<String> {
    let key = wgpu::util::pipeline_cache_key(info)?;
    let digest = digest(&format!("{}\0{}", info.name, info.driver));
    Some(format!("{key}_{:.16}", digest))
}

/// `data` with its digest before it.
fn sealed(data: &[u8]) -> Vec<u8> {
    [MAGIC, &Sha256::digest(data)[..], data].concat()
}

/// The data that [`sealed`] was given; an error if a byte of them has changed.
fn opened(bytes: &[u8]) -> std::result::Result<&[u8], &'static str> {
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

impl Context {
    /// Keeps compiled pipelines in `store` from one context to the next, if the back end gives them out. Call it before
    /// the first kernel is compiled; a second call has no effect. Stored pipelines that are damaged or belong to
    /// another driver do not count; a [`Preparing::Note`] reports damaged ones.
    pub async fn keep_pipelines(&self, store: Arc<dyn Pipelines>) {
        let Some(name) = name(&self.info) else { return };
        if !self.features.contains(wgpu::Features::PIPELINE_CACHE) || self.pipelines.get().is_some() {
            return;
        }
        let read = store.read(&name, MAGIC.len() + DIGEST + MOST);
        let is_new = matches!(read, Ok(None));
        let bytes = read.unwrap_or_else(|why| {
            self.tell(Preparing::Note(&why));
            None
        });
        let data = bytes.as_deref().filter(|bytes| !bytes.is_empty()).and_then(|bytes| match opened(bytes) {
            Ok(data) => Some(data),
            Err(why) => {
                let note =
                    format!("the stored pipelines `{name}` do not count, since {why}; they are made anew");
                self.tell(Preparing::Note(&note));
                None
            }
        });
        let mut made = self.pipeline_cache(data).await;
        if made.is_none() && data.is_some() {
            made = self.pipeline_cache(None).await;
        }
        let Some(cache) = made else { return };
        // What does not count is replaced even if the driver keeps nothing.
        let len = if data.is_some() || is_new { cache.get_data().map_or(0, |data| data.len()) } else { 0 };
        let len = AtomicUsize::new(len);
        let _first = self.pipelines.set(Kept { store, name, cache, len, failed: AtomicBool::new(false) });
    }

    /// The driver's cache, filled with `data`; `None` if it makes none.
    async fn pipeline_cache(&self, data: Option<&[u8]>) -> Option<wgpu::PipelineCache> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validity = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("wgrad pipelines"), data, fallback: true };
        // Sound as far as files can be trusted: wgpu gave out these bytes (`PipelineCache::get_data`), a SHA-256 tells
        // that none has changed, and wgpu itself compares their header with this device and driver. No safe call of
        // wgpu takes them.
        #[allow(unsafe_code)]
        let cache = unsafe { self.device.create_pipeline_cache(&descriptor) };
        let failed = [validity.pop().await, memory.pop().await];
        failed.iter().all(Option::is_none).then_some(cache)
    }

    /// The driver's cache for a pipeline that is made now.
    pub(super) fn known_pipelines(&self) -> Option<&wgpu::PipelineCache> {
        self.pipelines.get().map(|kept| &kept.cache)
    }

    /// Stores the pipelines, if there are new ones. A failure is reported once, as a note.
    pub(crate) fn store_pipelines(&self) {
        let Some(kept) = self.pipelines.get().filter(|kept| !kept.failed.load(Ordering::Relaxed)) else {
            return;
        };
        let data = kept.cache.get_data().unwrap_or_default();
        // A driver that keeps nothing in its cache gives out a header of constant length.
        if data.is_empty() || data.len() == kept.len.swap(data.len(), Ordering::Relaxed) {
            return;
        }
        let bytes = if data.len() > MOST { Vec::new() } else { sealed(&data) };
        if let Err(error) = kept.store.store(&kept.name, &bytes) {
            kept.failed.store(true, Ordering::Relaxed);
            self.tell(Preparing::Note(&format!("the compiled pipelines are not kept: {error}")));
        }
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
