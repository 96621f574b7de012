//! What the dispatches of a step tell: plain rows, for a table, JSON or a page.

use crate::measurement::Spread;
use serde::Serialize;
use wgrad::{gpu::Clock, program::Pass};

/// Which of the two peaks bounds a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// At full speed its arithmetic would take longer.
    Arithmetic,
    /// At full speed its memory would take longer.
    Memory,
}

/// One dispatch of a training step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DispatchRow {
    /// Its place in the step, from 1.
    pub number: usize,
    /// The layer, or what it does.
    pub label: String,
    /// Which part of the step it belongs to.
    pub pass: Pass,
    /// The operation.
    pub op: &'static str,
    /// `operation/variant`.
    pub kernel: String,
    /// Its sizes, as [`wgrad::op::sizes::given`] reads them.
    pub sizes: String,
    /// The activation composed in; `linear` where there is none.
    pub activation: &'static str,
    /// Workgroups in x, y, z.
    pub grid: [u32; 3],
    /// Seconds, median over the steps.
    pub seconds: f64,
    /// The fastest.
    pub seconds_min: f64,
    /// A quarter of the steps are faster.
    pub seconds_q1: f64,
    /// A quarter of the steps are slower.
    pub seconds_q3: f64,
    /// The slowest.
    pub seconds_max: f64,
    /// Steps measured.
    pub samples: usize,
    /// Share of the sum of all dispatches.
    pub share: f64,
    /// Seconds between the end of the dispatch before it and its beginning, median; below zero where they overlap.
    /// `None` for the first one, and by the wall clock.
    pub gap_seconds: Option<f64>,
    /// 10⁹ floating point operations a second; `None` where there are none worth counting.
    pub gflops: Option<f64>,
    /// 10⁹ bytes a second, each buffer counted once (twice where it is updated).
    pub gbps: f64,
    /// Share of the adapter's arithmetic peak.
    pub share_of_fma: Option<f64>,
    /// Share of the adapter's memory peak; above 1 where caches hold the buffers.
    pub share_of_copy: f64,
    /// Which peak bounds it.
    pub bound: Bound,
    /// Share of what that peak would allow: the roofline.
    pub share_of_roof: f64,
    /// What it was measured with.
    pub clock: Clock,
}

/// What a layer takes, all its dispatches together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Its name.
    pub layer: String,
    /// Seconds of its forward pass, the sum of medians.
    pub forward_seconds: f64,
    /// Seconds of its backward pass.
    pub backward_seconds: f64,
    /// How many times as long as forward backward takes; `None` where either is missing.
    pub ratio: Option<f64>,
}

impl LayerRow {
    /// The layers of `dispatches`, in the order of their forward pass.
    pub fn of(dispatches: &[DispatchRow]) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for dispatch in dispatches {
            let (forward, backward) = match dispatch.pass {
                Pass::Forward => (dispatch.seconds, 0.0),
                Pass::Backward => (0.0, dispatch.seconds),
                Pass::Loss | Pass::Update => continue,
            };
            let n = rows.iter().position(|row| row.layer == dispatch.label).unwrap_or_else(|| {
                let layer = dispatch.label.clone();
                rows.push(Self { layer, forward_seconds: 0.0, backward_seconds: 0.0, ratio: None });
                rows.len() - 1
            });
            let row = &mut rows[n];
            row.forward_seconds += forward;
            row.backward_seconds += backward;
            let both = row.forward_seconds > 0.0 && row.backward_seconds > 0.0;
            row.ratio = both.then(|| row.backward_seconds / row.forward_seconds);
        }
        rows
    }
}

/// A training step as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// Steps that were taken apart and counted; as many ran as usual between them.
    pub steps: usize,
    /// The sum of the dispatches' medians, seconds.
    pub dispatch_seconds: f64,
    /// The sum of the gaps' medians; `None` by the wall clock.
    pub gap_seconds: Option<f64>,
    /// A step taken apart, from the first dispatch to the last.
    pub apart: Spread,
    /// A step in one compute pass, as training records it.
    pub normal: Spread,
    /// What taking it apart costs a step, seconds: the difference of the two medians.
    pub instrument_seconds: f64,
    /// What they were measured with. By the wall clock each dispatch is submitted by itself, and what a submission
    /// costs is in its time.
    pub clock: Clock,
    /// Why it is not the device's timestamps, where it has them.
    pub doubt: Option<String>,
}

/// A step that was taken apart: what a trace shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedStep {
    /// When the host handed it over and saw that it was done, seconds of [`wgrad::clock`].
    pub host: [f64; 2],
    /// Beginning and end of each dispatch; of the device's clock where `clock` is [`Clock::Gpu`].
    pub dispatches: Vec<[f64; 2]>,
    /// Which clock the dispatches have.
    pub clock: Clock,
}
