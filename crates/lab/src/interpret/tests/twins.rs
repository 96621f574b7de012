//! wgrad's own reference kernels beside their twins, which a person wrote: values agree, and so do the bounds.

use crate::{
    backends::resolve,
    interpret::{Buffers, Element as Word, Kernel, Limits, run},
};
use std::collections::BTreeMap;
use wgrad::{
    feed::{Batch, Step, split_mix},
    kernels::OPERATIONS,
    op::{
        Access, Activation, At, Binding, Call, Element, Marks, Role, Variant,
        activations::{GELU, LINEAR, RELU, SIGMOID, TANH},
        sizes::{case, lengths},
        twin::{Data, Expected, Inputs},
    },
    prove,
};

/// A number in [-1, 1) with the digits of an f32, one in four a multiple of a half.
fn unit(v: u64) -> f64 {
    match v % 4 {
        0 => ((v >> 40) % 5) as f64 / 2.0 - 1.0,
        _ => f64::from((v >> 40) as f32 / (1u32 << 23) as f32 - 1.0),
    }
}

/// A number that a buffer of this role may hold.
fn drawn(call: &Call, role: &Role, at: usize, v: u64) -> f64 {
    let size = |name: &String| call.sizes.get(name).copied().unwrap_or(0.0);
    let number = match role {
        Role::Positive | Role::Share => unit(v).abs(),
        Role::Activated | Role::Again if call.activation.at == At::Output => {
            (call.activation.value)(2.0 * unit(v))
        }
        Role::Layers { size: of, roles } => {
            drawn(call, &roles[at / (size(of) as usize).max(1) % roles.len()], at, v)
        }
        Role::Above { bound, size: which, values } if values.iter().any(|v| f64::from(*v) == size(which)) => {
            unit(v).abs().max(size(bound).abs().max(1.0) / 16.0) - size(bound)
        }
        _ => unit(v),
    };
    f64::from(number as f32)
}

fn inputs(call: &Call, bindings: &[Binding], lengths: &[usize], seed: u64) -> BTreeMap<String, Data> {
    let mut state = seed << 32;
    let mut next = move || {
        state += 1;
        split_mix(state)
    };
    let mut data = BTreeMap::new();
    for (binding, len) in bindings.iter().zip(lengths) {
        let content = match binding.element {
            Element::U32 => {
                let most =
                    binding.below.as_ref().and_then(|below| below.value(&call.sizes)).unwrap_or(1).max(1);
                Data::Index((0..*len).map(|_| (next() % most as u64) as u32).collect())
            }
            Element::I32 => panic!("{}: no operation of wgrad's own has signed integers", binding.name),
            Element::F32 => Data::Real((0..*len).map(|at| drawn(call, &binding.role, at, next())).collect()),
        };
        data.insert(binding.name.clone(), content);
    }
    data
}

fn feed(call: &Call, seed: u64) -> (Batch, Step) {
    let marks = Marks::of(call.op.interface);
    let (rows, bytes) = (marks.rows(&call.sizes), marks.image_bytes(&call.sizes));
    let first = 2;
    let floats = marks.images.as_ref().is_some_and(|images| images.are_floats(&call.sizes));
    let byte = |at: usize| match floats {
        true => (unit(split_mix(seed ^ (at / 4) as u64)) as f32).to_le_bytes()[at % 4],
        false => split_mix(seed ^ at as u64) as u8,
    };
    let classes = marks.labels.as_ref().and_then(|labels| labels.size.value(&call.sizes)).unwrap_or(1).max(1);
    let real = marks.labels.as_ref().is_some_and(|labels| labels.are_floats(&call.sizes));
    let whole = marks.labels.as_ref().is_some_and(|labels| labels.whole);
    let label = |at: usize| match (split_mix(seed + at as u64), real) {
        (v, true) if whole => ((v % classes as u64) as f32).to_bits(),
        (v, true) => (4.0 * unit(v) as f32).to_bits(),
        (v, false) => (v % classes as u64) as u32,
    };
    let batch = Batch {
        images: (0..(first + rows) * bytes).map(byte).collect(),
        labels: (0..(first + rows) * marks.labels_each(&call.sizes)).map(label).collect(),
    };
    let step = Step {
        first: first as u32,
        rows: rows.saturating_sub(rows / 5).max(1) as u32,
        learning_rate: 0.05,
        correction: 0.75,
        momentum_shift: -0.0625,
        average: 0.0625,
        mixed: 0.3,
        share: 0.375,
        part: (seed & 1) as u32,
        before: 3 * (seed & 1) as u32,
        images: rows as u32,
        ..Step::default()
    };
    (batch, step.keyed(seed, 7))
}

/// The words of a binding.
fn words(data: &Data) -> Vec<u32> {
    match data {
        Data::Real(values) => values.iter().map(|v| (*v as f32).to_bits()).collect(),
        Data::Index(words) => words.clone(),
    }
}

/// The largest share of the twin's bound that values differ by, and the largest and least quotients of both bounds; or
/// why the kernel is refused.
fn beside(call: &Call, variant: &Variant, seed: u64) -> Result<[f64; 3], String> {
    let shader = call.op.shader(variant, call.activation).expect("composes");
    let resolved = resolve("naive", variant, &shader, &call.sizes).unwrap_or_else(|e| panic!("{e}"));
    let lengths = lengths(&shader, &call.sizes);
    let host = inputs(call, &shader.bindings, &lengths, seed);
    let (batch, step) = feed(call, seed);
    let twin = call.op.twin(&Inputs {
        sizes: &call.sizes,
        buffers: host.iter().map(|(name, data)| (name.as_str(), data)).collect(),
        activation: call.activation,
        step,
        batch: &batch,
    });
    let mut buffers: Buffers = BTreeMap::new();
    for binding in &shader.bindings {
        let content = match binding.access {
            Access::Write => vec![prove::POISON; host[&binding.name].len()],
            _ => words(&host[&binding.name]),
        };
        buffers.insert((0, binding.index), content);
    }
    let bytes = batch.images.chunks(4);
    let images = bytes.map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    buffers.insert((1, 0), bytemuck::cast_slice(&[step]).to_vec());
    buffers.insert((2, 0), images.collect());
    buffers.insert((2, 1), batch.labels.clone());
    let groups = shader.groups(&shader.values(&call.sizes), 65_535).expect("a grid");
    let entry = &resolved.module.entry_points[0].name;
    let kernel = Kernel { module: &resolved.module, info: &resolved.info, entry, text: &shader.text };
    let outputs =
        run(&kernel, groups, &buffers, &Limits::default()).map_err(|refusal| refusal.to_string())?;

    let (mut off, mut most, mut least) = (0.0f64, 0.0f64, f64::INFINITY);
    for (name, expected) in twin {
        let binding = shader.bindings.iter().find(|binding| binding.name == name).expect("a buffer");
        let len = lengths[shader.bindings.iter().position(|b| b.name == name).expect("a buffer")];
        let unwritten = || words(&host[name]).into_iter().map(Word::Untouched).collect();
        let got: Vec<Word> = outputs.get(&(0, binding.index)).cloned().unwrap_or_else(unwritten);
        assert_eq!(got.len(), len);
        match expected {
            Expected::Real(sums) => {
                for (at, (got, sum)) in got.into_iter().zip(sums).enumerate() {
                    let (value, allowed) = match got {
                        Word::Real { value, allowed } => (value, allowed),
                        Word::Untouched(bits) | Word::Integer(bits) => (f64::from(f32::from_bits(bits)), 0.0),
                    };
                    let apart = (value - sum.value).abs();
                    assert!(
                        apart <= sum.allowed(),
                        "{call:?} {name}[{at}]: {value} ± {allowed:e}, twin {sum:?}"
                    );
                    // Below it both only say that a number may be flushed.
                    let floor = 1e-36 + 1e-7 * sum.value.abs();
                    off = off.max(apart / (sum.allowed() + floor * 1e-3));
                    most = most.max(allowed / (sum.allowed() + floor));
                    if allowed > 0.0 && sum.allowed() > floor {
                        least = least.min(allowed / sum.allowed());
                    }
                }
            }
            Expected::Index(values) => {
                let got: Vec<u32> = got
                    .iter()
                    .map(|word| match word {
                        Word::Untouched(word) | Word::Integer(word) => *word,
                        Word::Real { .. } => panic!("{name} holds integers"),
                    })
                    .collect();
                assert_eq!(got, values, "{call:?} {name}");
            }
            Expected::Place(places) => {
                for (got, [place, flushed]) in got.iter().zip(places) {
                    let (Word::Untouched(word) | Word::Integer(word)) = got else {
                        panic!("{name} holds integers")
                    };
                    assert!([place, flushed].contains(word), "{call:?} {name}");
                }
            }
        }
    }
    Ok([off, most, least])
}

/// The cases of the page that take little time.
fn small(op: &'static wgrad::op::Op, activation: &'static Activation) -> Vec<Call> {
    let naive = op.variant("naive").expect("every operation has one");
    let shader = op.shader(naive, activation).expect("composes");
    let calls = op.cases().iter().map(|text| case(op, text).expect("a case").activated(activation));
    calls.filter(|call| prove::work(call, &shader) < 20_000.0).collect()
}

/// Operations whose reference decides by a number that rounding may turn, at some sizes: `augment` takes the integer of a
/// root, and corrects it; `random_affine_grad` looks farther than it must for the rows near a pixel.
const REFUSED: &[(&str, &str)] = &[
    ("augment", "by a number that rounding may turn: the integer of"),
    ("random_affine_grad", "by a number that rounding may turn: the integer of"),
];

#[test]
fn references_compute_what_their_twins_say() {
    let (mut tried, mut report) = (0, String::new());
    let mut refusals: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for op in OPERATIONS.iter().copied() {
        let activations: &[&'static Activation] = match op.activated() {
            true => &[&LINEAR, &RELU, &SIGMOID, &TANH, &GELU],
            false => &[&LINEAR],
        };
        let mut all = [0.0f64, 0.0, f64::INFINITY];
        for activation in activations {
            for (n, call) in small(op, activation).into_iter().enumerate() {
                tried += 1;
                let naive = op.variant("naive").expect("every operation has one");
                match beside(&call, naive, 11 + n as u64) {
                    Ok([off, most, least]) => all = [all[0].max(off), all[1].max(most), all[2].min(least)],
                    Err(why) => *refusals.entry(op.name).or_default().entry(why).or_default() += 1,
                }
            }
        }
        let [off, most, least] = all;
        assert!(most <= 100.0, "{}: {most} times the twin's bound", op.name);
        report.push_str(&format!(
            "{:28} off {off:8.1e}, bounds {least:8.2} to {most:8.2} times the twin's\n",
            op.name
        ));
    }
    assert!(tried > 200, "{tried}");
    for (op, why) in &refusals {
        report.push_str(&format!("{op}: {why:?}\n"));
        let known = REFUSED.iter().find(|(name, _)| name == op);
        let Some((_, reason)) = known else { panic!("{op} is refused: {why:?}\n{report}") };
        assert!(why.keys().all(|why| why.contains(reason)), "{op}: {why:?}");
    }
}

#[test]
fn other_variants_compute_the_same_or_are_refused_for_their_subgroups() {
    let (mut tried, mut subgroups) = (0, 0);
    for op in OPERATIONS.iter().copied() {
        for variant in op.variants().iter().filter(|variant| variant.name() != "naive") {
            let takes = |call: &Call| variant.unmet(&call.sizes, wgpu::Features::all()).is_none();
            let calls = small(op, if op.activated() { &SIGMOID } else { &LINEAR });
            for (n, call) in calls.into_iter().filter(takes).enumerate().take(4) {
                match beside(&call, variant, 5 + n as u64) {
                    Ok(_) => tried += 1,
                    Err(why) if why.contains("subgroup") || why.contains("Subgroup") => subgroups += 1,
                    Err(why)
                        if REFUSED.iter().any(|(name, reason)| *name == op.name && why.contains(reason)) => {}
                    Err(why) => panic!("{}/{} at {:?}: {why}", op.name, variant.name(), call.sizes),
                }
            }
        }
    }
    assert!(tried > 50 && subgroups > 5, "{tried}, {subgroups} with subgroups");
}
