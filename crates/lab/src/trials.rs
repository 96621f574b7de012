//! Inputs of the lab's proofs, and the selection of those that a variant supports.

use crate::request::Request;
use std::collections::BTreeSet;
use wgrad::{
    Result,
    gpu::Context,
    op::{Call, Shader, Variant},
    prove::{Regime, Trial, proofs},
};

/// Trials at the cases of the operation: all with small inputs, and some with those of every other regime. A variant
/// that supports few sizes gets the other regimes at a case that it supports.
pub(super) fn at_the_cases(context: &Context, request: &Request, reference: &Shader) -> Result<Vec<Trial>> {
    let Request { call, variants, cases, seed, .. } = request;
    let mut drawn = BTreeSet::new();
    let mut trials = Vec::new();
    let mut add = |(n, case, regime): (usize, Call, Regime)| {
        if drawn.insert((n, regime)) {
            trials.push(Trial::of(regime, &case, reference, seed + 1 + n as u64));
        }
    };
    proofs(call, call.op.cases(), reference, cases.is_some(), |_| Ok(true))?
        .into_iter()
        .filter(|(_, _, regime)| *regime == Regime::Small)
        .for_each(&mut add);
    for variant in variants {
        // Settings that do not compose are reported elsewhere.
        let takes = |case: &Call| Ok(case.obstacle(context, variant).is_ok_and(|reason| reason.is_none()));
        proofs(call, call.op.cases(), reference, cases.is_some(), takes)?.into_iter().for_each(&mut add);
    }
    Ok(trials)
}

/// Trials at the cases of `variant` itself: small inputs at each of them. If it supports no case of the operation, the
/// inputs of every other regime are added.
pub(super) fn at_its_own(
    context: &Context,
    request: &Request,
    variant: &Variant,
    reference: &Shader,
) -> Result<Vec<Trial>> {
    let (call, own) = (&request.call, variant.cases());
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let takes = |case: &Call| Ok(case.obstacle(context, variant)?.is_none());
    let none = proofs(call, call.op.cases(), reference, true, takes)?.is_empty();
    let wanted = proofs(call, &own, reference, false, takes)?;
    let wanted = wanted.into_iter().filter(|(_, _, regime)| none || *regime == Regime::Small);
    let seed = request.seed + 1 + call.op.cases().len() as u64;
    Ok(wanted.map(|(n, case, regime)| Trial::of(regime, &case, reference, seed + n as u64)).collect())
}

/// Returns the indices of the `trials` that `variant` supports and that its proof runs. With small inputs these are the
/// first and at most `most` of the others: the smallest, then the largest ones.
pub(super) fn chosen(
    context: &Context,
    variant: &Variant,
    trials: &[Trial],
    most: Option<usize>,
) -> Result<Vec<usize>> {
    let mut taken = Vec::new();
    for (n, trial) in trials.iter().enumerate() {
        if trial.call.obstacle(context, variant)?.is_none() {
            taken.push(n);
        }
    }
    let (mut taken, regimes): (Vec<usize>, Vec<usize>) =
        taken.into_iter().partition(|n| trials[*n].regime == Regime::Small);
    if let Some(most) = most.filter(|most| *most + 1 < taken.len()) {
        let mut others = taken.split_off(1);
        others.sort_by(|a, b| trials[*a].call.flops().total_cmp(&trials[*b].call.flops()));
        let largest = others.split_off(others.len() - most.saturating_sub(1));
        taken.extend(others.into_iter().take(most.min(1)).chain(largest));
    }
    taken.extend(regimes);
    Ok(taken)
}
