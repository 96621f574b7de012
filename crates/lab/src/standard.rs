//! Composed shaders as standard WGSL, as a browser would receive them, for compilers other than naga. Each comes with
//! the override values of its pipelines. `scripts/tint.sh` compiles them.

use wgrad::{
    Error, Result,
    op::{Activation, Op, Sizes, Variant, activations::LINEAR, sizes},
};

/// A shader module and the pipelines made from it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Standard {
    /// The operation.
    pub op: &'static str,
    /// The variant with its setting, or the path of the user's file.
    pub variant: String,
    /// The activation composed in.
    pub activation: &'static str,
    /// WebGPU names of the features that it needs.
    pub features: Vec<&'static str>,
    /// Override values of each pipeline.
    pub pipelines: Vec<Sizes>,
    /// WGSL text.
    pub text: String,
}

/// Returns the WebGPU names of the features that a variant needs.
pub(crate) fn features(variant: &Variant) -> Vec<&'static str> {
    let known = [(wgpu::Features::SUBGROUP, "subgroups"), (wgpu::Features::SHADER_F16, "shader-f16")];
    known.into_iter().filter(|(feature, _)| variant.needs_feature(*feature)).map(|(_, name)| name).collect()
}

/// Composes `variant` with `activation`, with a pipeline for each of the cases that it supports. With an activation
/// other than `linear`, only the last of them is kept. `None` if its constants violate an assertion.
///
/// # Errors
/// [`Error::Shader`] if it does not compose.
pub fn module(
    op: &'static Op,
    variant: &Variant,
    activation: &'static Activation,
) -> Result<Option<Standard>> {
    let shader = match op.shader(variant, activation) {
        Err(Error::Asserted { .. }) => return Ok(None),
        other => other?,
    };
    let mut pipelines = Vec::new();
    for case in op.cases_with(variant) {
        let mut call = sizes::case(op, case)?;
        if variant.unmet(&call.sizes, wgpu::Features::all()).is_none() {
            call.sizes.retain(|name, _| shader.overrides.contains_key(name));
            pipelines.push(call.sizes);
        }
    }
    // Sizes and activation are independent: one size is enough for the other activations.
    if activation.name != LINEAR.name {
        pipelines.drain(..pipelines.len().saturating_sub(1));
    }
    Ok(Some(Standard {
        op: op.name,
        variant: variant.name().to_string(),
        activation: activation.name,
        features: features(variant),
        pipelines,
        text: op.standard(variant, activation)?,
    }))
}
