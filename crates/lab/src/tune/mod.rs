//! The tuner chooses a variant for every call of a network with several variants that can run here: the one that is
//! fastest at that exact size on this device. A variant replaces the default only if it is correct and faster by more
//! than the spread. The total time is bounded; a call that it does not reach keeps its default. The tuner ignores a
//! user's files, and all costs of a step other than its kernels.

/// Cache of tuned choices in the user's cache folder.
pub mod cache;
mod contest;
mod first;
mod line;

pub use first::{FIRST_SECONDS, First, Quick, first};
pub use line::{Line, Wrong};

use crate::measure::Lab;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wgrad::{
    Error, Result,
    gpu::Context,
    model::Model,
    objective::Objective,
    op::{AdapterKind, Call, Variant, setting},
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::Mode,
};

/// Default time limit of a tuning, seconds.
pub const SECONDS: f64 = 10.0;
/// Reason given for a call that is left out when the time is over.
pub const OVER: &str = "the time ran out";

/// A call of a network's programs.
#[derive(Clone, Debug)]
pub struct Use {
    /// Operation, sizes, activation.
    pub call: Call,
    /// How often a training step makes it; 0 if only the evaluation does.
    pub per_step: usize,
}

/// Returns every distinct call of the training and evaluation programs of `model`, in their order, for a training with
/// `objective`. The number of steps whose results are kept before the host reads them does not matter: no operation
/// with several variants depends on it.
///
/// # Errors
/// [`Error::Model`] if the layers do not fit, [`Error::Option`] for a batch of 0.
pub fn uses(
    model: &Model,
    input: &Preprocessing,
    batch: usize,
    optimizer: &Optimizer,
    objective: &Objective,
) -> Result<Vec<Use>> {
    if batch == 0 {
        return Err(Error::Option { name: "batch", got: "0".into(), expected: "at least 1" });
    }
    let mut uses: Vec<Use> = Vec::new();
    for mode in [Mode::Train, Mode::Evaluate] {
        let times = usize::from(mode == Mode::Train);
        for node in model.program_with(input, mode, batch, 1, optimizer, objective)?.nodes {
            let key = node.call.key();
            match uses.iter_mut().find(|known| known.call.key() == key) {
                Some(known) => known.per_step += times,
                None => uses.push(Use { call: node.call, per_step: times }),
            }
        }
    }
    Ok(uses)
}

/// Returns the variants among which the tuner chooses for `call`: those of the operation, and every setting of those
/// that are meant for adapters of these traits and offer constants. Variants that round their inputs to half precision are
/// excluded, as a choice must not cost accuracy. [`eligible`] checks whether they can run.
pub fn candidates(context: &Context, call: &Call) -> Vec<Variant> {
    let settings = |variant: &Variant| match variant.suits(&context.traits) {
        true => setting::all(call.op, variant, "").unwrap_or_else(|_| vec![variant.clone()]),
        false => vec![variant.clone()],
    };
    call.op.variants().iter().filter(|v| v.rounds().is_empty()).flat_map(settings).collect()
}

/// Returns the variants among which a short tuning chooses for `call`: those that are meant for adapters of these traits,
/// and on GPUs those that are no default anywhere, except the simplest.
pub fn contenders(context: &Context, call: &Call) -> Vec<Variant> {
    let kind = context.traits.kind;
    let wanted = |variant: &&Variant| {
        let unlisted = variant.default_for.is_empty() && variant.name() != "naive";
        variant.suits(&context.traits) || (unlisted && kind != AdapterKind::Software)
    };
    let all = call.op.variants().iter().filter(|variant| variant.rounds().is_empty());
    all.filter(wanted).cloned().collect()
}

/// Returns true if several of [`candidates`] can run `call` on `context`.
///
/// # Errors
/// [`Error::Shader`] if one does not compose.
pub fn is_contested(context: &Context, call: &Call) -> Result<bool> {
    // Most have several without their settings, which are many.
    let mut able = 0;
    for variant in call.op.variants().iter().filter(|variant| variant.rounds().is_empty()) {
        able += usize::from(call.obstacle(context, variant)?.is_none());
        if able > 1 {
            return Ok(true);
        }
    }
    Ok(eligible(context, call, candidates(context, call))?.len() > 1)
}

/// Returns those of `variants` that can run `call` on `context`.
///
/// # Errors
/// [`Error::Shader`] if one does not compose.
pub fn eligible(context: &Context, call: &Call, variants: Vec<Variant>) -> Result<Vec<Variant>> {
    let mut able = Vec::new();
    for variant in variants {
        if call.obstacle(context, &variant)?.is_none() {
            able.push(variant);
        }
    }
    Ok(able)
}

/// Settings of a tuning.
pub struct Settings<'a> {
    /// Time limit for proofs and timing together, seconds. Work in progress at the end of the time is finished, but its
    /// result is discarded.
    pub seconds: f64,
    /// Seconds after which a kernel counts as hung; `None`: 30, and more for large work.
    pub timeout: Option<f64>,
    /// Seed of the inputs.
    pub seed: u64,
    /// Returns the variants of a call; [`candidates`] by default.
    pub candidates: &'a dyn Fn(&Context, &Call) -> Vec<Variant>,
    /// Known choices by [`Call::key`]: those calls are not measured.
    pub known: BTreeMap<String, String>,
    /// True to prove a winner at all cases of its operation too, not only at the size of its call.
    pub thorough: bool,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            seconds: SECONDS,
            timeout: None,
            seed: 1,
            candidates: &candidates,
            known: BTreeMap::new(),
            thorough: true,
        }
    }
}

/// Speed-up of the chosen variant over the default: the default's time divided by its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Ratio of the medians.
    pub ratio: f64,
    /// The default's first quartile over the chosen variant's third quartile.
    pub low: f64,
    /// The default's third quartile over the chosen variant's first quartile.
    pub high: f64,
}

/// The decision for a call.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Variant to run; the default if nothing beats it.
    pub chosen: String,
    /// Gain over the default; `None` if the default was chosen, or has no time to compare.
    pub gain: Option<Gain>,
    /// Variants that differ from their twin or do not end, with the reason.
    pub wrong: Vec<(String, String)>,
}

/// Result of a call.
#[derive(Clone, Debug)]
pub enum State {
    /// Its choice was known already.
    Known(String),
    /// It was measured.
    Decided(Decision),
    /// It keeps its default for this reason.
    LeftOut(String),
}

/// A call for which the tuner had to choose a variant.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Operation, sizes, activation.
    pub call: Call,
    /// Default variant on this adapter.
    pub default: String,
    /// Share of the time of all kernels in a training step, with the defaults; `None` if not measured.
    pub share: Option<f64>,
    /// Result of the call.
    pub state: State,
}

impl Outcome {
    /// Returns the variant to run from now on; `None` if the call was left out.
    pub fn chosen(&self) -> Option<&str> {
        match &self.state {
            State::Known(name) => Some(name),
            State::Decided(decision) => Some(&decision.chosen),
            State::LeftOut(_) => None,
        }
    }
}

/// Progress of a tuning.
pub enum Event<'a> {
    /// Current activity, with the seconds left.
    Doing(&'a str),
    /// A call is done; its outcome is final.
    Done(&'a Outcome),
}

/// Returns the choices in `outcomes`, by [`Call::key`].
pub fn tuned(outcomes: &[Outcome]) -> BTreeMap<String, String> {
    let chosen = |outcome: &Outcome| Some((outcome.call.key(), outcome.chosen()?.to_string()));
    outcomes.iter().filter_map(chosen).collect()
}

/// Chooses a variant for each of `uses` with several eligible variants, the most expensive calls of a step first.
/// Returns the outcomes in that order; `hear` receives events as they happen.
///
/// # Errors
/// [`Error::Shader`] if a variant does not compose; [`Error::Device`] if the device cannot be reopened. A wrong or
/// hanging variant is part of the outcome of its call, not an error.
pub async fn tune(
    lab: &mut Lab,
    uses: &[Use],
    settings: &Settings<'_>,
    hear: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Outcome>> {
    let outcomes = contest::Tuner::new(settings, hear).all(lab, uses).await;
    lab.context.reset_timeout();
    outcomes
}
