//! Findings of a check: one for each comparison.

use serde::Serialize;
use std::fmt;
use wgrad::{
    compare::{Mismatch, allows},
    program::Mode,
};

/// Kind of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The gradient of the twins against finite differences of their loss.
    FiniteDifference,
    /// One dispatch of the plan against its twin on the same inputs.
    Dispatch,
    /// The step in one submission against its dispatches one by one: bit-identical.
    OneSubmission,
    /// The whole step against the twins from its start: loss, gradients, output.
    WholeStep,
    /// Finiteness of every number that remains after the step.
    Finite,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FiniteDifference => "finite difference",
            Self::Dispatch => "dispatch",
            Self::OneSubmission => "one submission",
            Self::WholeStep => "whole step",
            Self::Finite => "finite",
        })
    }
}

/// One comparison and its result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Kind of the comparison.
    pub check: Check,
    /// Program in which it was made.
    pub mode: Mode,
    /// Number of the step, from 1; 0 if no step ran on the device.
    pub step: usize,
    /// Images in its batch.
    pub rows: u32,
    /// Number of the dispatch in the step, from 1; 0 if it concerns no single dispatch.
    pub dispatch: usize,
    /// Layer, tensor, or purpose of the dispatch.
    pub label: String,
    /// `operation/variant`; empty if it concerns no single kernel.
    pub kernel: String,
    /// Largest error as a share of the tolerance.
    pub share: f64,
    /// Number of sampled elements at which the loss has a kink, so that no difference quotient is meaningful.
    pub kinks: usize,
    /// The difference, if any.
    pub difference: Option<Difference>,
}

/// A difference from the expected value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Description, in words.
    pub what: String,
    /// Name of the buffer or tensor.
    pub buffer: String,
    /// Index of the worst element in the flat buffer.
    pub index: usize,
    /// Its position in the tensor; empty if the shape is not known.
    pub place: Vec<usize>,
    /// Actual value.
    pub got: f64,
    /// Expected value.
    pub expected: f64,
    /// Largest allowed error.
    pub allowed: f64,
    /// Suggested next step.
    pub hint: String,
}

impl Difference {
    /// Creates a difference from the mismatch of a comparison.
    pub(super) fn from_mismatch(mismatch: Mismatch, hint: String) -> Self {
        let what = mismatch.to_string();
        let Mismatch { buffer, index, place, got, expected, allowed, .. } = mismatch;
        Self { what, buffer, index, place, got, expected, allowed, hint }
    }
}

impl Finding {
    /// Creates a finding about `label` without a difference.
    pub(super) fn new(check: Check, label: &str) -> Self {
        Self {
            check,
            mode: Mode::Train,
            step: 0,
            rows: 0,
            dispatch: 0,
            label: label.to_string(),
            kernel: String::new(),
            share: 0.0,
            kinks: 0,
            difference: None,
        }
    }

    pub(super) fn at(self, mode: Mode, step: usize, rows: u32) -> Self {
        Self { mode, step, rows, ..self }
    }

    /// Records an error against the tolerance `allowed`; NaN counts as too large.
    pub(super) fn judge(mut self, error: f64, allowed: f64, difference: impl FnOnce() -> Difference) -> Self {
        self.share = error / allowed.max(f64::MIN_POSITIVE);
        if !allows(allowed, error) {
            self.difference = Some(difference());
        }
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, mode, step, rows, dispatch, label, kernel, .. } = self;
        match (step, dispatch) {
            (0, _) => write!(f, "{check}, {label}")?,
            (_, 0) => write!(f, "{mode:?} step {step} ({rows} images): {check}, {label}")?,
            _ => write!(f, "{mode:?} step {step} ({rows} images): dispatch {dispatch}, {label}, {kernel}")?,
        }
        match &self.difference {
            None => Ok(()),
            Some(difference) => write!(f, ": {}; {}", difference.what, difference.hint),
        }
    }
}

/// Everything that was compared, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One for each comparison.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns true if anything was compared and nothing differs.
    pub fn is_fine(&self) -> bool {
        !self.findings.is_empty() && self.first().is_none()
    }

    /// Returns the first finding that differs; later ones may be mere consequences.
    pub fn first(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.difference.is_some())
    }

    /// Returns the number of findings that differ.
    pub fn different(&self) -> usize {
        self.findings.iter().filter(|finding| finding.difference.is_some()).count()
    }
}
