//! A kernel with its sizes put in, and one with its buffers, ready to be dispatched.

use crate::op::Shader;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// Kernels compiled so far, by name, trust, text and sizes.
#[derive(Default)]
pub(super) struct KernelCache(pub(super) Mutex<HashMap<String, Arc<Kernel>>>);

impl KernelCache {
    /// Every kernel compiled so far.
    pub(super) fn all(&self) -> Vec<Arc<Kernel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A compiled variant with its sizes put in.
pub struct Kernel {
    /// `operation/variant`.
    pub name: String,
    /// What naga read from the text.
    pub shader: Shader,
    /// Every number the shader knows by name.
    pub values: BTreeMap<String, f64>,
    /// Workgroups in x, y, z.
    pub groups: [u32; 3],
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    /// Whether it was dispatched, so that the driver has compiled it.
    pub(super) warm: AtomicBool,
}

/// A kernel with its buffers: ready to be dispatched.
pub struct Launch {
    // Private: buffers were measured for this kernel, and another would reach beyond them.
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

    /// Records a dispatch of so many workgroups.
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, [x, y, z]: [u32; 3]) {
        pass.set_pipeline(&self.kernel.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}
