//! Check of a device with a network. The real plans run dispatch by dispatch against the CPU twins, then as whole
//! steps; the gradients of the twins are compared with finite differences of the loss. Each part relies only on the one
//! before: finite differences prove the twins, the twins prove the plan. This module times nothing; `prove` covers
//! single variants at many sizes.

mod derivative;
mod finding;
mod replay;
mod whole;

pub use derivative::{gradients, gradients_with};
pub use finding::{Check, Difference, Finding, Report};
pub use replay::{Shadow, replay};

use wgrad::{
    Error, Result,
    compiled::CompiledModel,
    data::Dataset,
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers},
    model::Model,
    objective::Objective,
    optim::{Method, Optimizer, Sgd},
    plan::Arenas,
    program::{Mode, interpreter::Interpreter},
    selection::Choices,
};

/// Options of a check.
#[derive(Clone, Debug)]
pub struct Options {
    /// Images per step. Variants may depend on it: only the batch of the training checks its exact kernels.
    pub batch: usize,
    /// Training steps with a full batch; a step with a partial batch follows.
    pub steps: usize,
    /// Seed of weights, images and dropout.
    pub seed: u64,
    /// Variants chosen by hand or tuned.
    pub variants: Choices,
    /// The optimizer and its settings.
    pub optimizer: Optimizer,
    /// Number of finite differences for each parameter tensor; a smaller tensor is checked completely.
    pub samples: usize,
    /// Objective of the training: augmentation, label smoothing, class weights.
    pub objective: Objective,
}

impl Default for Options {
    fn default() -> Self {
        let method = Method::Sgd(Sgd { momentum: 0.9, nesterov: true });
        let optimizer = Optimizer { weight_decay: 1e-4, ..Optimizer::new(method) };
        let (variants, objective) = (Choices::default(), Objective::default());
        Self { batch: 16, steps: 1, seed: 0, variants, optimizer, samples: 12, objective }
    }
}

/// State of the check of one program.
struct Bench {
    model: CompiledModel,
    shadow: Shadow,
}

/// Checks `model` on `context` with the first images of `data`; `each` receives every finding as it is made.
///
/// # Errors
/// [`Error::DataFit`] and [`Error::Option`] if nothing can be checked, and the errors of the plans. A difference is
/// part of the report, not an error.
pub async fn check(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: &Options,
    each: &mut dyn FnMut(&Finding),
) -> Result<Report> {
    options.optimizer.validate()?;
    if options.batch == 0 {
        return Err(Error::Option { name: "batch", got: "0".into(), expected: "at least 1" });
    }
    wgrad::evaluate::fits(model, data)?;
    options.objective.validate(data.classes.len(), model.loss()?)?;
    let steps = steps(options);
    let batch = chunk(data, options.batch * steps.len());
    let mut report = Report::default();
    let mut note = |finding: Finding, report: &mut Report| {
        each(&finding);
        report.findings.push(finding);
    };
    let input = &data.input;
    let Options { seed, samples, optimizer, objective, .. } = options;
    for finding in gradients_with(model, input, *seed, *samples, optimizer, objective)? {
        note(finding, &mut report);
    }

    let arenas = Arenas::with_optimizer(context, &model.parameters()?, steps.len(), &options.optimizer)?
        .for_heads(context, model.heads.len())?;
    let feed = FeedBuffers::new(
        context,
        batch.labels.len() / data.train.each.max(1),
        (data.pixels(), data.train.each),
        steps.len(),
    )?;
    feed.upload(context, &batch, &steps);
    context.write(&arenas.parameters, &model.initial_weights(options.seed)?);
    for mode in [Mode::Train, Mode::Evaluate, Mode::Predict] {
        let program = model.program_with(input, mode, options.batch, steps.len(), optimizer, objective)?;
        let compiled = CompiledModel::sharing(context, program, &arenas, &feed, &options.variants).await?;
        let mut bench = Bench { model: compiled, shadow: Shadow::default() };
        // Evaluation and prediction need one full step and the partial one.
        let chosen = if mode == Mode::Train { 0..steps.len() } else { steps.len() - 2..steps.len() };
        for index in chosen {
            let before = bench.state().await?;
            let at = |finding: Finding| finding.at(mode, index + 1, steps[index].rows);
            for finding in
                replay(&bench.model.plan, context, &feed, index, (&batch, steps[index]), &mut bench.shadow)
                    .await?
            {
                note(at(finding), &mut report);
            }
            for finding in bench.replayed_equals_whole(&before, index).await? {
                note(at(finding), &mut report);
            }
            let mut machine = Interpreter::new(bench.model.plan.program.clone(), &before.parameters);
            let wide = |values: &Vec<f32>| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
            machine.slots = before.slots.iter().map(wide).collect();
            machine.averages = before.averages.as_ref().map_or(machine.averages, wide);
            machine.step(&batch, steps[index]);
            for finding in bench.whole_equals_machine(&machine, &steps[index]).await? {
                note(at(finding), &mut report);
            }
        }
    }
    context.check()?;
    Ok(report)
}

/// Returns the first `images` training images, starting again from the first if there are fewer.
fn chunk(data: &Dataset, images: usize) -> Batch {
    let indices: Vec<usize> = (0..data.train.len()).cycle().take(images).collect();
    data.train.batch(&indices, data.pixels())
}

/// Returns the steps: `options.steps` full batches (at least one), then a partial one.
fn steps(options: &Options) -> Vec<Step> {
    let full = options.steps.max(1);
    (0..=full)
        .map(|n| {
            let rows = if n < full { options.batch } else { (options.batch * 5 / 8).max(1) };
            let step = Step {
                first: (n * options.batch) as u32,
                rows: rows as u32,
                slot: n as u32,
                mixed: options.objective.augment.mixed(options.seed, n as u64),
                ..Step::default()
            };
            options.optimizer.fill(step, n as u64, 1.0, None).keyed(options.seed, n as u64)
        })
        .collect()
}
