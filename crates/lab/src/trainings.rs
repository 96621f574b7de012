//! Comparison of two whole trainings with the same model, data and seed, but other variants. They take turns on one
//! adapter, so that other load on the machine affects both. The result holds their speeds, how far their losses and
//! weights drift apart, and whether that is more than rounding explains.

use crate::measurement::{Conditions, Spread};
use std::{ops::ControlFlow, sync::Arc};
use wgrad::{
    Error, Result,
    checkpoint::Checkpoint,
    data::Dataset,
    gpu::Context,
    model::Model,
    observe::Recorder,
    op::twin::EPSILON,
    program::Program,
    selection::Choices,
    train::{Options, Trainer},
};

mod reported;
pub use reported::{Comparison, Round, Side, StepPair, Tolerance, WeightDifference};

/// Bytes of images uploaded at once: small, because each turn begins with a chunk.
const BUDGET: usize = 2 << 20;

/// Request to compare two trainings.
#[derive(Clone, Debug)]
pub struct Request {
    /// The network.
    pub model: Model,
    /// Batch, seed, optimizer; `sides` replaces its `variants`.
    pub options: Options,
    /// Variants of A and of B.
    pub sides: [Choices; 2],
    /// Steps of each training.
    pub steps: u64,
    /// Timed turns of each training, after an untimed one.
    pub rounds: usize,
    /// Largest allowed difference between the losses of a step; `None` derives it, see [`Tolerance`].
    pub tolerance: Option<f64>,
}

/// A training in progress.
struct Course {
    trainer: Trainer,
    losses: Vec<f64>,
    diverged_at: Option<u64>,
}

impl Course {
    /// Trains for `steps` steps, over as many epochs as necessary. Returns images per second, without the start of the
    /// turn.
    async fn turn(&mut self, steps: u64) -> Result<f64> {
        let (recorder, target) = (Arc::new(Recorder::default()), self.losses.len() as u64 + steps);
        self.trainer.listen(Some(recorder.clone()), false);
        let mut images = 0u64;
        while (self.losses.len() as u64) < target && self.diverged_at.is_none() {
            let left = target - self.losses.len() as u64;
            let losses = &mut self.losses;
            let each = |_: &_, step: &wgrad::metrics::StepResult| {
                losses.push(step.loss());
                images += u64::from(step.rows);
                ControlFlow::Continue(())
            };
            match self.trainer.advance(left, each).await {
                Ok(_either_way) => {}
                Err(Error::Diverged { .. }) => self.diverged_at = Some(self.losses.len() as u64 + 1),
                Err(error) => return Err(error),
            }
        }
        self.trainer.listen(None, false);
        Ok(images as f64 / recorder.take().seconds().max(1e-9))
    }
}

/// Trains both sides and compares them; `progress` receives messages about the current work.
///
/// # Errors
/// [`Error::Option`] for fewer than two steps or no round, [`Error::Variant`] for a wrong file, the errors of
/// [`Trainer::new`], and [`Error::Device`]. A loss that is no longer finite is a result, not an error.
pub async fn compare(
    context: &Context,
    data: &Dataset,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Comparison> {
    let Request { model, options, sides, steps, rounds, tolerance } = request;
    check(*steps, *rounds, *tolerance)?;
    let start = async |choices: &Choices| -> Result<Course> {
        let options = Options { variants: choices.clone(), budget: BUDGET, ..options.clone() };
        let trainer = Trainer::new(context, model, data.clone(), options).await?;
        Ok(Course { trainer, losses: Vec::new(), diverged_at: None })
    };
    let mut courses = [start(&sides[0]).await?, start(&sides[1]).await?];
    let turns = turns(*steps, *rounds);
    let mut reported = Vec::new();
    for (n, turn) in turns.iter().enumerate() {
        progress(&format!("round {n} of {}: {turn} steps of each", turns.len() - 1));
        let mut speeds = [0.0; 2];
        // The sides alternate in beginning, so that neither always meets a warm or a cold machine.
        for side in [n % 2, 1 - n % 2] {
            speeds[side] = courses[side].turn(*turn).await?;
        }
        if courses.iter().any(|course| course.diverged_at.is_some()) {
            break;
        }
        if n > 0 {
            reported.push(Round { round: n, images_per_second: speeds, ratio: speeds[1] / speeds[0] });
        }
    }
    let mut drift = Vec::new();
    if tolerance.is_none() {
        progress(
            "a third training, from weights whose last bit differs: how much does this one amplify rounding?",
        );
        let mut control = start(&sides[0]).await?;
        let mut checkpoint = control.trainer.checkpoint().await?;
        checkpoint.weights.iter_mut().for_each(|w| *w = nudged(*w));
        control.trainer.restore(&checkpoint);
        control.turn(courses[0].losses.len() as u64).await?;
        drift = courses[0].losses.iter().zip(&control.losses).map(|(a, b)| (b - a).abs()).collect();
    }
    let sum = longest_sum(&courses[0].trainer.train_plan().program);
    let (curve, tolerance) = curve(&courses, *tolerance, sum, &drift);
    let diverged = courses.iter().any(|course| course.diverged_at.is_some());
    let share = |pair: &StepPair| pair.difference.abs() / pair.allowed.max(f64::MIN_POSITIVE);
    let worst = curve.iter().copied().max_by(|a, b| share(a).total_cmp(&share(b)));
    let within = curve.iter().all(|pair| wgrad::compare::allows(pair.allowed, pair.difference.abs()));
    let mut weights = None;
    let mut test = [None; 2];
    if !diverged {
        let [a, b] = &mut courses;
        let pair = [a.trainer.checkpoint().await?, b.trainer.checkpoint().await?];
        weights = weight_difference(&pair, &a.trainer);
        test = [Some(a.trainer.evaluate(&data.test).await?), Some(b.trainer.evaluate(&data.test).await?)];
    }
    context.check()?;
    let regression = model.loss()?.is_regression();
    let side = |n: usize| {
        let (course, plan) = (&courses[n], courses[n].trainer.train_plan());
        Side {
            side: ["a", "b"][n],
            variants: words(&sides[n]),
            kernels: plan.variants(),
            notes: plan.notes.clone(),
            images_per_second: Spread::of(reported.iter().map(|round| round.images_per_second[n]).collect()),
            test_loss: test[n].map(|test| test.loss),
            test_accuracy: test[n].map(|test| test.accuracy).filter(|_| !regression),
            diverged_at: course.diverged_at,
        }
    };
    Ok(Comparison {
        conditions: Conditions::of(context, &model.name, &data.name, options.batch),
        seed: options.seed,
        learning_rate: options.optimizer.learning_rate,
        steps: curve.len() as u64,
        passed: !diverged && within && !curve.is_empty(),
        sides: [side(0), side(1)],
        ratio: Spread::of(reported.iter().map(|round| round.ratio).collect()),
        worst,
        weights,
        tolerance,
        rounds: reported,
        curve,
    })
}

fn check(steps: u64, rounds: usize, tolerance: Option<f64>) -> Result<()> {
    let fail = |name, got: String, expected| Err(Error::Option { name, got, expected });
    if steps < 2 {
        return fail("steps", steps.to_string(), "at least 2: one warms up, one is timed");
    }
    if rounds == 0 {
        return fail("rounds", rounds.to_string(), "at least 1");
    }
    match tolerance {
        Some(given) if !(given >= 0.0 && given.is_finite()) => {
            fail("tolerance", given.to_string(), "a number from 0")
        }
        _ => Ok(()),
    }
}

/// Returns the steps of each turn: the warm-up, then the rounds. They add up to `steps`.
fn turns(steps: u64, rounds: usize) -> Vec<u64> {
    let rounds = (rounds as u64).min(steps - 1);
    let each = steps / (rounds + 1);
    let mut turns = vec![each; rounds as usize + 1];
    turns[0] += steps - each * (rounds + 1);
    turns
}

/// Returns a neighbouring number (last bit flipped). Zero stays, since it has no neighbour of comparable size.
fn nudged(weight: f32) -> f32 {
    if weight == 0.0 { weight } else { f32::from_bits(weight.to_bits() ^ 1) }
}

/// Returns the largest number of terms that any dispatch sums for one output element, estimated from its operations.
/// The first buffer of a node is its output.
fn longest_sum(program: &Program) -> usize {
    let terms = program.nodes.iter().filter_map(|node| {
        let (_, output) = node.buffers.first()?;
        let len = program.values[output.0].len().max(1) as f64;
        Some((node.call.flops() / 2.0 / len).ceil() as usize)
    });
    terms.max().unwrap_or(1).max(1)
}

/// Pairs the losses of both trainings with their allowed difference.
fn curve(
    courses: &[Course; 2],
    given: Option<f64>,
    longest_sum: usize,
    drift: &[f64],
) -> (Vec<StepPair>, Tolerance) {
    let root = (longest_sum as f64).sqrt();
    let mut largest = 0.0f64;
    let losses = courses[0].losses.iter().zip(&courses[1].losses).enumerate();
    let curve: Vec<StepPair> = losses
        .map(|(n, (&loss_a, &loss_b))| {
            largest = largest.max(drift.get(n).copied().unwrap_or(0.0));
            let derived = root * (largest + 4.0 * EPSILON * loss_a.max(1.0));
            let allowed = given.unwrap_or(derived);
            StepPair { step: n as u64 + 1, loss_a, loss_b, difference: loss_b - loss_a, allowed }
        })
        .collect();
    let last = curve.last().map_or(0.0, |pair| pair.allowed);
    let longest_sum = if given.is_some() { 0 } else { longest_sum };
    (curve, Tolerance { given: given.is_some(), longest_sum, drift: largest, last })
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

/// Finds the weight that differs most; NaN counts as the largest difference.
fn weight_difference(pair: &[Checkpoint; 2], trainer: &Trainer) -> Option<WeightDifference> {
    let mut worst: Option<WeightDifference> = None;
    let (mut all, mut whole) = (0.0, 0.0);
    for p in trainer.parameters() {
        let of = |n: usize| pair[n].weights.get(p.offset..p.offset + p.len()).unwrap_or_default();
        let pairs = || of(0).iter().zip(of(1)).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let (apart, size) = (norm(pairs().map(|(a, b)| b - a)), norm(pairs().map(|(a, _)| a)));
        (all, whole) = (f64::hypot(all, apart), f64::hypot(whole, size));
        let furthest =
            pairs().enumerate().max_by(|(_, (a, b)), (_, (c, d))| (b - a).abs().total_cmp(&(d - c).abs()));
        let Some((index, (a, b))) = furthest else { continue };
        let absolute = (b - a).abs();
        if worst.as_ref().is_none_or(|worst| absolute.total_cmp(&worst.absolute).is_gt()) {
            let relative_tensor = apart / size.max(f64::MIN_POSITIVE);
            let tensor = p.name.clone();
            worst =
                Some(WeightDifference { tensor, index, a, b, absolute, relative_tensor, relative_all: 0.0 });
        }
    }
    if let Some(worst) = &mut worst {
        worst.relative_all = all / whole.max(f64::MIN_POSITIVE);
    }
    worst
}

fn words(choices: &Choices) -> String {
    let words: Vec<_> = choices.by_hand.iter().map(|(op, variant)| format!("{op}={variant}")).collect();
    if words.is_empty() { "default".to_string() } else { words.join(",") }
}

#[cfg(test)]
mod tests {
    use super::{longest_sum, nudged, turns};
    use wgrad::{networks::network, optim::Optimizer, preprocessing::Preprocessing, program::Mode};

    #[test]
    fn turns_add_up() {
        assert_eq!(turns(2, 8), [1, 1]);
        assert_eq!(turns(10, 3), [4, 2, 2, 2]);
        assert_eq!(turns(469, 8).iter().sum::<u64>(), 469);
    }

    #[test]
    fn a_nudge_is_the_last_bit() {
        assert_eq!(nudged(0.0), 0.0);
        assert!((nudged(1.5) - 1.5).abs() > 0.0 && (nudged(1.5) - 1.5).abs() <= f32::EPSILON);
        assert!((nudged(-1e-3) + 1e-3).abs() > 0.0 && (nudged(-1e-3) + 1e-3).abs() < 1e-9);
    }

    #[test]
    fn the_longest_sum_is_that_of_the_first_product() {
        let model = network("mlp", [28, 28, 1], 10).expect("built in");
        let program = model
            .program(&Preprocessing::default(), Mode::Train, 32, 1, &Optimizer::default())
            .expect("fits");
        assert_eq!(longest_sum(&program), 784);
    }
}
