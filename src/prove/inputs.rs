//! Contents of the buffers and the feed in a proof: random numbers of a regime that the interface allows.

use super::regime::{self, Draw, Regime};
use crate::{
    feed::{Batch, Step, split_mix},
    op::{Binding, Call, Element, Marks, twin::Data},
};
use std::collections::BTreeMap;

/// Random host buffers for `call`, by name, deterministic from `seed`.
pub(super) fn buffers(
    call: &Call,
    bindings: &[Binding],
    lengths: &[usize],
    seed: u64,
    regime: Regime,
) -> BTreeMap<String, Data> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(1);
        split_mix(state)
    };
    let mut data = BTreeMap::new();
    for (n, (binding, &len)) in bindings.iter().zip(lengths).enumerate() {
        let values = match binding.element {
            Element::U32 | Element::I32 if call.op.has_reference() => {
                let own = split_mix(split_mix(seed) ^ n as u64);
                let below = binding.below.as_ref().and_then(|size| size.value(&call.sizes));
                let range = regime::whole(binding.element, &binding.role, below);
                let whole = (0..len).map(|_| regime.integer(next(), own, range));
                match binding.element {
                    Element::I32 => Data::Real(whole.map(|v| v as f64).collect()),
                    _ => Data::Index(whole.map(|v| v as u32).collect()),
                }
            }
            Element::U32 | Element::I32 => {
                let places =
                    binding.below.as_ref().and_then(|size| size.value(&call.sizes)).unwrap_or(1).max(1);
                Data::Index((0..len).map(|_| (next() % places as u64) as u32).collect())
            }
            Element::F32 => {
                let own = split_mix(split_mix(seed) ^ n as u64);
                let draw = Draw { regime, own, call };
                let role = |at: usize| binding.role.at(at, |size| call.sizes.get(size).copied());
                Data::Real((0..len).map(|at| draw.number(role(at), next())).collect())
            }
        };
        data.insert(binding.name.clone(), values);
    }
    data
}

/// A feed for `call`: a batch that begins at image 3 of the chunk and, if possible, is not full.
pub(super) fn feed(call: &Call, seed: u64, regime: Regime) -> (Batch, Step) {
    let marks = Marks::of(call.op.interface);
    let (rows, pixels) = (marks.rows(&call.sizes), marks.image_bytes(&call.sizes));
    let first = 3;
    let float = |v: u64| regime.number(v, seed) as f32;
    // Random bits of a float would occasionally be NaN.
    let floats = marks.images.as_ref().is_some_and(|images| images.are_floats(&call.sizes));
    let bytes = (0..(first + rows) * pixels).map(|at| match floats {
        true => float(split_mix(seed ^ (at / 4) as u64)).to_le_bytes()[at % 4],
        false => split_mix(seed ^ at as u64) as u8,
    });
    let classes = marks.labels.as_ref().and_then(|labels| labels.size.value(&call.sizes)).unwrap_or(1).max(1);
    let real = marks.labels.as_ref().is_some_and(|labels| labels.are_floats(&call.sizes));
    let whole = marks.labels.as_ref().is_some_and(|labels| labels.whole);
    let labels = (0..(first + rows) * marks.labels_each(&call.sizes)).map(|at| {
        match (split_mix(seed.wrapping_add(at as u64)), real) {
            (v, true) if whole => ((v % classes as u64) as f32).to_bits(),
            (v, true) if regime == Regime::Small => (4.0 * float(v)).to_bits(),
            (v, true) => float(v).to_bits(),
            (v, false) => (v % classes as u64) as u32,
        }
    });
    let batch = Batch { images: bytes.collect(), labels: labels.collect() };
    let slots = marks.slot.as_ref().and_then(|slots| slots.value(&call.sizes)).unwrap_or(1);
    let step = Step {
        first: first as u32,
        rows: rows.saturating_sub(rows / 5).max(1) as u32,
        slot: slots.saturating_sub(1) as u32,
        learning_rate: 0.05,
        correction: 0.75,
        momentum_shift: -0.0625,
        // A weight of 1 replaces the moving average.
        average: if seed.is_multiple_of(3) { 1.0 } else { 0.0625 },
        mixed: 0.3,
        share: 0.375,
        part: (seed & 1) as u32,
        before: 3 * (seed & 1) as u32,
        images: rows as u32,
        ..Step::default()
    };
    (batch, step.keyed(seed, 7))
}
