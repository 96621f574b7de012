//! The tuner: for every call of a network whose operation has several variants that can run here, the one that is
//! fastest at that very size on this device. It takes the place of the page's default only where it is right and
//! faster by more than the spread. The time for all of it is bounded; what it does not reach keeps its default.
//! It leaves out a user's files, and whatever else a step costs besides its kernels.

/// What was tuned before, in the user's cache.
pub mod cache;
mod contest;

use crate::measure::Lab;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wgrad::{
    Error, Result,
    gpu::Context,
    model::Model,
    objective::Objective,
    op::{Call, Variant, setting},
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::Mode,
};

/// Seconds that tuning may take unless asked otherwise.
pub const SECONDS: f64 = 10.0;
/// Why a call is left out when the time is over.
pub const OVER: &str = "the time was over";

/// A call of a network's programs.
#[derive(Clone, Debug)]
pub struct Use {
    /// Operation, sizes, activation.
    pub call: Call,
    /// How often a training step makes it; 0 where only the evaluation does.
    pub per_step: usize,
}

/// Every distinct call of the training and evaluation programs of `model`, in their order, of a training that makes of
/// images and labels what `objective` says. How many steps' results
/// are kept before the host reads them is none of it: no operation with several variants depends on that.
///
/// # Errors
/// [`Error::Model`] where the layers do not fit, [`Error::Option`] for a batch of 0.
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

/// The variants among which the tuner chooses for `call`: those of the page, and every setting of those that are meant
/// for adapters of this class and offer constants; none that rounds its inputs to half precision, as a choice must not
/// cost accuracy. Whether they can run is asked later.
pub fn candidates(context: &Context, call: &Call) -> Vec<Variant> {
    let settings = |variant: &Variant| match variant.default_for.contains(&context.class) {
        true => setting::all(call.op, variant, "").unwrap_or_else(|_| vec![variant.clone()]),
        false => vec![variant.clone()],
    };
    call.op.variants().iter().filter(|v| v.rounds().is_empty()).flat_map(settings).collect()
}

/// Those of `variants` that can run `call` on `context`.
///
/// # Errors
/// [`Error::Shader`] where one does not compose.
pub fn eligible(context: &Context, call: &Call, variants: Vec<Variant>) -> Result<Vec<Variant>> {
    let mut able = Vec::new();
    for variant in variants {
        if call.obstacle(context, &variant)?.is_none() {
            able.push(variant);
        }
    }
    Ok(able)
}

/// How to tune.
pub struct Settings<'a> {
    /// Seconds for everything: proofs, timing. What has begun when they are over is ended, and counts for nothing.
    pub seconds: f64,
    /// Seconds after which a kernel counts as hung; by default 30, and more for much work.
    pub timeout: Option<f64>,
    /// Decides the inputs.
    pub seed: u64,
    /// The variants of a call; [`candidates`] by default.
    pub candidates: &'a dyn Fn(&Context, &Call) -> Vec<Variant>,
    /// By [`Call::key`], what is known already: those calls are not measured.
    pub known: BTreeMap<String, String>,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { seconds: SECONDS, timeout: None, seed: 1, candidates: &candidates, known: BTreeMap::new() }
    }
}

/// How much faster the chosen variant is than the default: the default's time over its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// By their medians.
    pub ratio: f64,
    /// The default's faster quarter over the other's slower quarter.
    pub low: f64,
    /// The default's slower quarter over the other's faster quarter.
    pub high: f64,
}

/// What was found for a call.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The variant to run: the default too where nothing beats it.
    pub chosen: String,
    /// Over the default; `None` where that is the chosen one, or has no time to compare.
    pub gain: Option<Gain>,
    /// Variants that do not compute what their twin does, or do not end, and why.
    pub wrong: Vec<(String, String)>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub enum State {
    /// It was known already.
    Known(String),
    /// It was measured.
    Decided(Decision),
    /// It keeps its default, for this reason.
    LeftOut(String),
}

/// A call of which the tuner had to choose a variant.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Operation, sizes, activation.
    pub call: Call,
    /// What the page prefers here.
    pub default: String,
    /// The share of all kernels' time in a training step, with the defaults; `None` where that was not measured.
    pub share: Option<f64>,
    /// What became of it.
    pub state: State,
}

impl Outcome {
    /// The variant to run from now on, if anything is known.
    pub fn chosen(&self) -> Option<&str> {
        match &self.state {
            State::Known(name) => Some(name),
            State::Decided(decision) => Some(&decision.chosen),
            State::LeftOut(_) => None,
        }
    }
}

/// What there is to tell while it works.
pub enum Event<'a> {
    /// What it does now, with the seconds left.
    Doing(&'a str),
    /// A call is done: nothing that follows changes it.
    Done(&'a Outcome),
}

/// The choices that `outcomes` amount to, by [`Call::key`].
pub fn tuned(outcomes: &[Outcome]) -> BTreeMap<String, String> {
    let chosen = |outcome: &Outcome| Some((outcome.call.key(), outcome.chosen()?.to_string()));
    outcomes.iter().filter_map(chosen).collect()
}

/// Chooses a variant for each of `uses` that has several which can run, in the order of their share of a step; the
/// outcomes are in that order. `hear` is told what is going on.
///
/// # Errors
/// [`Error::Shader`] where a variant does not compose; [`Error::Device`] where the device cannot be opened anew.
/// A wrong or hanging variant is told in the outcome of its call.
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
