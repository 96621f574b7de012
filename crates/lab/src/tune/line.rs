//! Results of tuning as rows of JSON.

use super::{Gain, Outcome, State};
use serde::Serialize;
use wgrad::{gpu::AdapterRecord, op::sizes};

/// An outcome as a line of JSON. Values that were not measured are null.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// The operation.
    pub op: &'a str,
    /// Sizes, in words.
    pub sizes: String,
    /// The activation composed in; `linear` if there is none.
    pub activation: &'a str,
    /// `known`, `decided` or `left out`.
    pub state: &'a str,
    /// Reason why it was left out.
    pub reason: Option<&'a str>,
    /// The default variant on this adapter.
    pub default: &'a str,
    /// The variant to run from now on.
    pub chosen: Option<&'a str>,
    /// Gain over the default.
    pub gain: Option<Gain>,
    /// Share of the time of all kernels in a training step, with the defaults.
    pub share: Option<f64>,
    /// Variants that differ from their twin or do not end.
    pub wrong: Vec<Wrong<'a>>,
    /// The adapter.
    pub adapter: &'a AdapterRecord,
    /// wgrad's version.
    pub version: &'static str,
}

/// A variant that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Wrong<'a> {
    /// Its name.
    pub variant: &'a str,
    /// What is wrong.
    pub reason: &'a str,
}

impl<'a> Line<'a> {
    /// The line of `outcome`.
    pub fn new(outcome: &'a Outcome, adapter: &'a AdapterRecord) -> Self {
        let (state, reason, decision) = match &outcome.state {
            State::Known(_) => ("known", None, None),
            State::Decided(decision) => ("decided", None, Some(decision)),
            State::LeftOut(reason) => ("left out", Some(reason.as_str()), None),
        };
        let wrong = decision.iter().flat_map(|decision| &decision.wrong);
        Self {
            op: outcome.call.op.name,
            sizes: sizes::words(&outcome.call),
            activation: outcome.call.activation.name,
            state,
            reason,
            default: &outcome.default,
            chosen: outcome.chosen(),
            gain: decision.and_then(|decision| decision.gain),
            share: outcome.share,
            wrong: wrong.map(|(variant, reason)| Wrong { variant, reason }).collect(),
            adapter,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
