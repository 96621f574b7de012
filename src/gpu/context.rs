//! An open device: queue, limits, the kernels compiled so far, and the first fault that happened on it. Errors
//! that wgpu reports out of band (lost device, validation) surface through [`Context::check`].

use super::{
    AdapterChoice, adapter,
    arrival::Arrival,
    fault,
    kernel::{KernelCache, Texts},
    pipelines,
    preparing::Ear,
};
use crate::{
    Error, Result,
    gpu::Trust,
    op::{AdapterClass, Traits},
};
use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Time after which a submission counts as hung.
const SUBMISSION_TIMEOUT: Duration = Duration::from_secs(60);
/// Time after which a submission counts as hung on a software adapter, whose cores other programs may be using.
const SLOW_TIMEOUT: Duration = Duration::from_secs(600);
/// Error message for a device without free memory.
const NO_MEMORY: &str = "it has no memory left: the network, its batch and its images together are too large for it, or \
                         other programs hold its memory";

/// Error message for a device that its caller closed.
const CLOSED: &str = "it was closed while it was in use";

/// Options for opening a device.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The adapter to open.
    pub adapter: AdapterChoice,
    /// Keeps wgpu's injected bounds and loop checks in wgrad's own kernels too. They cost up to a
    /// third of the speed. Kernels from elsewhere always have them.
    pub checked: bool,
    /// Binds at most this many bytes at once, like a smaller adapter; `None`: as many as the adapter allows.
    pub most_bytes: Option<u64>,
}

/// An open device. This is a handle: clones refer to the same device.
#[derive(Clone)]
pub struct Context(Arc<Shared>);

/// State that all handles of an open device share.
pub struct Shared {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(super) kernels: KernelCache,
    pub(super) texts: Texts,
    pub(super) pipelines: pipelines::Set,
    /// Name, driver and back end of the adapter.
    pub info: wgpu::AdapterInfo,
    /// Software or hardware.
    pub class: AdapterClass,
    /// Its kind and what else decides the default kernels.
    pub traits: Traits,
    /// Limits of the device.
    pub limits: wgpu::Limits,
    /// Features of the device beyond WebGPU's core.
    pub features: wgpu::Features,
    /// True if wgrad's own kernels keep wgpu's checks.
    pub checked: bool,
    /// Verdicts about the kernels on this device.
    pub(crate) trust: Trust,
    pub(super) ear: Ear,
    /// Time after which a submission counts as hung, if set by the caller.
    timeout: Mutex<Option<Duration>>,
    pub(super) hung: AtomicBool,
    /// Number of wgpu panics that had been caught when the device was opened.
    caught: u64,
    fault: Arc<Mutex<Option<String>>>,
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// Name, back end and driver on one line.
    pub fn describe(&self) -> String {
        adapter::describe(&self.info)
    }

    /// Returns the first fault that the device has reported, as an error.
    ///
    /// # Errors
    /// [`Error::Device`] once anything has gone wrong on the device.
    pub fn check(&self) -> Result<()> {
        match &*self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(message) => Err(self.fail(message.clone())),
        }
    }

    /// Ends all use of the device: whatever still uses it ends with [`Error::Device`]. Its memory is freed when the last
    /// user is gone.
    pub fn close(&self) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(CLOSED.to_string());
    }

    /// Returns true if it was closed in working order.
    fn is_closed(&self) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(CLOSED)
    }

    pub(super) fn fail(&self, message: String) -> Error {
        Error::Device { adapter: self.describe(), message }
    }
}

impl Context {
    /// Opens the adapter that `options` name, with all its limits and the features that kernels or
    /// timing can use.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if no adapter matches, [`Error::Device`] if the driver refuses.
    pub async fn open(options: &Options) -> Result<Self> {
        let listed = options.adapter.find().await?;
        let features = listed.features();
        let mut limits = listed.adapter.limits();
        if let Some(most) = options.most_bytes {
            limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(most);
        }
        let (device, queue) = listed
            .adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("wgrad"),
                required_features: features,
                required_limits: limits.clone(),
                memory_hints: wgpu::MemoryHints::MemoryUsage,
                ..Default::default()
            })
            .await
            .map_err(|e| Error::Device {
                adapter: listed.describe(),
                message: format!("the driver refused to open it: {e}"),
            })?;
        let fault = Arc::new(Mutex::new(None));
        let record = |fault: &Arc<Mutex<Option<String>>>, message: String| {
            fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
        };
        device.on_uncaptured_error({
            let fault = fault.clone();
            Arc::new(move |error: wgpu::Error| {
                record(
                    &fault,
                    match error {
                        wgpu::Error::OutOfMemory { .. } => NO_MEMORY.to_string(),
                        other => other.to_string(),
                    },
                )
            })
        });
        device.set_device_lost_callback({
            let fault = fault.clone();
            move |reason, message| {
                if reason != wgpu::DeviceLostReason::Destroyed {
                    record(&fault, format!("it was lost ({reason:?}): {}", message.trim()));
                }
            }
        });
        Ok(Self(Arc::new(Shared {
            kernels: KernelCache::default(),
            texts: Texts::default(),
            pipelines: pipelines::Set::default(),
            class: listed.class,
            traits: listed.traits,
            info: listed.info,
            limits,
            features,
            checked: options.checked,
            trust: Trust::default(),
            ear: Ear::default(),
            timeout: Mutex::default(),
            hung: AtomicBool::new(false),
            caught: fault::caught(),
            device,
            queue,
            fault,
        })))
    }

    /// Sets the time after which a submission counts as hung. The driver's compilation of kernels does not count.
    pub fn set_timeout(&self, timeout: Duration) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = Some(timeout);
    }

    /// Resets the time after which a submission counts as hung to the default: a minute, or ten on a software adapter,
    /// which other programs slow down. The driver may compile for longer.
    pub fn reset_timeout(&self) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Time after which a submission counts as hung, if set by the caller.
    pub(super) fn timeout(&self) -> Option<Duration> {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The underlying device, for code outside wgrad.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue of the underlying device.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The error for a call that failed with `message`. If the device has already reported a fault, the failure may be
    /// a mere consequence, so that fault is returned instead.
    pub(crate) fn failed(&self, message: String) -> Error {
        self.check().err().unwrap_or_else(|| self.fail(message))
    }

    /// Runs the callbacks of finished work; does not block.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is lost.
    pub fn poll(&self) -> Result<()> {
        self.device.poll(wgpu::PollType::Poll).map_err(|e| self.failed(e.to_string()))?;
        self.check()
    }

    /// Waits until `submission` has finished.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is lost, or hangs for longer than a minute, ten on a software adapter (or the
    /// time set by [`Context::set_timeout`]).
    pub async fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        self.wait_within(submission, self.patience(), "a kernel hangs, or the driver does").await
    }

    /// Time after which a submission counts as hung.
    pub(super) fn patience(&self) -> Duration {
        self.timeout().unwrap_or(match self.class {
            AdapterClass::Cpu => SLOW_TIMEOUT,
            AdapterClass::Gpu => SUBMISSION_TIMEOUT,
        })
    }

    /// Waits until `submission` has finished, for at most `limit`; in a browser there is no limit.
    pub(super) async fn wait_within(
        &self,
        submission: wgpu::SubmissionIndex,
        limit: Duration,
        why: &str,
    ) -> Result<()> {
        if !cfg!(target_family = "wasm") {
            return self.block(submission, limit, why);
        }
        self.check()?;
        let done = Arrival::default();
        let brings = done.clone();
        self.queue.on_submitted_work_done(move || brings.bring(()));
        done.woken().await;
        self.check()
    }

    /// Submits one compute pass; `record` fills it.
    pub fn submit_with(&self, record: impl FnOnce(&mut wgpu::ComputePass<'_>)) -> wgpu::SubmissionIndex {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        record(&mut pass);
        drop(pass);
        self.queue.submit([encoder.finish()])
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Closing a device waits for its work; hung work would keep the error about it from being reported. And wgpu
        // may panic while it closes a device that has failed. So these handles are leaked; buffers are released before.
        let failed = self.check().is_err() && !self.is_closed();
        if self.hung.load(Ordering::Relaxed) || failed || self.caught != fault::caught() {
            // Dropping a running pipeline would block as well.
            std::mem::forget((self.queue.clone(), self.device.clone(), self.kernels.all()));
        }
    }
}
