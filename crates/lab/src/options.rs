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

/// Options for Vulkan. If a device has `robustBufferAccess2`, wgpu leaves the checks of buffers to it.
pub(super) fn spirv(checked: bool, subgroups: bool) -> spv::Options<'static> {
    spv::Options {
        lang_version: if subgroups { (1, 3) } else { (1, 0) },
        bounds_check_policies: policies(checked),
        zero_initialize_workgroup_memory: match checked {
            true => spv::ZeroInitializeWorkgroupMemoryMode::Native,
            false => spv::ZeroInitializeWorkgroupMemoryMode::None,
        },
        force_loop_bounding: checked,
        emit_int_div_checks: checked,
        ..Default::default()
    }
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
