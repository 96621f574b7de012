//! A name that WGSL allows and Microsoft's shader compiler does not.

use naga::Module;

/// Since version 1.8 DXC has a namespace of this name, and naga leaves such a buffer as it is (the gradients' `dx`).
const REFUSED: &str = "dx";
/// The name in its place. Where a module has it already, naga numbers one of the two.
const TAKEN: &str = "dx_buffer";

/// Renames what a module has in its global scope and DXC refuses. Overrides keep their names, by which the host sets
/// them. Returns true if there was any.
pub fn rename_for_dxc(module: &mut Module) -> bool {
    let Module { global_variables, constants, functions, types, .. } = module;
    let variables = global_variables.iter_mut().map(|(_, variable)| &mut variable.name);
    let constants = constants.iter_mut().map(|(_, constant)| &mut constant.name);
    let functions = functions.iter_mut().map(|(_, function)| &mut function.name);
    let mut renamed = false;
    for name in variables.chain(constants).chain(functions) {
        if name.as_deref() == Some(REFUSED) {
            *name = Some(TAKEN.to_string());
            renamed = true;
        }
    }
    let refused = types.iter().find(|(_, own)| own.name.as_deref() == Some(REFUSED));
    if let Some((at, own)) = refused.map(|(at, own)| (at, own.clone())) {
        types.replace(at, naga::Type { name: Some(TAKEN.to_string()), ..own });
        renamed = true;
    }
    renamed
}

/// `text`, a WGSL module, as DX12 gets it. A text that naga does not take is left to wgpu, which says why.
#[cfg(not(target_family = "wasm"))]
pub(super) fn source(text: &str) -> wgpu::ShaderSource<'_> {
    if let Ok(mut module) = naga::front::wgsl::parse_str(text)
        && rename_for_dxc(&mut module)
    {
        return wgpu::ShaderSource::Naga(std::borrow::Cow::Owned(module));
    }
    wgpu::ShaderSource::Wgsl(text.into())
}

#[cfg(test)]
mod tests {
    use super::{rename_for_dxc, source};
    use crate::{
        gpu::{Context, Options},
        kernels::OPERATIONS,
        op::activations::LINEAR,
    };

    fn parsed(text: &str) -> naga::Module {
        naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{}", e.emit_to_string(text)))
    }

    #[test]
    fn names_of_the_global_scope_are_renamed_and_no_others() {
        let main = "@compute @workgroup_size(1) fn main() {";
        for global in [
            "@group(0) @binding(0) var<storage, read_write> dx: array<f32>; ",
            "const dx = 3u; ",
            "struct dx { dx: f32 } ",
            "fn dx() -> f32 { return 1.0; } ",
        ] {
            let mut module = parsed(&format!("{global}{main} }}"));
            assert!(rename_for_dxc(&mut module), "{global}");
            assert!(!rename_for_dxc(&mut module), "{global}: once is enough");
        }
        for other in [
            "@group(0) @binding(0) var<storage, read_write> dx1: array<f32>; ",
            "override dx = 3u; ",
            "struct place { dx: f32 } ",
            "fn dxx(dx: f32) -> f32 { var ddx = dx; return ddx; } ",
        ] {
            assert!(!rename_for_dxc(&mut parsed(&format!("{other}{main} }}"))), "{other}");
        }
    }

    /// wgpu takes the renamed module as it takes the text, sizes by name included.
    #[test]
    fn gradients_compile_renamed() {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let context = pollster::block_on(Context::open(&Options { adapter, ..Options::default() }));
        let context = context.unwrap_or_else(|e| panic!("{e}"));
        let (mut renamed, mut same) = (0, 0);
        for &op in OPERATIONS {
            let naive = op.variant("naive").unwrap_or_else(|e| panic!("{e}"));
            let shader = op.shader(naive, &LINEAR).unwrap_or_else(|e| panic!("{e}"));
            let case = crate::op::sizes::case(op, op.cases()[0]).unwrap_or_else(|e| panic!("{e}"));
            let source = source(&shader.text);
            if !matches!(source, wgpu::ShaderSource::Naga(_)) {
                same += 1;
                continue;
            }
            renamed += 1;
            let scope = context.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(op.name), source };
            let module = context.device.create_shader_module(descriptor);
            let constants: Vec<_> = case
                .sizes
                .iter()
                .filter(|(name, _)| shader.overrides.contains_key(*name))
                .map(|(name, value)| (name.as_str(), *value))
                .collect();
            let _pipeline = context.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(op.name),
                layout: None,
                module: &module,
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    ..Default::default()
                },
                cache: None,
            });
            let failed = pollster::block_on(scope.pop());
            assert!(failed.is_none(), "{}: {failed:?}", op.name);
        }
        assert!(renamed > 3 && same > 20, "{renamed} operations have the name, {same} do not");
    }
}
