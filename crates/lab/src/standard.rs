//! Composed texts as WGSL defines them: what a browser would be given, for other compilers than naga. Each comes with
//! the numbers that its pipelines get. Leaves out compiling them: `scripts/tint.sh` does.

use wgrad::{
    Error, Result,
    op::{Activation, Op, Sizes, Variant, activations::LINEAR, sizes},
};

/// A module, and the pipelines that are made of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Standard {
    /// The operation.
    pub op: &'static str,
    /// The variant with its setting, or the path of the user's file.
    pub variant: String,
    /// The activation composed in.
    pub activation: &'static str,
    /// WebGPU's names of the features that it needs.
    pub features: Vec<&'static str>,
    /// For each pipeline the values of its overrides.
    pub pipelines: Vec<Sizes>,
    /// The text.
    pub text: String,
}

/// WebGPU's names of the features that a variant needs.
fn features(variant: &Variant) -> Vec<&'static str> {
    let known = [(wgpu::Features::SUBGROUP, "subgroups"), (wgpu::Features::SHADER_F16, "shader-f16")];
    known.into_iter().filter(|(feature, _)| variant.needs_feature(*feature)).map(|(_, name)| name).collect()
}

/// `variant` with `activation`, and a pipeline for each of its cases that it takes, or for the last of them where there
/// is an activation. `None` where its constants do not go together.
///
/// # Errors
/// [`Error::Shader`] where it does not compose.
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
    // Sizes do not meet the activation: one of each will do for the others.
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
