//! Self-test of a device: before the first step of a plan each of its kernels is proven against its twin, at the plan's
//! own sizes if the twin is cheap there, else at smaller ones.
//!
//! Verdicts are kept for the adapter, its driver, wgpu and the text of the shaders, so that the next start costs
//! nothing. A wrong kernel is replaced by another variant; if there is none, the plan is refused. The self-test does
//! not prove everything: `wgrad_lab::check` tests more.

mod place;
mod remembered;
mod rounds;
#[cfg(test)]
mod tests;

use crate::{
    Error, Result,
    feed::split_mix,
    gpu::{
        Context, Place, Preparing, Proofs,
        trust::{key, name},
    },
    op::{AdapterClass, Call, Variant, sizes, user_file::is_file},
    program::Program,
    prove::{Trial, Verdict, Wrong, chosen, smaller},
    selection::Choices,
};
pub use remembered::Remembered;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// Negligible work of a twin at the plan's own sizes: some hundredths of a second.
const LITTLE: f64 = 2e7;
/// Negligible work on a software adapter, where compiling the kernel for other sizes takes longer.
const LITTLE_BESIDE_COMPILING: f64 = 4e8;
/// Maximum number of elements at the plan's own sizes; each takes some 50 bytes meanwhile.
const ELEMENTS: f64 = 4e6;
/// Negligible work at a case of the registry, which only stands in for the plan's sizes.
const LEAST: f64 = 4e6;
/// Cost of an element relative to a product: it is drawn, copied to the device and back, and compared.
const ELEMENT: f64 = 20.0;
/// Words of the buffer that is written and read back before anything is proven.
const WORDS: usize = 1024;

impl Context {
    /// Makes plans prove every kernel before its first use, unless `proofs` have a verdict. With `None`, the device is
    /// trusted, which is the initial state of a context.
    pub fn prove_first(&self, proofs: Option<Arc<dyn Proofs>>) {
        self.trust.keep_in(proofs);
    }
}

/// Cost of a proof of a call, and its number of elements.
fn cost(call: &Call) -> Result<(f64, f64)> {
    let elements = smaller::work(call)? - call.flops() / 2.0;
    Ok((call.flops() / 2.0 + ELEMENT * elements, elements))
}

/// The sizes at which `variant` is proven for `call`: its own, if the twin is cheap; else those of the operation's
/// largest cheap case that it supports; else a smaller batch.
fn at(context: &Context, call: &Call, variant: &Variant) -> Result<Call> {
    let little = if context.class == AdapterClass::Cpu { LITTLE_BESIDE_COMPILING } else { LITTLE };
    let (work, elements) = cost(call)?;
    if work <= little && elements <= ELEMENTS {
        return Ok(call.clone());
    }
    let mut largest: Option<(f64, Call)> = None;
    for case in call.op.cases_with(variant) {
        let case = sizes::case(call.op, case)?.activated(call.activation);
        let (cost, _) = cost(&case)?;
        let fits = cost <= LEAST && largest.as_ref().is_none_or(|(most, _)| cost > *most);
        if fits && case.obstacle(context, variant)?.is_none() {
            largest = Some((cost, case));
        }
    }
    match largest {
        Some((_, case)) => Ok(case),
        None => {
            let small = smaller::batch(call, std::slice::from_ref(variant), context.features)?;
            Ok(small.unwrap_or_else(|| call.clone()))
        }
    }
}

/// Fault of a variant.
enum Fault {
    Computes(Wrong),
    /// The driver rejects it.
    Refused(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computes(wrong) => wrong.fmt(f),
            Self::Refused(message) => write!(f, "the driver rejects it: {}", message.trim_end()),
        }
    }
}

async fn prove(context: &Context, call: &Call, variant: &Variant) -> Result<std::result::Result<(), Fault>> {
    let trial = Trial::new(call, &call.op.shader(variant, call.activation)?, 1);
    let verdict: Result<Verdict> = trial.prove(context, variant).await;
    match verdict {
        Ok(Ok(_)) => Ok(Ok(())),
        Ok(Err(wrong)) => Ok(Err(Fault::Computes(wrong))),
        // The text is wgrad's own, and correct elsewhere.
        Err(Error::Shader { message, .. }) if !is_file(variant.name()) => Ok(Err(Fault::Refused(message))),
        Err(error) => Err(error),
    }
}

/// Checks that data written to the device comes back: some devices do nothing at all, and report success.
///
/// # Errors
/// [`Error::Untrusted`] if it does not.
async fn keeps(context: &Context) -> Result<()> {
    let slice = context.zeros("self-test", WORDS)?;
    let words: Vec<u32> = (0..WORDS as u64).map(|at| split_mix(at) as u32).collect();
    context.write(&slice, &words);
    let back = context.read_words(&[&slice]).await?;
    if back.first() == Some(&words) {
        return Ok(());
    }
    context.tell(Preparing::Ready);
    let message =
        "does not come back as it was written: the device does nothing, or the wrong thing".to_string();
    Err(Error::Untrusted { adapter: context.describe(), kernel: "a buffer".into(), message })
}

/// Proves the kernels of `program` that have no verdict, and marks those that are wrong, so that other variants run.
/// Returns notes for the user.
///
/// # Errors
/// [`Error::Untrusted`] if no variant of an operation is correct; [`Error::Variant`] if a user's own is wrong;
/// anything that prevents a kernel from running.
pub(crate) async fn check(context: &Context, program: &Program, choices: &Choices) -> Result<Vec<String>> {
    let Some(proofs) = context.trust.proofs() else { return Ok(Vec::new()) };
    let place = Place::of(context);
    let mut notes = Vec::new();
    let tell = |notes: &mut Vec<String>, note: String| {
        context.tell(Preparing::Note(&note));
        notes.push(note);
    };
    if !std::mem::replace(&mut context.trust.known().read, true) {
        match proofs.read(&place) {
            Ok(proven) => context.trust.known().proven.extend(proven),
            Err(note) => tell(&mut notes, note),
        }
    }
    let calls: BTreeMap<String, &Call> =
        program.nodes.iter().map(|node| (node.call.key(), &node.call)).collect();
    let mut unknown = Vec::new();
    let mut long = Vec::new();
    for call in calls.into_values() {
        if rounds::is_long(call)? {
            long.push(call);
        }
        let (variant, _) = call.variant(context, choices)?;
        if !context.trust.knows(call, &variant)? {
            unknown.push((cost(call)?.0, call, variant));
        }
    }
    // A kernel is proven once, at the call where that costs least.
    unknown.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let (of, mut new) = (unknown.len(), false);
    if of > 0 {
        keeps(context).await?;
    }
    #[cfg(not(target_family = "wasm"))]
    let _ahead = {
        let mut known = BTreeSet::new();
        let first = unknown.iter().filter(|(_, call, variant)| known.insert(name(call, variant)));
        let first = first.map(|(_, call, variant)| Ok((at(context, call, variant)?, variant.clone())));
        context.compile_ahead(first.collect::<Result<_>>()?)
    };
    for (nth, (_, call, _)) in unknown.into_iter().enumerate() {
        let mut wrongs: Vec<(String, String)> = Vec::new();
        let runs = loop {
            let variant = match (call.variant(context, choices), wrongs.pop()) {
                (Ok((variant, _)), last) => {
                    wrongs.extend(last);
                    variant
                }
                (Err(Error::Variant { .. }), Some((kernel, message))) => {
                    context.tell(Preparing::Ready);
                    let message = format!("{message}; and no other variant of it is correct");
                    return Err(Error::Untrusted { adapter: context.describe(), kernel, message });
                }
                (Err(error), _) => return Err(error),
            };
            let name = name(call, &variant);
            if context.trust.knows(call, &variant)? {
                break name;
            }
            let key = key(call, &variant)?;
            context.tell(Preparing::Proving { kernel: &name, nth: nth + 1, of });
            let small = at(context, call, &variant)?;
            let Err(fault) = prove(context, &small, &variant).await? else {
                context.trust.known().proven.insert(key);
                context.trust.known().met.insert(name.clone());
                new = true;
                break name;
            };
            let mut wrong = format!("at {}: {fault}", sizes::words(&small));
            if rounds::is_long(&small)? && rounds::ends_loops(context).await? {
                wrong = format!("{wrong}; {}", rounds::ADVICE);
            }
            // A variant that the user chose is not replaced silently.
            let is_this = |chosen: &String| {
                choices.find(call.op, chosen).is_ok_and(|chosen| chosen.name() == variant.name())
            };
            if choices.by_hand.get(call.op.name).is_some_and(is_this) {
                context.tell(Preparing::Ready);
                return Err(chosen::wrong(&small, &variant, &wrong));
            }
            context.trust.known().wrong.insert(name.clone(), wrong.clone());
            wrongs.push((name, wrong));
        };
        for (kernel, wrong) in wrongs {
            let adapter = context.describe();
            tell(&mut notes, format!("{adapter} computes wrongly: {kernel} {wrong}; {runs} runs instead"));
        }
    }
    for (nth, call) in long.iter().enumerate() {
        let (variant, _) = call.variant(context, choices)?;
        context.tell(Preparing::Proving { kernel: &name(call, &variant), nth: nth + 1, of: long.len() });
        new |= rounds::prove_long(context, call, &variant, &key(call, &variant)?).await?;
    }
    context.tell(Preparing::Ready);
    // No verdict about a faulty device is stored: the next start tests it again.
    let known = context.trust.known();
    if new && known.wrong.is_empty() {
        let stored = proofs.store(&place, &known.proven);
        drop(known);
        if let Err(error) = stored {
            tell(&mut notes, format!("the kernels are proven, but that is not saved: {error}"));
        }
    }
    Ok(notes)
}
