//! Kernels specialised to their sizes, and kernels bound to buffers.

use crate::op::Shader;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

/// Cache of compiled kernels, by name, trust, text and sizes. Each is compiled by one thread; others wait for it.
#[derive(Default)]
pub(super) struct KernelCache {
    state: Mutex<Compiled>,
    changed: Condvar,
}

/// What was made of each text so far: several kernels differ in their sizes alone.
#[derive(Default)]
pub(super) struct Texts {
    /// By operation, variant, activation and source.
    shaders: Mutex<HashMap<String, Arc<Shader>>>,
    /// By trust and text.
    modules: Mutex<HashMap<(bool, String), wgpu::ShaderModule>>,
}

/// Most texts that are kept of either kind; a network has a few dozen.
const MOST_TEXTS: usize = 512;

/// Keeps `made` under `key`. A full cache starts anew: what it held is only work saved.
fn keep<K: Eq + Hash, V>(known: &Mutex<HashMap<K, V>>, key: K, made: V) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST_TEXTS {
        known.clear();
    }
    known.insert(key, made);
}

impl Texts {
    /// The shader under this key, or the one that `compose` makes.
    pub(super) fn shader(
        &self,
        key: String,
        compose: impl FnOnce() -> crate::Result<Shader>,
    ) -> crate::Result<Arc<Shader>> {
        let known = self.shaders.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(shader) = known {
            return Ok(shader);
        }
        let shader = Arc::new(compose()?);
        keep(&self.shaders, key, shader.clone());
        Ok(shader)
    }

    /// The module of a text that a kernel was made of before.
    pub(super) fn module(&self, text: &str, trusted: bool) -> Option<wgpu::ShaderModule> {
        let known = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(trusted, text.to_string())).cloned()
    }

    /// Keeps a valid module.
    pub(super) fn keep(&self, text: &str, trusted: bool, module: wgpu::ShaderModule) {
        keep(&self.modules, (trusted, text.to_string()), module);
    }
}

#[derive(Default)]
struct Compiled {
    done: HashMap<String, Arc<Kernel>>,
    /// Kernels that a thread is compiling.
    under_way: HashSet<String>,
}

/// The right to compile a kernel; other threads wait until it is dropped.
pub(super) struct Turn<'a> {
    cache: &'a KernelCache,
    key: String,
}

impl KernelCache {
    fn state(&self) -> MutexGuard<'_, Compiled> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every kernel compiled so far.
    pub(super) fn all(&self) -> Vec<Arc<Kernel>> {
        self.state().done.values().cloned().collect()
    }

    /// The kernel with this key, or the turn to compile it. Waits while another thread compiles it; a browser has no
    /// other threads.
    pub(super) fn get(&self, key: String) -> Result<Arc<Kernel>, Turn<'_>> {
        let mut state = self.state();
        while !cfg!(target_family = "wasm") && state.under_way.contains(&key) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(kernel) = state.done.get(&key) {
            return Ok(kernel.clone());
        }
        state.under_way.insert(key.clone());
        Err(Turn { cache: self, key })
    }
}

impl Turn<'_> {
    /// Ends the turn with the compiled kernel.
    pub(super) fn done(self, kernel: &Arc<Kernel>) {
        self.cache.state().done.insert(self.key.clone(), kernel.clone());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.cache.state().under_way.remove(&self.key);
        self.cache.changed.notify_all();
    }
}

/// A variant compiled with its sizes.
pub struct Kernel {
    /// `operation/variant`.
    pub name: String,
    /// Reflection of the text by naga.
    pub shader: Arc<Shader>,
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

#[cfg(test)]
mod tests {
    use super::KernelCache;
    use crate::{
        gpu::{Context, Options},
        kernels::MATMUL,
        op::Call,
    };
    use std::{sync::Arc, thread};

    #[test]
    fn who_asks_for_a_kernel_in_compilation_waits_for_it_or_compiles_it_if_that_failed() {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let context = pollster::block_on(Context::open(&Options { adapter, ..Options::default() }));
        let context = context.unwrap_or_else(|e| panic!("{e}"));
        let call = Call::new(&MATMUL, &[("M", 3), ("N", 5), ("K", 7)]);
        let naive = MATMUL.variant("naive").expect("there");
        let kernel = pollster::block_on(context.kernel(&call, naive)).expect("compiles");
        let cache = KernelCache::default();
        for fails in [true, false] {
            let Err(turn) = cache.get("key".into()) else { panic!("nothing is there") };
            thread::scope(|scope| {
                let other = scope.spawn(|| cache.get("key".into()).ok());
                thread::sleep(std::time::Duration::from_millis(50));
                if fails {
                    drop(turn)
                } else {
                    turn.done(&kernel)
                }
                let found = other.join().expect("ends");
                assert_eq!(found.is_none(), fails);
                assert!(found.is_none_or(|found| Arc::ptr_eq(&found, &kernel)));
            });
        }
        assert!(cache.get("key".into()).is_ok_and(|found| Arc::ptr_eq(&found, &kernel)));
    }
}
