//! What a driver's compiler makes of variants on an adapter: registers, spills, occupancy, the driver's own statistics by
//! name, the machine code and its hottest loop. It makes pipelines as wgpu makes them and asks the driver
//! (`VK_KHR_pipeline_executable_properties`). Nothing runs, so nothing is proven and nothing is timed.

pub mod isa;
mod named;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod overheard;
#[cfg(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod vulkan;
#[cfg(not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")))]
#[path = "no_vulkan.rs"]
mod vulkan;

use crate::{backends::resolve, row::Status};
use isa::{Format, HotLoop, Target};
use naga::{ResourceBinding, back::spv::BindingInfo};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use wgrad::{
    Error, Result,
    gpu::{AdapterChoice, AdapterRecord, Listed},
    op::{AdapterClass, Call, Shader, Variant, setting::Setting, sizes, user_file::digest},
};

/// The environment variables that make a driver print its machine code, where it does not tell it otherwise: by the driver's
/// name, in lower case.
pub const TALKATIVE: [(&str, &[(&str, &str)]); 1] =
    [("honeykrisp", &[("AGX_MESA_DEBUG", "shaders"), ("MESA_SHADER_CACHE_DISABLE", "1")])];

/// One variant at one size on one adapter. What the driver does not tell is null.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
    /// The operation.
    pub op: &'static str,
    /// The variant, or the path of the user's file.
    pub variant: String,
    /// `ok` if there is a pipeline, `wrong` if the driver or naga refused it, `skipped` if it cannot run here.
    pub status: Status,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// The constants that the variant offers, at the values of this row.
    pub constants: Setting,
    /// Sizes, as [`wgrad::op::sizes::given`] reads them.
    pub sizes: String,
    /// The activation composed in; `linear` where there is none.
    pub activation: &'static str,
    /// Registers of a thread, as the driver counts them: of 32 bits a lane, but of four such numbers on Adreno.
    pub registers: Option<u64>,
    /// Registers that were spilled to memory, or the instructions that do it.
    pub spills: Option<u64>,
    /// Bytes of memory for what was spilled, of a thread or a subgroup.
    pub scratch_bytes: Option<u64>,
    /// Bytes of workgroup memory that a workgroup takes on this device.
    pub workgroup_bytes: Option<u64>,
    /// How much of it is on a core at once, as far as registers and workgroup memory allow.
    pub occupancy: Option<u64>,
    /// What is counted there.
    pub occupancy_unit: Option<&'static str>,
    /// Lanes of a subgroup.
    pub subgroup: Option<u32>,
    /// Threads of a workgroup.
    pub threads: Option<u32>,
    /// Instructions of the whole kernel.
    pub instructions: Option<u64>,
    /// Bytes of its code.
    pub code_bytes: Option<u64>,
    /// Instructions per multiplication and addition in the hottest loop.
    pub per_fma: Option<f64>,
    /// The share of the arithmetic peak that this loop allows at most.
    pub of_fma_peak: Option<f64>,
    /// What this loop is made of.
    pub hot_loop: Option<HotLoop>,
    /// Everything that the driver counts, by its own names.
    pub statistics: Map<String, Value>,
    /// The file with the machine code.
    pub isa: Option<String>,
    /// The machine code.
    #[serde(skip)]
    pub code: Option<String>,
    /// Whether it is what runs at these sizes on this adapter unless another is asked for.
    pub default: bool,
    /// Whether wgpu's checks are in it: always in a user's file.
    pub checked: bool,
    /// SHA-256 of the composed text.
    pub digest: Option<String>,
    /// The adapter.
    pub adapter: String,
    /// Vulkan.
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// Software or hardware.
    pub class: AdapterClass,
    /// Day, year, month and day.
    pub date: String,
    /// wgrad's version.
    pub version: &'static str,
}

impl Statistics {
    /// A row of which nothing is known yet.
    fn new(adapter: AdapterRecord, call: &Call, variant: &Variant, checked: bool) -> Self {
        let AdapterRecord { name, backend, driver, class } = adapter;
        Self {
            op: call.op.name,
            variant: variant.name().to_string(),
            status: Status::Wrong,
            reason: None,
            constants: Setting::of(variant),
            sizes: sizes::words(call),
            activation: call.activation.name,
            registers: None,
            spills: None,
            scratch_bytes: None,
            workgroup_bytes: None,
            occupancy: None,
            occupancy_unit: None,
            subgroup: None,
            threads: None,
            instructions: None,
            code_bytes: None,
            per_fma: None,
            of_fma_peak: None,
            hot_loop: None,
            statistics: Map::new(),
            isa: None,
            code: None,
            default: false,
            checked,
            digest: None,
            adapter: name,
            backend,
            driver,
            class,
            date: wgrad_files::calendar::today(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// A number that a driver tells, by its own name.
#[cfg_attr(
    not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")),
    allow(dead_code, reason = "nobody answers there")
)]
struct Statistic {
    name: String,
    value: Value,
}

/// What a pipeline consists of, of which a compute shader is one.
#[cfg_attr(
    not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")),
    allow(dead_code, reason = "nobody answers there")
)]
struct Executable {
    name: String,
    subgroup: u32,
    statistics: Vec<Statistic>,
    /// Machine code as text.
    code: Option<String>,
}

/// What a pipeline is made from.
#[cfg_attr(
    not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")),
    allow(dead_code, reason = "nobody answers there")
)]
struct Recipe<'a> {
    /// SPIR-V.
    words: &'a [u32],
    entry: &'a str,
    /// Storage buffers of group 0.
    buffers: u32,
    /// Whether group 1 is the step of the feed, and group 2 its chunk.
    feed: [bool; 2],
}

/// An adapter whose compiler is asked.
pub struct Compiler {
    listed: Listed,
    features: wgpu::Features,
    limits: wgpu::Limits,
    device: vulkan::Device,
    checked: bool,
}

impl Compiler {
    /// Opens `adapter` as [`wgrad::gpu::Context::open`] does, and with the question of what is in a pipeline. `checked`
    /// puts wgpu's checks into wgrad's own variants too.
    ///
    /// # Errors
    /// [`Error::NoAdapter`]; [`Error::Unreported`] where the driver does not answer it.
    pub async fn open(adapter: &AdapterChoice, checked: bool) -> Result<Self> {
        let listed = adapter.find().await?;
        let (features, limits) = (listed.features(), listed.adapter.limits());
        let device = vulkan::Device::open(&listed.adapter, features, &limits)
            .map_err(|reason| unreported(&listed, reason))?;
        Ok(Self { listed, features, limits, device, checked })
    }

    /// Name, back end and driver on one line.
    pub fn describe(&self) -> String {
        self.listed.describe()
    }

    /// The variables that make this driver tell its machine code, where they are not set.
    pub fn unset(&self) -> Option<&'static [(&'static str, &'static str)]> {
        let driver = self.listed.info.driver.to_lowercase();
        let (_, variables) = TALKATIVE.into_iter().find(|(name, _)| driver.contains(name))?;
        variables.iter().any(|(name, _)| std::env::var_os(name).is_none()).then_some(variables)
    }

    /// Makes the pipeline of `variant` for `call` and asks the driver what is in it.
    ///
    /// # Errors
    /// [`Error::Shader`] where another variant of the operation does not compose. What is wrong with this one is a row.
    pub fn statistics(&self, call: &Call, variant: &Variant) -> Result<Statistics> {
        let obstacle =
            |variant: &Variant| call.obstacle_on(variant, self.listed.class, self.features, &self.limits);
        let adapter = AdapterRecord::new(&self.listed.info, self.listed.class);
        let checked = self.checked || !call.trusts(variant, self.features);
        let mut row = Statistics::new(adapter, call, variant, checked);
        if variant.is_own() {
            let default = call.default_of(&self.listed.traits, obstacle)?;
            row.default = default.is_some_and(|(default, _)| default.name() == variant.name());
        }
        match obstacle(variant) {
            Ok(None) => {}
            Ok(Some(reason)) => {
                (row.status, row.reason) = (Status::Skipped, Some(reason));
                return Ok(row);
            }
            Err(Error::Shader { message, .. }) => {
                row.reason = Some(message);
                return Ok(row);
            }
            Err(other) => return Err(other),
        }
        match self.make(call, variant, &mut row) {
            Ok(executables) => self.fill(&mut row, executables),
            Err(Error::Shader { message, .. }) => row.reason = Some(message),
            Err(other) => return Err(other),
        }
        Ok(row)
    }

    /// The pipeline of `variant`, as [`wgrad::gpu::Context::kernel`] makes it.
    fn make(&self, call: &Call, variant: &Variant, row: &mut Statistics) -> Result<Vec<Executable>> {
        let name = format!("{}/{}", call.op.name, variant.name());
        let shader = call.op.shader(variant, call.activation)?;
        row.digest = Some(digest(&shader.text));
        let values = shader.values(&call.sizes);
        row.threads = Some(shader.workgroup_size(&values).iter().product());
        row.workgroup_bytes = Some(shader.workgroup_bytes(&values)).filter(|bytes| *bytes > 0);
        let mut resolved = resolve(&name, variant, &shader, &call.sizes)?;
        resolved.checked = row.checked;
        let words = resolved.spirv(&name, self.device.spirv(), bindings(&shader))?;
        let entry = resolved.module.entry_points.first().map(|entry| entry.name.clone()).unwrap_or_default();
        let buffers = shader.bindings.len() as u32;
        let recipe = Recipe { words: &words, entry: &entry, buffers, feed: [shader.feed, shader.chunk] };
        self.device.make(&recipe).map_err(|message| Error::Shader { kernel: name, message })
    }

    /// Puts in what the driver told.
    fn fill(&self, row: &mut Statistics, mut executables: Vec<Executable>) {
        row.status = Status::Ok;
        // Of several, such as one for each width of a subgroup, the last is the one that is preferred.
        let Some(last) = executables.pop() else {
            row.reason = Some("the driver made it and tells nothing of it".into());
            return;
        };
        row.subgroup = (last.subgroup > 0).then_some(last.subgroup);
        named::fill(row, &last.statistics);
        row.statistics =
            last.statistics.into_iter().map(|statistic| (statistic.name, statistic.value)).collect();
        for other in executables {
            let statistics: Map<_, _> = other.statistics.into_iter().map(|t| (t.name, t.value)).collect();
            row.statistics.insert(other.name, Value::Object(statistics));
        }
        let info = &self.listed.info;
        let format = Format::of_driver(&info.driver);
        let target = Target { device: &info.name, subgroup: row.subgroup };
        let code = match format {
            Some(format) => last.code.and_then(|code| isa::listing(format, code)),
            None => last.code,
        };
        let hot = format.zip(code.as_deref()).and_then(|(format, code)| isa::analyse(format, code, target));
        row.per_fma = hot.as_ref().map(HotLoop::per_fma);
        row.of_fma_peak = hot.as_ref().and_then(|hot| hot.of_peak);
        (row.hot_loop, row.code) = (hot, code);
    }
}

/// The numbers that wgpu gives bindings on Vulkan: those of a group one after the other, in the order of the layout.
fn bindings(shader: &Shader) -> BTreeMap<ResourceBinding, BindingInfo> {
    let group = |group: u32, indices: Vec<u32>| {
        indices.into_iter().zip(0u32..).map(move |(binding, place)| {
            let info = BindingInfo { descriptor_set: group, binding: place, binding_array_size: None };
            (ResourceBinding { group, binding }, info)
        })
    };
    let own = shader.bindings.iter().map(|binding| binding.index).collect();
    let step = if shader.feed { vec![0] } else { Vec::new() };
    let chunk = if shader.chunk { vec![0, 1] } else { Vec::new() };
    group(0, own).chain(group(1, step)).chain(group(2, chunk)).collect()
}

/// Why an adapter cannot be asked, and what to do.
fn unreported(listed: &Listed, reason: Option<String>) -> Error {
    let reason = reason.unwrap_or_else(|| match (listed.info.backend, listed.class) {
        (wgpu::Backend::Metal, _) => {
            "Metal compiles out of sight; Xcode shows registers and occupancy".into()
        }
        (wgpu::Backend::Dx12, _) => "DX12 has no such question; its vendors' own tools have".into(),
        (wgpu::Backend::Gl, _) => {
            "OpenGL has no such question; the same GPU through Vulkan may answer".into()
        }
        (_, AdapterClass::Cpu) => "it compiles to this processor's own code and keeps that to itself".into(),
        _ => "the driver has no VK_KHR_pipeline_executable_properties".into(),
    });
    Error::Unreported {
        adapter: listed.describe(),
        reason,
        next: "choose another adapter (`gpu::list` lists them, `.adapter` takes one), or let scripts/vendors.sh pretend the GPU \
               of a vendor",
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Statistic, Statistics, isa, named};
    use serde_json::{Value, json};
    use wgrad::{
        gpu::AdapterRecord,
        kernels::MATMUL,
        op::{AdapterClass, Call},
    };

    /// A row with what a driver tells.
    fn row(statistics: &[(&str, Value)]) -> Value {
        let adapter = AdapterRecord {
            name: "a GPU".into(),
            backend: "vulkan".into(),
            driver: "a driver 1.0".into(),
            class: AdapterClass::Gpu,
        };
        let call = Call::new(&MATMUL, &[("M", 33), ("N", 32), ("K", 64)]);
        let tiled = MATMUL.variant("tiled").unwrap_or_else(|e| panic!("{e}"));
        let mut row = Statistics::new(adapter, &call, tiled, false);
        let statistics: Vec<Statistic> = statistics
            .iter()
            .map(|(name, value)| Statistic { name: name.to_string(), value: value.clone() })
            .collect();
        named::fill(&mut row, &statistics);
        serde_json::to_value(&row).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn what_each_driver_tells_has_one_name_in_the_row() {
        let radv = row(&[
            ("SGPRs", json!(64)),
            ("VGPRs", json!(60)),
            ("Spilled SGPRs", json!(5)),
            ("Spilled VGPRs", json!(0)),
            ("Code size", json!(4816)),
            ("LDS size", json!(3072)),
            ("Subgroups per SIMD", json!(22)),
            ("Instructions", json!(685)),
        ]);
        let expected = json!({"registers": 60, "spills": 0, "code_bytes": 4816, "workgroup_bytes": 3072,
            "occupancy": 22, "occupancy_unit": "waves a SIMD", "instructions": 685});
        for (field, value) in expected.as_object().into_iter().flatten() {
            assert_eq!(&radv[field], value, "{field}");
        }
        let nvk = row(&[("Number of GPRs", json!(40)), ("Max warps/SM", json!(48)), ("SLM size", json!(16))]);
        assert_eq!((&nvk["registers"], &nvk["occupancy"]), (&json!(40), &json!(48)));
        assert_eq!((&nvk["occupancy_unit"], &nvk["scratch_bytes"]), (&json!("warps an SM"), &json!(16)));
    }

    #[test]
    fn what_is_not_reported_is_null_and_still_there() {
        let row = row(&[("Something new", json!(1.5))]);
        for field in
            ["registers", "spills", "occupancy", "instructions", "per_fma", "of_fma_peak", "hot_loop", "isa"]
        {
            assert_eq!(row.get(field), Some(&Value::Null), "{field}");
        }
        assert_eq!((&row["op"], &row["variant"]), (&json!("matmul"), &json!("tiled")));
        assert_eq!((&row["sizes"], &row["class"]), (&json!("M=33,N=32,K=64"), &json!("gpu")));
        assert!(row.get("code").is_none(), "the machine code is in a file: {row}");
    }

    #[test]
    fn drivers_without_a_reader_have_no_format() {
        assert_eq!(Format::of_driver("radv"), Some(Format::Aco));
        assert_eq!(Format::of_driver("NVK"), Some(Format::Nak));
        for other in ["AMD open-source driver", "NVIDIA", "llvmpipe", "", "SwiftShader driver"] {
            assert_eq!(Format::of_driver(other), None, "{other}");
        }
        assert!(isa::plain("").is_empty());
    }
}
