//! An open device: queue, limits, the kernels compiled so far, and the first fault that happened on
//! it. Errors that wgpu reports out of band (lost device, validation) surface through [`Context::check`].

use super::{AdapterChoice, adapter, arrival::Arrival, fault, kernel::KernelCache, preparing::Ear};
use crate::{Error, Result, gpu::Trust, op::AdapterClass};
use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long one submission may take before it counts as hung.
const SUBMISSION_TIMEOUT: Duration = Duration::from_secs(60);
/// The same where everything runs on the processor's cores, which other programs may be using.
const SLOW_TIMEOUT: Duration = Duration::from_secs(600);
/// What is wrong where the device has no memory left.
const NO_MEMORY: &str = "it has no memory left: the network, its batch and its images together are too large for it, or \
                         other programs hold its memory";

/// How to open a device.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which adapter.
    pub adapter: AdapterChoice,
    /// Keep wgpu's injected bounds and loop checks in wgrad's own kernels too. They cost up to a
    /// third of the speed; a kernel that someone else wrote always has them.
    pub checked: bool,
    /// Bind no more bytes at once than these, as on a smaller adapter; `None`: as many as the adapter does.
    pub most_bytes: Option<u64>,
}

/// A device that is open for work: a handle, whose clones are the same device.
#[derive(Clone)]
pub struct Context(Arc<Shared>);

/// What all handles of an open device share.
pub struct Shared {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(super) kernels: KernelCache,
    /// Name, driver and back end of the adapter.
    pub info: wgpu::AdapterInfo,
    /// Software or hardware: decides the default kernels.
    pub class: AdapterClass,
    /// What the device allows.
    pub limits: wgpu::Limits,
    /// What the device can do beyond WebGPU's core.
    pub features: wgpu::Features,
    /// Whether wgrad's own kernels keep wgpu's checks.
    pub checked: bool,
    /// What is known of the kernels' rightness on this device.
    pub(crate) trust: Trust,
    pub(super) ear: Ear,
    /// What counts as hung, where something else was asked for than is usual.
    timeout: Mutex<Option<Duration>>,
    pub(super) hung: AtomicBool,
    /// Panics of wgpu that had been caught when it was opened.
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

    /// The first fault that the device has reported, as an error.
    ///
    /// # Errors
    /// [`Error::Device`] once anything went wrong on the device.
    pub fn check(&self) -> Result<()> {
        match &*self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(message) => Err(self.fail(message.clone())),
        }
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
    /// [`Error::NoAdapter`] where no adapter matches, [`Error::Device`] where the driver refuses.
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
            class: listed.class,
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

    /// Lets a submission take this long before it counts as hung. What the driver takes to compile a kernel is no part of it.
    pub fn set_timeout(&self, timeout: Duration) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = Some(timeout);
    }

    /// Lets a submission take as long as is usual: a minute; ten on a software adapter, which other programs slow down.
    /// The driver may compile for longer.
    pub fn reset_timeout(&self) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What counts as hung, where something else was asked for than is usual.
    pub(super) fn timeout(&self) -> Option<Duration> {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The underlying device, for code that adds to wgrad from outside.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue of the underlying device.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// What is wrong, where a call failed with `message`: the first fault that the device has reported, of which that
    /// may be but a consequence.
    pub(crate) fn failed(&self, message: String) -> Error {
        self.check().err().unwrap_or_else(|| self.fail(message))
    }

    /// Lets callbacks of finished work run; returns at once.
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
    /// [`Error::Device`] if the device is lost, or hangs for longer than a minute, ten on a software adapter (or what
    /// [`Context::set_timeout`] says).
    pub async fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        self.wait_within(submission, self.patience(), "a kernel hangs, or the driver does").await
    }

    /// How long a submission may take before it counts as hung.
    pub(super) fn patience(&self) -> Duration {
        self.timeout().unwrap_or(match self.class {
            AdapterClass::Cpu => SLOW_TIMEOUT,
            AdapterClass::Gpu => SUBMISSION_TIMEOUT,
        })
    }

    /// In a browser nothing limits it.
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
        // Closing a device waits for its work; work that hangs would keep the error about it from being told. And one that
        // has failed is in a state in which wgpu may panic while it closes it; buffers are given up before it.
        if self.hung.load(Ordering::Relaxed) || self.check().is_err() || self.caught != fault::caught() {
            // So does giving up a pipeline that runs.
            std::mem::forget((self.queue.clone(), self.device.clone(), self.kernels.all()));
        }
    }
}
