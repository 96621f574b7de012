//! Results for the dispatches of a step: plain rows, for a table, JSON or a page.

use crate::measurement::Spread;
use serde::Serialize;
use wgrad::{gpu::Clock, program::Pass};

/// The peak that bounds a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Arithmetic: it would take longer than the memory traffic, each at its peak.
    Arithmetic,
    /// Memory: its traffic would take longer than the arithmetic, each at its peak.
    Memory,
}

/// One dispatch of a training step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DispatchRow {
    /// Number in the step, from 1.
    pub number: usize,
    /// Layer, or purpose of the dispatch.
    pub label: String,
    /// Part of the step that it belongs to.
    pub pass: Pass,
    /// The operation.
    pub op: &'static str,
    /// `operation/variant`.
    pub kernel: String,
    /// Its sizes, as [`wgrad::op::sizes::given`] reads them.
    pub sizes: String,
    /// The activation composed in; `linear` if there is none.
    pub activation: &'static str,
    /// Workgroups in x, y, z.
    pub grid: [u32; 3],
    /// Seconds, median over the steps.
    pub seconds: f64,
    /// The fastest step, seconds.
    pub seconds_min: f64,
    /// First quartile: a quarter of the steps are faster.
    pub seconds_q1: f64,
    /// Third quartile: a quarter of the steps are slower.
    pub seconds_q3: f64,
    /// The slowest step, seconds.
    pub seconds_max: f64,
    /// Number of measured steps.
    pub samples: usize,
    /// Share of the total time of all dispatches.
    pub share: f64,
    /// Seconds between the end of the previous dispatch and its own beginning, median; negative if they overlap. `None`
    /// for the first dispatch, and by the wall clock.
    pub gap_seconds: Option<f64>,
    /// Rate, 10⁹ floating point operations per second; `None` if it has none worth counting.
    pub gflops: Option<f64>,
    /// Rate, 10⁹ bytes per second; each buffer counts once (twice if it is updated).
    pub gbps: f64,
    /// Share of the adapter's arithmetic peak.
    pub share_of_fma: Option<f64>,
    /// Share of the adapter's memory peak; above 1 if caches hold the buffers.
    pub share_of_copy: f64,
    /// The peak that bounds it.
    pub bound: Bound,
    /// Share of the rate that this peak allows (its roofline).
    pub share_of_roof: f64,
    /// Clock of the measurement.
    pub clock: Clock,
}

/// Time of a layer: the sum over its dispatches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Its name.
    pub layer: String,
    /// Seconds of its forward pass, the sum of medians.
    pub forward_seconds: f64,
    /// Seconds of its backward pass.
    pub backward_seconds: f64,
    /// Backward time divided by forward time; `None` if either is missing.
    pub ratio: Option<f64>,
}

impl LayerRow {
    /// Returns the layers of `dispatches`, in the order of their forward pass.
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
    /// Number of counted steps that were taken apart; as many ran as usual between them.
    pub steps: usize,
    /// Bytes of the gradients of trained parameters: what ranks would exchange.
    pub gradient_bytes: usize,
    /// Sum of the dispatches' medians, seconds.
    pub dispatch_seconds: f64,
    /// Sum of the gaps' medians, seconds; `None` by the wall clock.
    pub gap_seconds: Option<f64>,
    /// Time of a step taken apart, from the first dispatch to the last.
    pub apart: Spread,
    /// Time of a step in one compute pass, as training records it.
    pub normal: Spread,
    /// Overhead of taking a step apart, seconds: the difference of the two medians.
    pub instrument_seconds: f64,
    /// Clock of the measurement. By the wall clock, each dispatch is a submission of its own, whose overhead is part of
    /// its time.
    pub clock: Clock,
    /// Reason why the device's timestamps were not used, if it has them.
    pub doubt: Option<String>,
}

/// A step that was taken apart, as shown in a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedStep {
    /// Times when the host handed it over and saw that it was done, seconds of [`wgrad::clock`].
    pub host: [f64; 2],
    /// Beginning and end of each dispatch, seconds; by the device's clock if `clock` is [`Clock::Gpu`].
    pub dispatches: Vec<[f64; 2]>,
    /// Clock of the dispatches.
    pub clock: Clock,
}
