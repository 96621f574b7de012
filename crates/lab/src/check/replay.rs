//! Replay of one step of a plan on the device, dispatch by dispatch. The inputs of each dispatch are read back first,
//! so that its twin gets the same inputs and errors do not accumulate. A shadow of everything written so far reveals a
//! buffer that was shared too early or overwritten by another dispatch.

use super::{Check, Difference, Finding};
use std::collections::{BTreeMap, HashMap};
use wgrad::{
    Result,
    compare::{compare, place_in, words_of},
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers},
    op::{Access, Element, rounded, sizes::shape, twin::Data},
    plan::{Plan, Planned},
    program::{Home, Program, ValueId, interpreter::expect},
    prove::POISON,
};

/// Location of a value if no buffers were shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Space {
    Temporary(ValueId),
    Parameters,
    Gradients,
    Slot(usize),
    Averages,
    Totals,
    Results,
    HeadResults(usize),
    Zeros,
    Constant(usize),
}

/// Contents of every value when it was last written or read.
#[derive(Clone, Debug, Default)]
pub struct Shadow(HashMap<Space, Vec<Option<u32>>>);

fn place(program: &Program, id: ValueId) -> (Space, usize) {
    match program.values[id.0].home {
        Home::Temporary => (Space::Temporary(id), 0),
        Home::Parameter(p) => (Space::Parameters, program.parameters[p.0].offset),
        Home::Gradient(p) => (Space::Gradients, program.parameters[p.0].offset),
        Home::Parameters => (Space::Parameters, 0),
        Home::Gradients => (Space::Gradients, 0),
        Home::Slot(n) => (Space::Slot(n), 0),
        Home::Averages => (Space::Averages, 0),
        Home::Totals => (Space::Totals, 0),
        Home::Results => (Space::Results, 0),
        Home::HeadResults(n) => (Space::HeadResults(n), 0),
        Home::Zeros => (Space::Zeros, 0),
        Home::Constant(n) => (Space::Constant(n), 0),
    }
}

impl Shadow {
    /// Forgets the intermediate values: a new step writes them again.
    fn forget_temporaries(&mut self) {
        self.0.retain(|space, _| !matches!(space, Space::Temporary(_)));
    }

    /// Returns the first element of value `id` that has changed, and its previous word.
    fn changed(&self, program: &Program, id: ValueId, words: &[u32]) -> Option<(usize, u32)> {
        let (space, start) = place(program, id);
        let known = self.0.get(&space)?.iter().skip(start);
        let pairs = known.zip(words).enumerate();
        pairs.filter_map(|(at, (known, now))| known.filter(|k| k != now).map(|k| (at, k))).next()
    }

    fn note(&mut self, program: &Program, id: ValueId, words: &[u32]) {
        let (space, start) = place(program, id);
        let known = self.0.entry(space).or_default();
        known.resize(known.len().max(start + words.len()), None);
        for (to, word) in known[start..].iter_mut().zip(words) {
            *to = Some(*word);
        }
    }
}

/// Converts a word to the number that it represents.
fn number(element: Element, word: u32) -> f64 {
    match element {
        Element::F32 => f64::from(f32::from_bits(word)),
        Element::U32 => f64::from(word),
        Element::I32 => f64::from(word as i32),
    }
}

/// Returns the suggestion for a kernel that differs from its twin.
fn hint(step: &Planned) -> String {
    match step.launch.kernel().name.split_once('/') {
        Some((op, "naive")) => {
            format!("{op}'s simplest variant differs: try `.checked`, another `.adapter` or a newer driver")
        }
        Some((op, _)) => format!("try `.variants = {op}=naive`"),
        None => String::new(),
    }
}

/// Runs step `index` of the chunk in `feed` dispatch by dispatch; returns one finding for each. `reported` is the batch and
/// the step that were uploaded to the device.
///
/// # Errors
/// [`wgrad::Error::Device`] if the device fails.
pub async fn replay(
    plan: &Plan,
    context: &Context,
    feed: &FeedBuffers,
    index: usize,
    reported: (&Batch, Step),
    shadow: &mut Shadow,
) -> Result<Vec<Finding>> {
    shadow.forget_temporaries();
    let mut findings = Vec::with_capacity(plan.steps.len());
    for (n, step) in plan.steps.iter().enumerate() {
        let mut finding = dispatch(plan, n, context, feed, index, reported, shadow).await?;
        finding.dispatch = n + 1;
        finding.kernel.clone_from(&step.launch.kernel().name);
        findings.push(finding);
    }
    Ok(findings)
}

async fn dispatch(
    plan: &Plan,
    n: usize,
    context: &Context,
    feed: &FeedBuffers,
    index: usize,
    (batch, numbers): (&Batch, Step),
    shadow: &mut Shadow,
) -> Result<Finding> {
    let (step, program) = (&plan.steps[n], &plan.program);
    let mut finding = Finding::new(Check::Dispatch, &step.label);
    let (bindings, sizes) = (&step.launch.kernel().shader.bindings, &step.launch.kernel().values);
    let bound: Vec<_> = bindings
        .iter()
        .filter_map(|b| Some((b, step.buffers.iter().find(|(name, _)| *name == b.name)?.1)))
        .collect();
    let slices: Vec<_> = bound.iter().map(|(_, value)| &plan.slices[value.0]).collect();
    let before = context.read_words(&slices).await?;
    for ((binding, value), words) in bound.iter().zip(&before) {
        let changed = shadow.changed(program, *value, words);
        let Some((at, was)) = changed.filter(|_| binding.access != Access::Write) else { continue };
        let place = place_in(at, &plan.value(*value).shape);
        finding.difference.get_or_insert(Difference {
            what: format!(
                "`{}`[{}] has changed since it was written, before this dispatch reads it",
                plan.value(*value).name,
                words_of(at, &place)
            ),
            buffer: binding.name.clone(),
            index: at,
            place,
            got: number(binding.element, words[at]),
            expected: number(binding.element, was),
            allowed: 0.0,
            hint: "an earlier dispatch wrote past its output, or two values share a buffer too early".into(),
        });
    }
    // Poison: an element that the kernel leaves out stays NaN.
    for (binding, value) in bound.iter().filter(|(b, _)| b.access == Access::Write) {
        let slice = &plan.slices[value.0];
        debug_assert_eq!(binding.access, Access::Write);
        context.write(slice, &vec![POISON; slice.len]);
    }
    context.submit_with(|pass| {
        feed.select(pass, index);
        step.launch.record(pass);
    });
    let after = context.read_words(&slices).await?;

    let inputs: Vec<Data> = bound.iter().zip(&before).map(|((b, _), words)| b.element.data(words)).collect();
    let readable = bound.iter().zip(&inputs).filter(|((b, _), _)| b.access != Access::Write);
    // Inputs rounded as the kernel rounds them, if it does.
    let halved: Vec<(&str, Data)> = {
        let rounds = rounded(&step.launch.kernel().shader.text);
        let named = readable.clone().filter(|((b, _), _)| rounds.contains(&b.name.as_str()));
        named.map(|((b, _), data)| (b.name.as_str(), data.halved())).collect()
    };
    let mut buffers: BTreeMap<&str, &Data> = readable.map(|((b, _), data)| (b.name.as_str(), data)).collect();
    buffers.extend(halved.iter().map(|(name, data)| (*name, data)));
    let expected = expect(&program.nodes[n], buffers, batch, numbers);
    for (((binding, value), before), after) in bound.iter().zip(&before).zip(&after) {
        shadow.note(program, *value, after);
        if binding.access == Access::Read {
            let Some(at) = before.iter().zip(after).position(|(b, a)| b != a) else { continue };
            let place = place_in(at, &shape(binding, sizes));
            let words = words_of(at, &place);
            finding.difference.get_or_insert(Difference {
                what: format!("it changed `{}`[{words}], which it may only read", binding.name),
                buffer: binding.name.clone(),
                index: at,
                place,
                got: number(binding.element, after[at]),
                expected: number(binding.element, before[at]),
                allowed: 0.0,
                hint: hint(step),
            });
            continue;
        }
        let nothing = wgrad::op::twin::Expected::Real(Vec::new());
        let twin = expected.iter().find(|(name, _)| *name == binding.name).map_or(&nothing, |(_, e)| e);
        match compare(&binding.name, &binding.element.data(after), twin) {
            Ok(share) => finding.share = finding.share.max(share),
            Err(mismatch) => {
                let error =
                    (mismatch.got - mismatch.expected).abs() / mismatch.allowed.max(f64::MIN_POSITIVE);
                finding.share = if error.is_nan() { f64::INFINITY } else { finding.share.max(error) };
                let mismatch = mismatch.within(&shape(binding, sizes));
                finding.difference.get_or_insert(Difference::from_mismatch(mismatch, hint(step)));
            }
        }
    }
    Ok(finding)
}
