//! Long sums on drivers that end loops by themselves. llvmpipe of Mesa 22 silently ends every kernel's loops after
//! 65,535 rounds in total: sums of more terms come out too small. A proof at small sizes does not detect that, so on
//! such a driver each long sum is proven at its own length.

use super::{Fault, prove};
use crate::{
    Error, Result,
    gpu::{Context, trust::name},
    kernels::SUM_PARTIALS,
    op::{Access, Call, Variant, sizes::lengths},
    prove::smaller,
};

/// Number of terms of a sum that stays below every such limit, including a kernel's other loops.
const SHORT: f64 = 30_000.0;
/// Number of rounds that a driver must support.
const ROUNDS: usize = 70_000;
/// Maximum work of a twin for such a proof: some seconds.
const MOST: f64 = 2e9;

/// The cause of wrong long sums, and the remedy.
pub(super) const ADVICE: &str = "this driver ends loops after about 65,535 rounds (Mesa 22 does); use a newer driver \
                                 (`scripts/setup.sh --backports` on Debian 12), a smaller layer or picture, or another `.adapter`";

/// Terms of a sum of `call`: products for each element that it writes, or elements that it reads.
fn terms(call: &Call) -> Result<f64> {
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    let lengths = lengths(&shader, &call.sizes);
    let of = |read: bool| {
        let wanted = shader.bindings.iter().zip(&lengths).filter(|(b, _)| (b.access == Access::Read) == read);
        wanted.map(|(_, len)| *len).max().unwrap_or(0) as f64
    };
    let (products, read, written) = (call.flops() / 2.0, of(true), of(false).max(1.0));
    Ok((products / written).max(read / written))
}

/// Returns true if a sum of `call` is longer than some drivers support.
pub(super) fn is_long(call: &Call) -> Result<bool> {
    Ok(terms(call)? > SHORT)
}

/// A sum of more terms than such drivers support, with the name under which its proof is stored.
fn probe() -> Result<(String, Call, Variant)> {
    let call = Call::new(&SUM_PARTIALS, &[("SPLITS", ROUNDS), ("TAPS", 1), ("CO", 1)]);
    Ok((format!("loops of {ROUNDS} rounds"), call, SUM_PARTIALS.variant("naive")?.clone()))
}

/// Returns true if this driver ends loops; if it does not, that is added to the verdicts.
pub(super) async fn ends_loops(context: &Context) -> Result<bool> {
    let (kept, call, variant) = probe()?;
    if context.trust.known().proven.contains(&kept) {
        return Ok(false);
    }
    if let Some(ends) = context.trust.known().ends_loops {
        return Ok(ends);
    }
    let ends = prove(context, &call, &variant).await?.is_err();
    let mut known = context.trust.known();
    known.ends_loops = Some(ends);
    if !ends {
        known.proven.insert(kept);
    }
    Ok(ends)
}

/// Proves `variant` at the length of the sums of `call`, if this driver ends loops. Returns true if that was necessary.
///
/// # Errors
/// [`Error::Untrusted`] if it is wrong, or too large to be proven.
pub(super) async fn prove_long(
    context: &Context,
    call: &Call,
    variant: &Variant,
    kept: &str,
) -> Result<bool> {
    if !is_long(call)? || !ends_loops(context).await? {
        return Ok(false);
    }
    let kept = format!("{kept} at {}", call.key());
    if context.trust.known().proven.contains(&kept) {
        return Ok(false);
    }
    let fewer = smaller::batch(call, std::slice::from_ref(variant), context.features)?;
    let long = terms(call)?;
    // If the sum runs over the batch, fewer images make it shorter.
    let thin = match fewer {
        Some(fewer) if terms(&fewer)? >= long => fewer,
        _ => call.clone(),
    };
    let fail = |how: String| Error::Untrusted {
        adapter: context.describe(),
        kernel: name(call, variant),
        message: format!("{how}: its sums have {long:.0} terms, and {ADVICE}"),
    };
    if smaller::work(&thin)? > MOST {
        return Err(fail("is too large to be proven here".into()));
    }
    match prove(context, &thin, variant).await? {
        Ok(()) => {
            context.trust.known().proven.insert(kept);
            Ok(true)
        }
        Err(Fault::Computes(wrong)) => Err(fail(format!("computes wrongly: {wrong}"))),
        Err(fault @ Fault::Refused(_)) => Err(fail(fault.to_string())),
    }
}
