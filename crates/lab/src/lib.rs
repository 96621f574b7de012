//! The lab: compares the shader variants of an operation. It proves each variant against its twin on this device before
//! it times it; a wrong variant gets no time. It also finds the fastest variants for a network ([`tune`]), shows where
//! a step spends its time ([`profile`]) and checks that a device computes a network correctly ([`check`]).
// A library does not print, and `eprintln!` panics if stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Types shared by all measurements: spread, conditions, peaks.
pub mod measurement;
/// Options that wgpu passes to naga's writers.
mod options;
/// Composed shaders as standard WGSL, for compilers other than naga.
pub mod standard;
/// Default sizes at which an operation is measured.
pub mod workload;
/// Ratio of two times with its confidence interval.
pub mod ratio;
/// A row of the lab's report, and the ranking of rows.
pub mod row;
/// Kept results, and the comparison with them.
pub mod history;
/// Translation of every variant to the languages of all back ends; needs no adapter.
pub mod backends;
/// Interpreter of WGSL compute shaders in f64: a reference kernel defines the results of the other variants.
pub mod interpret;
/// Expected outputs that a reference kernel defines.
pub mod reference;
/// Operations from a folder of WGSL files.
pub mod folder;
/// Statistics of compiled variants: what a driver's compiler produces, without running it.
pub mod stats;
/// A request to measure.
pub mod request;
/// Inputs of the proofs.
mod trials;
/// Interleaved samples of several variants.
pub(crate) mod turns;
/// Proves, then times, the variants of an operation.
pub mod measure;
/// Results of a sweep over settings, as grids of two constants.
pub mod sweep;
/// Rate of a large matrix product, the yardstick for whole networks.
pub mod product;
/// Growth of the time of a step with batch and width.
pub mod growth;
/// Comparison of two whole trainings.
pub mod trainings;
/// The tuner: measures and caches the fastest correct variant for each call of a network on this adapter.
pub mod tune;
/// Profile of a training step: the time of each dispatch, the host's work, and a trace of both.
pub mod profile;
/// Check of a device with a network: real plans against the twins, gradients against finite differences.
pub mod check;

use wgrad::{
    Error, Result,
    gpu::Context,
    kernels::OPERATIONS,
    op::{
        Op,
        setting::{self, Constant},
        sizes,
    },
    selection::Choices,
};

/// A variant, and whether it runs on this adapter.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listing {
    /// The operation.
    pub op: &'static str,
    /// The variant.
    pub variant: String,
    /// Its requirements on sizes and device, in words.
    pub needs: Vec<String>,
    /// The adapter classes for which it is preferred to the variants behind it.
    pub default_for: Vec<String>,
    /// Constants that it offers; a sweep tries their values ([`sweep`]).
    pub constants: Vec<Constant>,
    /// True if it can run on this adapter at these sizes.
    pub eligible: bool,
    /// Reason why it cannot run; `None` if it can.
    pub reason: Option<String>,
    /// True if it is the default on this adapter at these sizes.
    pub default_here: bool,
    /// Sizes, in words.
    pub sizes: String,
    /// The adapter.
    pub adapter: String,
}

/// Lists every variant of every operation (or of one), at the sizes at which the lab measures it by default.
///
/// # Errors
/// [`Error::Shader`] if a variant does not compose.
pub fn list(context: &Context, only: Option<&'static Op>) -> Result<Vec<Listing>> {
    let mut rows = Vec::new();
    for op in OPERATIONS.iter().copied().filter(|op| only.is_none_or(|only| only.name == op.name)) {
        let call = workload::typical(op)?;
        let (default, _) = call.variant(context, &Choices::default())?;
        for variant in op.variants() {
            let reason = call.obstacle(context, variant)?;
            rows.push(Listing {
                op: op.name,
                variant: variant.name().to_string(),
                needs: variant.needs().iter().map(ToString::to_string).collect(),
                default_for: variant.default_for.iter().map(ToString::to_string).collect(),
                constants: setting::constants(variant.source()).unwrap_or_default(),
                eligible: reason.is_none(),
                reason,
                default_here: variant.name() == default.name(),
                sizes: sizes::words(&call),
                adapter: context.describe(),
            });
        }
    }
    Ok(rows)
}

/// Returns a commented WGSL file to start a variant of `op` from: its simplest variant, with the interface and the
/// conventions as comments.
///
/// # Errors
/// [`Error::Variant`] for an operation without `naive`.
pub fn template(op: &'static Op) -> Result<String> {
    let call = workload::typical(op)?;
    let naive = op.variant("naive").map_err(|_| Error::Variant {
        op: op.name,
        wanted: "naive".into(),
        message: "is what a template starts from, and is not there".into(),
        known: op.variant_names(),
    })?;
    let mut text = format!(
        "// A variant of {name}: {about}.\n\
         // Prove and time it with: `wgrad_lab::measure({place})` `user_file::read(THIS_FILE)`\n",
        name = op.name,
        about = op.about,
        place = op.folder().unwrap_or(op.name),
    );
    if op.folder().is_none() {
        text.push_str(&format!(
            "// Train with it:          `Trainer::new` `.variants = {}=THIS_FILE`\n",
            op.name
        ));
    }
    text.push_str("//\n");
    text.push_str(
        "// Exactly one @compute function. Bindings and sizes are appended to this text, so do not declare them; their\n\
         // names are available:\n",
    );
    for line in op.interface.lines().filter(|line| !line.starts_with("// case ")) {
        text.push_str(&format!("//   {line}\n"));
    }
    if op.activated() {
        text.push_str("//   fn activate(x: f32) -> f32, fn activate_grad(y: f32) -> f32 (of the output y)\n");
    }
    for line in op.parts().iter().copied().chain(naive.parts()).flat_map(str::lines) {
        text.push_str(&format!("//   {line}\n"));
    }
    let axis = op.interface.lines().find_map(|line| line.trim().strip_prefix("// grid "));
    let axis = axis.and_then(|grid| grid.split([',', '=']).next()).unwrap_or("N").trim();
    text.push_str(&format!(
        "//\n\
         // `// grid` says what the workgroups cover, x first. `const TILE_{axis} = 32u;` says how much of {axis} one\n\
         // workgroup covers; without it, it is the workgroup size. The last axis folds into the next dimension where it\n\
         // is long: `group_y(wid, groups)` of `// uses index` unfolds it (`group_x` if it is x). Return beyond the end.\n\
         // `x4` is `x` as vec4s; use one of the two. Sizes or features that this file needs are given one per line, as\n\
         // in `// needs {axis} % 4 == 0`, `// needs {axis} >= 64` or `// needs SUBGROUP`. Guard every load and store.\n\
         // A line `// case {case}` adds sizes to its proof, and\n\
         // `// uses feed, random` adds texts of wgrad's `shaders/common`.\n\
         // `enable subgroups;` and `enable f16;` may stand first, as browsers require.\n\
         // A constant may offer values: `const ROWS = 4u; // one of 2, 4, 8`. THIS_FILE:ROWS=8 is that setting, and\n\
         // `wgrad_lab::sweep(THIS_FILE)` tries them all; `const_assert ROWS * COLUMNS <= 256u;` leaves some out.\n\
         // It is measured at {sizes} unless `.sizes` says otherwise.\n\n",
        sizes = sizes::words(&call),
        case = op.cases().first().copied().unwrap_or_default(),
    ));
    // The example lines above must not be taken for needs or a grid of this file.
    text.push_str(naive.source());
    Ok(text)
}
