//! Compiled pipelines from one context to the next, for drivers that keep none themselves. Only Vulkan gives them out
//! (`wgpu::Features::PIPELINE_CACHE`).

use super::{
    Context, Preparing,
    pipelines::{DIGEST, Kept, MAGIC, MOST, Pipelines, name, opened, sealed},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

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
