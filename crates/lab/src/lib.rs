//! The lab: shader variants side by side. Each is proven against its twin on this device before it is timed; a wrong one gets
//! no time. Beside it stands what else is measured and tried on a device: the fastest variants of a network ([`tune`]),
//! where a step spends its time ([`profile`]), and whether a device computes a network rightly ([`check`]).
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// What every measurement shares: spread, conditions, peaks.
pub mod measurement;
/// What wgpu asks of naga's writers.
mod options;
/// Composed texts as WGSL defines them, for other compilers than naga.
pub mod standard;
/// At what sizes an operation is measured.
pub mod workload;
/// Ratio of two times with its confidence interval.
pub mod ratio;
/// A line of a report, and what may be ranked.
pub mod row;
/// Results that were kept, and the comparison with them.
pub mod history;
/// Every variant in the languages of all back ends, without an adapter.
pub mod backends;
/// What a driver's compiler makes of variants, without running them.
pub mod stats;
/// What is asked for.
pub mod request;
/// With which inputs variants are proven.
mod trials;
/// Samples of several variants in turns.
pub(crate) mod turns;
/// Proof, then time, of the variants of an operation.
pub mod measure;
/// What a sweep over settings found, two constants at a time.
pub mod sweep;
/// The rate of a large product, which whole networks are measured by.
pub mod product;
/// How the time of a step grows with batch and width.
pub mod growth;
/// Two whole trainings side by side.
pub mod trainings;
/// The fastest right variant for each call of a network on this adapter: measured, kept in a cache.
pub mod tune;
/// Where a training step spends its time: each dispatch, the host, and a trace of both.
pub mod profile;
/// Is this device to be trusted with this network? Real plans beside the twins, gradients beside finite differences.
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

/// A variant and whether it runs here.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listing {
    /// The operation.
    pub op: &'static str,
    /// The variant.
    pub variant: String,
    /// What it needs of sizes and device, in words.
    pub needs: Vec<String>,
    /// The adapter classes for which it is preferred to the variants behind it.
    pub default_for: Vec<String>,
    /// The constants that it offers: [`sweep`] tries their values.
    pub constants: Vec<Constant>,
    /// Whether it can run on this adapter at these sizes.
    pub eligible: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Whether it is what runs here at these sizes unless another is asked for.
    pub default_here: bool,
    /// At what sizes.
    pub sizes: String,
    /// The adapter.
    pub adapter: String,
}

/// Every variant of every operation (or of one), at the sizes at which the lab measures it.
///
/// # Errors
/// [`Error::Shader`] where one does not compose.
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

/// A commented WGSL file from which a variant of `op` can start: its simplest variant, with the interface and
/// the conventions as comments.
///
/// # Errors
/// [`Error::Variant`] for an operation without `naive`.
pub fn template(op: &'static Op) -> Result<String> {
    let call = workload::typical(op)?;
    let mut text = format!(
        "// A variant of {name}: {about}.\n\
         // Prove and time it with: `wgrad_lab::measure({name})` `user_file::read(THIS_FILE)`\n\
         // Train with it:          `Trainer::new` `.variants = {name}=THIS_FILE`\n//\n",
        name = op.name,
        about = op.about,
    );
    text.push_str(
        "// Exactly one @compute function. Bindings and sizes are appended to this text, so do not declare them; their\n\
         // names are simply there:\n",
    );
    for line in op.interface.lines().filter(|line| !line.starts_with("// case ")) {
        text.push_str(&format!("//   {line}\n"));
    }
    if op.activated() {
        text.push_str("//   fn activate(x: f32) -> f32, fn activate_grad(y: f32) -> f32 (of the output y)\n");
    }
    for part in op.parts() {
        for line in part.lines() {
            text.push_str(&format!("//   {line}\n"));
        }
    }
    let axis = op.interface.lines().find_map(|line| line.trim().strip_prefix("// grid "));
    let axis = axis.and_then(|grid| grid.split([',', '=']).next()).unwrap_or("N").trim();
    text.push_str(&format!(
        "//\n\
         // `// grid` says what the workgroups cover, x first. `const TILE_{axis} = 32u;` says how much of {axis} one\n\
         // workgroup covers; without it, it is the workgroup size. The last axis folds into the next dimension where it\n\
         // is long: compute it as `wid.y + wid.z * groups.y` (or x and y) and return beyond the end.\n\
         // `x4` is `x` as vec4s; use one of the two. Sizes or abilities that this file needs are said one a line, as\n\
         // in `// needs {axis} % 4 == 0`, `// needs {axis} >= 64` or `// needs SUBGROUP`. Guard every load and store.\n\
         // A line `// case {case}` adds sizes to those of its proof, and\n\
         // `// uses feed, random` texts of wgrad's `shaders/common`.\n\
         // `enable subgroups;` and `enable f16;` may stand first, as a browser wants them.\n\
         // A constant may offer values: `const ROWS = 4u; // one of 2, 4, 8`. THIS_FILE:ROWS=8 is that setting, and\n\
         // `wgrad_lab::sweep(THIS_FILE)` tries them all; `const_assert ROWS * COLUMNS <= 256u;` leaves some out.\n\
         // It is measured at {sizes} unless `.sizes` says otherwise.\n\n",
        sizes = sizes::words(&call),
        case = op.cases().first().copied().unwrap_or_default(),
    ));
    // The example lines above must not be taken for needs or a grid of this file.
    let naive = op.variant("naive").map_err(|_| Error::Variant {
        op: op.name,
        wanted: "naive".into(),
        message: "is what a template starts from, and is not there".into(),
        known: op.variant_names(),
    })?;
    text.push_str(naive.source());
    Ok(text)
}
