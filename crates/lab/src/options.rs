//! Options that wgpu 30 passes to naga's writers, with and without its checks (`wgpu-hal`'s `vulkan/device.rs`,
//! `metal/device.rs`, `dx12/device.rs`, `gles/device.rs`). Options that depend on the adapter alone are left out; a
//! language version, for example, is the oldest that suffices.

use naga::{
    Module, ResourceBinding, StorageAccess,
    back::{glsl, hlsl, msl, spv},
    proc::{BoundsCheckPolicies, BoundsCheckPolicy},
};
use std::collections::BTreeMap;

/// Returns one policy for every kind of access; binding arrays have none in wgpu.
fn policies(checked: bool) -> BoundsCheckPolicies {
    let policy = if checked { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
    BoundsCheckPolicies {
        index: policy,
        buffer: policy,
        image_load: policy,
        binding_array: BoundsCheckPolicy::Unchecked,
    }
}

/// What decides how wgpu writes SPIR-V for a device of Vulkan, as `wgpu-hal`'s `device_from_raw` has it.
#[derive(Clone, Debug)]
pub(super) struct Vulkan {
    /// The newest version of SPIR-V that the device takes.
    pub version: (u8, u8),
    /// Whether it has `robustBufferAccess2`: then wgpu leaves the checks of buffers to it.
    pub robust: bool,
    /// Whether it sets workgroup memory to zero by itself.
    pub zeroes: bool,
    /// Qualcomm's drivers get no names of what goes in and out.
    pub names: bool,
}

impl Vulkan {
    /// Vulkan 1.3 and later.
    pub fn newest() -> Self {
        Self { version: (1, 6), robust: true, zeroes: true, names: true }
    }

    /// The oldest that will do.
    pub fn oldest(subgroups: bool) -> Self {
        let version = if subgroups { (1, 3) } else { (1, 0) };
        Self { version, robust: false, zeroes: true, names: true }
    }
}

/// For Vulkan, with the numbers of its bindings, where they are not those of the text.
pub(super) fn spirv(checked: bool, vulkan: &Vulkan, bindings: spv::BindingMap) -> spv::Options<'static> {
    let mut options = spv::Options {
        lang_version: vulkan.version,
        bounds_check_policies: policies(checked),
        zero_initialize_workgroup_memory: match (checked, vulkan.zeroes) {
            (true, true) => spv::ZeroInitializeWorkgroupMemoryMode::Native,
            (true, false) => spv::ZeroInitializeWorkgroupMemoryMode::Polyfill,
            (false, _) => spv::ZeroInitializeWorkgroupMemoryMode::None,
        },
        force_loop_bounding: checked,
        emit_int_div_checks: checked,
        fake_missing_bindings: bindings.is_empty(),
        binding_map: bindings,
        ..Default::default()
    };
    if vulkan.robust {
        options.bounds_check_policies.buffer = BoundsCheckPolicy::Unchecked;
    }
    options.flags.set(spv::WriterFlags::LABEL_VARYINGS, vulkan.names);
    options
}

/// Options for Metal. The buffers are in the order of groups and bindings, as wgpu counts them; their sizes follow.
pub(super) fn msl(checked: bool, module: &Module, entry: &str) -> msl::Options {
    let mut bound: BTreeMap<ResourceBinding, bool> = BTreeMap::new();
    for (_, global) in module.global_variables.iter() {
        let stores = matches!(global.space, naga::AddressSpace::Storage { access } if access.contains(StorageAccess::STORE));
        if let Some(binding) = global.binding {
            *bound.entry(binding).or_default() |= stores;
        }
    }
    let sizes_buffer = u8::try_from(bound.len()).ok();
    let resources = bound.into_iter().zip(0u8..).map(|((binding, mutable), slot)| {
        (binding, msl::BindTarget { buffer: Some(slot), mutable, ..Default::default() })
    });
    let resources =
        msl::EntryPointResources { resources: resources.collect(), sizes_buffer, ..Default::default() };
    msl::Options {
        lang_version: (2, 4),
        per_entry_point_map: [(entry.to_string(), resources)].into(),
        fake_missing_bindings: false,
        bounds_check_policies: policies(checked),
        zero_initialize_workgroup_memory: checked,
        force_loop_bounding: checked,
        emit_int_div_checks: checked,
        ..Default::default()
    }
}

/// Options for DX12.
pub(super) fn hlsl(checked: bool, shader_model: hlsl::ShaderModel) -> hlsl::Options {
    hlsl::Options {
        shader_model,
        zero_initialize_workgroup_memory: checked,
        restrict_indexing: checked,
        force_loop_bounding: checked,
        ..Default::default()
    }
}

/// Options for OpenGL ES. There wgpu checks neither indices nor loops; it leaves that to the driver.
pub(super) fn glsl(checked: bool) -> (glsl::Options, BoundsCheckPolicies) {
    let options = glsl::Options {
        version: glsl::Version::new_gles(310),
        zero_initialize_workgroup_memory: checked,
        ..Default::default()
    };
    (options, policies(false))
}
