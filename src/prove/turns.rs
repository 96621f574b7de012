//! Assignment of input regimes to the cases of an operation, so that a variant meets every regime and its proof takes
//! not much longer.

use super::Regime;
use crate::{
    Result,
    op::{
        Call, Marks, Op, Shader,
        sizes::{case, lengths},
    },
};

/// The regimes that the operation of `shader`, any variant of `op`, accepts; a proof draws inputs of each.
pub fn regimes(op: &Op, shader: &Shader) -> Vec<Regime> {
    let marks = Marks::of(op.interface);
    let feed = marks.images.is_some_and(|images| images.floats.is_some());
    Regime::of(&shader.bindings, feed, op.has_reference())
}

/// Approximate work of a twin of `call`: products and elements. `shader` is any variant of the operation.
pub fn work(call: &Call, shader: &Shader) -> f64 {
    call.flops() / 2.0 + lengths(shader, &call.sizes).iter().sum::<usize>() as f64
}

/// The proofs of a variant for `call`, at those of `cases` that `takes` accepts: small inputs at each, and every other
/// regime at one of them (with `one`: at the cheapest). The number is the index of the case. The cases are those of the
/// operation ([`Op::cases`]), and those that a variant adds ([`Op::cases_with`]).
///
/// # Errors
/// [`crate::Error::Option`] for a case that is no list of sizes.
pub fn proofs(
    call: &Call,
    cases: &[&str],
    shader: &Shader,
    one: bool,
    mut takes: impl FnMut(&Call) -> Result<bool>,
) -> Result<Vec<(usize, Call, Regime)>> {
    let mut taken = Vec::new();
    for (n, text) in cases.iter().enumerate() {
        let case = case(call.op, text)?.activated(call.activation);
        if takes(&case)? {
            taken.push((n, case));
        }
    }
    let works: Vec<f64> = taken.iter().map(|(_, case)| work(case, shader)).collect();
    let all = rotation(&works, &regimes(call.op, shader), one);
    let each = taken.into_iter().zip(all);
    Ok(each
        .flat_map(|((n, case), regimes)| regimes.into_iter().map(move |regime| (n, case.clone(), regime)))
        .collect())
}

/// The regimes for each of the cases with the given `work`: the small one at all of them, and each of the others at one
/// of the cheap ones, in turn. With `one`, all of them at the cheapest.
pub fn rotation(work: &[f64], regimes: &[Regime], one: bool) -> Vec<Vec<Regime>> {
    /// Negligible products and elements of a twin.
    const LITTLE: f64 = 3e5;
    /// Work up to which a case tests little: one element each.
    const MOST_TRIVIAL: f64 = 12.0;
    let mut proofs = vec![vec![Regime::Small]; work.len()];
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by(|a, b| work[*a].total_cmp(&work[*b]));
    let says: Vec<usize> =
        order.iter().copied().filter(|n| work[*n] > MOST_TRIVIAL && work[*n] < LITTLE).collect();
    let mut cheap = if says.is_empty() { order.into_iter().take(1).collect() } else { says };
    cheap.truncate(if one { 1 } else { usize::MAX });
    for (turn, regime) in regimes.iter().filter(|regime| **regime != Regime::Small).enumerate() {
        if let Some(case) = cheap.get(turn % cheap.len().max(1)) {
            proofs[*case].push(*regime);
        }
    }
    proofs
}

#[cfg(test)]
mod tests {
    use super::{Regime, rotation};

    #[test]
    fn every_regime_meets_a_case_and_small_inputs_all_of_them() {
        let turns = rotation(&[1e9, 3.0, 100.0, 2e3], &Regime::ALL, false);
        let count = |of: Regime| turns.iter().flatten().filter(|regime| **regime == of).count();
        assert_eq!(count(Regime::Small), 4);
        assert!(Regime::ALL[1..].iter().all(|regime| count(*regime) == 1), "{turns:?}");
        assert_eq!((turns[0].len(), turns[1].len()), (1, 1), "neither the largest nor a trivial one");
        assert_eq!((turns[2].len(), turns[3].len()), (6, 6));
        let one = rotation(&[1e9, 3.0, 100.0, 2e3], &Regime::ALL, true);
        assert_eq!(one.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 11, 1]);
        assert_eq!(rotation(&[1e9], &Regime::ALL, false)[0].len(), 11, "there is no other case");
        assert!(rotation(&[], &Regime::ALL, false).is_empty());
    }
}
