//! Compilation of a variant and sizes into a kernel, and binding of buffers to it. A wrong name, shape or alias is
//! an error that names the kernel. Equal kernels are compiled once.

use super::{Context, Kernel, Launch, Slice};
use crate::{
    Error, Result,
    op::{Access, Call, Shader, Variant},
};
use std::sync::{Arc, atomic::AtomicBool};

impl Context {
    /// Compiles `variant` for `call`, or returns it from the cache.
    ///
    /// # Errors
    /// [`Error::Shader`] if the text or a size does not fit.
    pub async fn kernel(&self, call: &Call, variant: &Variant) -> Result<Arc<Kernel>> {
        let name = format!("{}/{}", call.op.name, variant.name());
        let compose = || call.op.shader(variant, call.activation);
        let shader = match variant.is_own() {
            // A user's file is checked each time.
            true => Arc::new(compose()?),
            false => {
                let (source, rest) = (variant.source(), call.op.appended(variant.source(), call.activation));
                self.texts.shader(format!("{name}\n{source}\n{rest}"), compose)?
            }
        };
        let trusted = call.trusts(variant, self.features) && !self.checked;
        let key = format!("{name} {trusted}\n{}\n{:?}", shader.text, call.sizes);
        let turn = match self.kernels.get(key) {
            Ok(known) => return Ok(known),
            Err(turn) => turn,
        };
        let kernel = Arc::new(self.compile(name, shader, call, trusted).await?);
        turn.done(&kernel);
        Ok(kernel)
    }

    async fn compile(&self, name: String, shader: Arc<Shader>, call: &Call, trusted: bool) -> Result<Kernel> {
        let fail = |message: String| Error::Shader { kernel: name.clone(), message };
        let values = shader.values(&call.sizes);
        if let Some(unset) = shader.overrides.keys().find(|o| !values.contains_key(*o)) {
            return Err(fail(format!("the override {unset} has no value; sizes: {:?}", call.sizes)));
        }
        let groups = shader
            .groups(&values, self.limits.max_compute_workgroups_per_dimension)
            .ok_or_else(|| fail(format!("no grid covers {:?} with sizes {:?}", shader.grid, call.sizes)))?;
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let entries: Vec<_> = shader
            .bindings
            .iter()
            .map(|b| {
                entry(
                    b.index,
                    wgpu::BufferBindingType::Storage { read_only: b.access == Access::Read },
                    false,
                )
            })
            .collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(&name),
            entries: &entries,
        });
        let [of_step, of_chunk] = &self.feed_layouts();
        let mut groups_of_layout = vec![Some(&layout)];
        groups_of_layout.extend(shader.feed.then_some(Some(of_step)));
        groups_of_layout.extend(shader.chunk.then_some(Some(of_chunk)));
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&name),
            bind_group_layouts: &groups_of_layout,
            immediate_size: 0,
        });
        let known = self.texts.module(&shader.text, trusted);
        let module = known.unwrap_or_else(|| self.module(&name, &shader.text, trusted));
        let constants: Vec<(&str, f64)> = call
            .sizes
            .iter()
            .filter(|(name, _)| shader.overrides.contains_key(*name))
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // WGSL demands zeros. wgrad's own kernels write all that they read there.
                zero_initialize_workgroup_memory: !trusted,
            },
            cache: self.known_pipelines(),
        });
        let failed = scope.pop();
        if let Some(e) = failed.await {
            // A lost device rejects good shaders too.
            self.check()?;
            return Err(fail(e.to_string()));
        }
        self.texts.keep(&shader.text, trusted, module);
        let warm = AtomicBool::new(false);
        Ok(Kernel { name, shader, values, groups, pipeline, layout, warm })
    }

    fn module(&self, name: &str, text: &str, trusted: bool) -> wgpu::ShaderModule {
        let source = match self.info.backend {
            #[cfg(not(target_family = "wasm"))]
            wgpu::Backend::Dx12 => super::hlsl::source(text),
            _ => wgpu::ShaderSource::Wgsl(text.into()),
        };
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(name), source };
        if !trusted {
            return self.device.create_shader_module(descriptor);
        }
        // Sound because only wgrad's own kernels get here (`Call::trusts`): each guards its loads and stores, ends
        // its loops, and is tested on guarded buffers and again with all of wgpu's checks on.
        #[allow(unsafe_code)]
        unsafe {
            self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }

    /// The layouts of the feed. Group 1 is the step's numbers at a dynamic offset, group 2 images and labels.
    pub(crate) fn feed_layouts(&self) -> [wgpu::BindGroupLayout; 2] {
        let read = wgpu::BufferBindingType::Storage { read_only: true };
        let layout = |label: &str, entries: &[wgpu::BindGroupLayoutEntry]| {
            let label = Some(label);
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries })
        };
        [
            layout("step", &[entry(0, wgpu::BufferBindingType::Uniform, true)]),
            layout("chunk", &[entry(0, read, false), entry(1, read, false)]),
        ]
    }

    /// Binds `buffers` by name.
    ///
    /// # Errors
    /// [`Error::Bind`] for a name that is missing or unknown, a length that differs from the shape,
    /// or one buffer that would be read and written in the same dispatch.
    pub fn bind(&self, kernel: &Arc<Kernel>, buffers: &[(&str, &Slice)]) -> Result<Launch> {
        self.bind_beyond(kernel, buffers, 0)
    }

    /// As [`Context::bind`], with `beyond` elements after each slice in reach of the kernel.
    /// Drivers drop accesses beyond a binding, so a proof that wants to see them binds more.
    pub(crate) fn bind_beyond(
        &self,
        kernel: &Arc<Kernel>,
        buffers: &[(&str, &Slice)],
        beyond: usize,
    ) -> Result<Launch> {
        let fail = |message: String| Error::Bind { kernel: kernel.name.clone(), message };
        let bindings = &kernel.shader.bindings;
        if let Some((extra, _)) = buffers.iter().find(|(name, _)| !bindings.iter().any(|b| b.name == *name)) {
            let known: Vec<_> = bindings.iter().map(|b| b.name.as_str()).collect();
            return Err(fail(format!("it has no buffer `{extra}`; its buffers: {}", known.join(", "))));
        }
        let mut entries = Vec::new();
        let mut bound: Vec<(&str, Access, &Slice)> = Vec::new();
        for b in bindings {
            let (_, slice) = buffers
                .iter()
                .find(|(name, _)| *name == b.name)
                .ok_or_else(|| fail(format!("buffer `{}` is not bound", b.name)))?;
            let expected: Option<usize> = b.shape.iter().map(|s| s.value(&kernel.values)).product();
            if expected != Some(slice.len) {
                let shape: Vec<_> = b.shape.iter().map(|s| s.0.as_str()).collect();
                return Err(fail(format!(
                    "buffer `{}` has {} elements, its shape ({}) has {expected:?}",
                    b.name,
                    slice.len,
                    shape.join(", ")
                )));
            }
            for (other, access, earlier) in &bound {
                if earlier.conflicts(*access, slice, b.access) {
                    return Err(fail(format!(
                        "`{}` and `{other}` are the same buffer, and one is written",
                        b.name
                    )));
                }
            }
            bound.push((&b.name, b.access, slice));
            entries.push(wgpu::BindGroupEntry { binding: b.index, resource: slice.binding(beyond) });
        }
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&kernel.name),
            layout: &kernel.layout,
            entries: &entries,
        });
        Ok(Launch { kernel: kernel.clone(), bind_group })
    }
}

fn entry(binding: u32, ty: wgpu::BufferBindingType, dynamic: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: dynamic, min_binding_size: None },
        count: None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        gpu::{Context, Options},
        kernels::{CONV2D_FORWARD, MATMUL},
        op::{
            Activation, Call, Variant,
            activations::{LINEAR, RELU},
        },
        prove::{Wrong, prove},
    };

    const GUARD: &str = "if (row >= M || column >= N) { return; }";

    fn naive() -> &'static Variant {
        MATMUL.variant("naive").unwrap_or_else(|e| panic!("{e}"))
    }

    /// Without checks a wrong kernel can do more harm; only the crate itself can run one like that.
    #[test]
    fn a_store_beyond_the_end_is_noticed_without_checks_too() {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let context = pollster::block_on(Context::open(&Options { adapter, ..Options::default() }));
        let context = context.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(naive().source().matches(GUARD).count(), 1, "adapt this test");
        let call = Call::new(&MATMUL, &[("M", 3), ("N", 5), ("K", 7)]);
        let mut beyond = naive().with_text(&naive().source().replace(GUARD, "if (row >= M) { return; }"));
        beyond.page = naive().page;
        assert!(call.trusts(&beyond, context.features), "it would run with checks");
        let verdict =
            pollster::block_on(prove(&context, &call, &beyond, 1)).unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(&verdict, Err(Wrong::Overrun(buffer)) if buffer == "y"), "{verdict:?}");
    }

    #[test]
    fn only_what_is_wgrads_own_as_a_whole_runs_without_checks() {
        let all = wgpu::Features::all();
        let call = Call::new(&MATMUL, &[("M", 3), ("N", 5), ("K", 7)]);
        let trusts = |call: &Call, variant: &Variant| call.trusts(variant, all);
        assert!(trusts(&call, naive()) && trusts(&call.clone().activated(&RELU), naive()));
        let tiled = MATMUL.find("tiled:BLOCK=8").unwrap_or_else(|e| panic!("{e}"));
        assert!(trusts(&call, &tiled), "a setting of wgrad's own text");

        assert!(!trusts(&call, &naive().with_text(naive().source())), "another text, though it is the same");
        assert!(!trusts(&call, &Variant::new("naive", naive().source())), "a text from outside");
        let other = CONV2D_FORWARD.variant("naive").unwrap_or_else(|e| panic!("{e}"));
        assert!(!trusts(&call, other), "another operation's");
        let shuffle = MATMUL.variant("subgroup").unwrap_or_else(|e| panic!("{e}"));
        assert!(!trusts(&call, shuffle), "at sizes that it does not take");
        assert!(!trusts(&call, &naive().named("naive")), "under a name from outside");
        let op = MATMUL.with_parts(MATMUL.parts().to_vec());
        let copy = Call { op: Box::leak(Box::new(op)), ..call.clone() };
        assert!(!trusts(&copy, naive()), "with an interface from outside");
        let Activation { name, source, at, value, grad, roundings } = LINEAR;
        let linear = Box::leak(Box::new(Activation { name, source, at, value, grad, roundings }));
        assert!(!trusts(&call.activated(linear), naive()), "with an activation from outside");
    }
}
