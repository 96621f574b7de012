//! Gradients by finite differences, on the twins in f64: the proof that backward matches forward. If a ReLU or a
//! maximum changes sides within the step, no difference quotient is correct. Images of noise and biases away from zero
//! make such kinks rare; a second, smaller step detects them, and they are reported.

use super::{Check, Difference, Finding};
use wgrad::{
    Result,
    compare::{place_in, words_of},
    derivative::{Derivative, derivative},
    feed::{Batch, Step, split_mix},
    initializer::Initializer,
    model::{Model, Output},
    objective::Objective,
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::{Mode, ParameterId, interpreter::Interpreter},
};

/// Images in the batch.
const ROWS: usize = 3;
/// Largest allowed share of sampled elements at a kink.
const KINKS: f64 = 0.1;

/// Compares the gradients of `model` with finite differences of its loss, at up to `samples` elements of each parameter
/// tensor; `input` describes images and labels. Returns one finding per tensor.
///
/// # Errors
/// [`wgrad::Error::Model`] if the layers do not fit.
pub fn gradients(
    model: &Model,
    input: &Preprocessing,
    seed: u64,
    samples: usize,
    optimizer: &Optimizer,
) -> Result<Vec<Finding>> {
    gradients_with(model, input, seed, samples, optimizer, &Objective::default())
}

/// Like [`gradients`], for training steps with `objective`.
///
/// # Errors
/// The errors of [`gradients`].
pub fn gradients_with(
    model: &Model,
    input: &Preprocessing,
    seed: u64,
    samples: usize,
    optimizer: &Optimizer,
    objective: &Objective,
) -> Result<Vec<Finding>> {
    let program = model.program_with(input, Mode::Train, ROWS, 1, optimizer, objective)?;
    let random = |n: u64| split_mix(split_mix(seed ^ 0xd1ff) ^ n);
    let mut weights = model.initial_weights(seed)?;
    for p in program.parameters.iter().filter(|p| p.initializer == Initializer::Zeros) {
        for (n, weight) in weights[p.offset..p.offset + p.len()].iter_mut().enumerate() {
            *weight = (random((p.offset + n) as u64) >> 40) as f32 / (1u32 << 24) as f32 * 0.2 - 0.1;
        }
    }
    // A regression accepts any number as a label.
    let classes = if model.loss()?.is_regression() { 10 } else { model.classes()?.max(1) as u64 };
    let byte = |n: usize| match input.floats {
        true => (random((n / 4) as u64) as u8 as f32 / 255.0).to_le_bytes()[n % 4],
        false => random(n as u64) as u8,
    };
    let outputs = model.several_outputs()?;
    let each = model.labels()?;
    let label = |n: u64| match (random(!n) % classes) as u32 {
        // Labels of several outputs are numbers: classes of some, and any of others.
        _ if !outputs.is_empty() => {
            let of = outputs.iter().find(|output| output.labels.contains(&(n as usize % each)));
            let classes = of.map_or(0, Output::classes);
            ((random(!n) % if classes == 0 { 10 } else { classes as u64 }) as f32).to_bits()
        }
        label if input.numbers => (label as f32).to_bits(),
        label => label,
    };
    let batch = Batch {
        images: (0..ROWS * input.bytes(model.pixels())).map(byte).collect(),
        labels: (0..(ROWS * each) as u64).map(label).collect(),
    };
    let mixed = objective.augment.mixed(seed, 0);
    let step = Step { rows: ROWS as u32, mixed, ..Step::default() }.keyed(seed, 0);
    let mut machine = Interpreter::new(program, &weights);
    machine.run(machine.without_update(), &batch, step);

    let mut findings = Vec::new();
    let parameters = machine.program.parameters.clone();
    for (n, p) in parameters.iter().enumerate().filter(|(_, p)| p.trained) {
        let gradient = machine.gradients[p.offset..p.offset + p.len()].to_vec();
        let mean_square = gradient.iter().map(|g| g * g).sum::<f64>() / gradient.len().max(1) as f64;
        let range = machine.forward_from(ParameterId(n));
        let count = samples.min(p.len());
        let mut finding = Finding::new(Check::FiniteDifference, &p.name);
        for sample in 0..count {
            let index = match count == p.len() {
                true => sample,
                false => (random((p.offset + sample) as u64) % p.len() as u64) as usize,
            };
            let at = p.offset + index;
            let kept = machine.parameters[at];
            let found = derivative(mean_square.sqrt(), |h| {
                machine.parameters[at] = kept + h;
                machine.run(range.clone(), &batch, step);
                machine.loss(&step)
            });
            machine.parameters[at] = kept;
            if !found.smooth {
                finding.kinks += 1;
                continue;
            }
            let (share, difference) = (finding.share, finding.difference.take());
            let (got, Derivative { slope, allowed, .. }) = (gradient[index], found);
            let place = place_in(index, &p.shape);
            finding = finding.judge((got - slope).abs(), allowed, || Difference {
                what: format!(
                    "d {}[{}] is {got:e}, the loss rises by {slope:e} ± {allowed:.1e}",
                    p.name,
                    words_of(index, &place)
                ),
                buffer: p.name.clone(),
                index,
                place,
                got,
                expected: slope,
                allowed,
                hint: "a backward pass does not match its forward pass: see `reference/` and `layers/`"
                    .into(),
            });
            finding.share = finding.share.max(share);
            finding.difference = difference.or(finding.difference);
        }
        // The last evaluations left shifted values.
        machine.run(range, &batch, step);
        let kinks = finding.kinks;
        if kinks as f64 > KINKS * count as f64 || count == 0 {
            finding.share = f64::INFINITY;
            finding.difference.get_or_insert(Difference {
                what: format!("the loss has a kink at {kinks} of {count} sampled elements of {}", p.name),
                buffer: p.name.clone(),
                index: 0,
                place: Vec::new(),
                got: kinks as f64,
                expected: 0.0,
                allowed: KINKS * count as f64,
                hint: "too many to tell whether the gradient is right; try another `.seed`".into(),
            });
        }
        findings.push(finding);
    }
    Ok(findings)
}
