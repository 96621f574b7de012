//! Kernels specialised to their sizes, and kernels bound to buffers.

use crate::op::Shader;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// Cache of compiled kernels, by name, trust, text and sizes.
#[derive(Default)]
pub(super) struct KernelCache(pub(super) Mutex<HashMap<String, Arc<Kernel>>>);

impl KernelCache {
    /// Every kernel compiled so far.
    pub(super) fn all(&self) -> Vec<Arc<Kernel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A variant compiled with its sizes.
pub struct Kernel {
    /// `operation/variant`.
    pub name: String,
    /// Reflection of the text by naga.
    pub shader: Shader,
    /// All named numbers of the shader.
    pub values: BTreeMap<String, f64>,
    /// Workgroups in x, y, z.
    pub groups: [u32; 3],
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    /// True after a first dispatch, when the driver has compiled it.
    pub(super) warm: AtomicBool,
}

/// A kernel with its buffers, ready to be dispatched.
pub struct Launch {
    // Private: the buffers were checked for this kernel; another kernel could access memory beyond them.
    pub(crate) kernel: Arc<Kernel>,
    pub(super) bind_group: wgpu::BindGroup,
}

impl Launch {
    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// Records the dispatch.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.dispatch(pass, self.kernel.groups);
    }

    /// Records a dispatch in which no thread runs.
    pub(super) fn record_nothing(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.dispatch(pass, [0; 3]);
    }

    /// Records a dispatch of `x` × `y` × `z` workgroups.
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, [x, y, z]: [u32; 3]) {
        pass.set_pipeline(&self.kernel.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}
