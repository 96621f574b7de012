//! What a check found: one line for each thing that was compared.

use serde::Serialize;
use std::fmt;
use wgrad::{
    compare::{Mismatch, allows},
    program::Mode,
};

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The gradient by the twins against finite differences of their loss.
    FiniteDifference,
    /// One dispatch of the plan against its twin on the same inputs.
    Dispatch,
    /// The step in one submission against its dispatches one by one: the same bits.
    OneSubmission,
    /// The whole step against the twins from its start: loss, gradients, output.
    WholeStep,
    /// Every number that stays after the step is finite.
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

/// One comparison and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was compared.
    pub check: Check,
    /// In which program.
    pub mode: Mode,
    /// Which step, from 1; 0 where no step ran on the device.
    pub step: usize,
    /// Images in its batch.
    pub rows: u32,
    /// Which dispatch of the step, from 1; 0 where it is about no single one.
    pub dispatch: usize,
    /// The layer, the tensor, or what it does.
    pub label: String,
    /// `operation/variant`; empty where it is about no single kernel.
    pub kernel: String,
    /// The largest error as a share of what is allowed.
    pub share: f64,
    /// Sampled elements at which the loss has a kink, so that no difference quotient tells anything.
    pub kinks: usize,
    /// What differs, if anything does.
    pub difference: Option<Difference>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// In words: what happened.
    pub what: String,
    /// Which buffer or tensor.
    pub buffer: String,
    /// The worst element, in the flat buffer.
    pub index: usize,
    /// Its place in the tensor; empty where the shape is not known.
    pub place: Vec<usize>,
    /// What it is.
    pub got: f64,
    /// What it should be.
    pub expected: f64,
    /// How far it may be off.
    pub allowed: f64,
    /// What to try next.
    pub hint: String,
}

impl Difference {
    /// A difference found by the one comparison.
    pub(super) fn from_mismatch(mismatch: Mismatch, hint: String) -> Self {
        let what = mismatch.to_string();
        let Mismatch { buffer, index, place, got, expected, allowed, .. } = mismatch;
        Self { what, buffer, index, place, got, expected, allowed, hint }
    }
}

impl Finding {
    /// A finding about `label` that is well so far.
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

    /// Notes an error that is allowed to be `allowed`; NaN counts as too large.
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
    /// Whether anything was compared, and nothing differs.
    pub fn is_fine(&self) -> bool {
        !self.findings.is_empty() && self.first().is_none()
    }

    /// The first finding that differs: later ones may only follow from it.
    pub fn first(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.difference.is_some())
    }

    /// How many findings differ.
    pub fn different(&self) -> usize {
        self.findings.iter().filter(|finding| finding.difference.is_some()).count()
    }
}
