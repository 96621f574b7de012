//! At what sizes an operation is measured: by default its largest use in training the built-in networks, else
//! the last case of the page; and what a person gives instead, completed and checked.

use crate::{
    Error, Result,
    gpu::Marks,
    networks::{network, small},
    op::{Call, Op, Sizes},
    optim::Optimizer,
    program::Mode,
    prove::{lengths, parse_sizes},
};

/// Images a step, as `wgrad train` has by default.
const BATCH: usize = 128;

/// How much a call moves and computes, to find the largest.
fn weight(call: &Call) -> Result<(f64, usize)> {
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    Ok((call.flops(), lengths(&shader, &call.sizes).iter().sum()))
}

/// The call of `op` that the lab measures by default: the largest in the built-in networks with batch 128 on
/// Fashion-MNIST, in `cnn-bn` if none of the small ones has it; the last case of the page for an operation that
/// none of them uses.
///
/// # Errors
/// Whatever a built-in network reports; none is expected.
pub fn typical(op: &'static Op) -> Result<Call> {
    if let Some(call) = largest(op, small())? {
        return Ok(call);
    }
    match largest(op, std::iter::once("cnn-bn"))? {
        Some(call) => Ok(call),
        None => case(op, op.cases.last().copied().unwrap_or_default()),
    }
}

/// The call of `op` that computes and moves the most in the networks `names`.
fn largest(op: &'static Op, names: impl Iterator<Item = &'static str>) -> Result<Option<Call>> {
    let mut largest: Option<(f64, usize, Call)> = None;
    for name in names {
        let model = network(name, [28, 28, 1], 10)?;
        for mode in [Mode::Train, Mode::Predict] {
            let program = model.program(mode, BATCH, 1, &Optimizer::default())?;
            for call in program.nodes.into_iter().map(|node| node.call).filter(|c| c.op.name == op.name) {
                let (flops, elements) = weight(&call)?;
                if largest.as_ref().is_none_or(|(f, e, _)| (flops, elements) > (*f, *e)) {
                    largest = Some((flops, elements, call));
                }
            }
        }
    }
    Ok(largest.map(|(_, _, call)| call))
}

/// A case of the page as a call, without an activation.
///
/// # Errors
/// [`Error::Option`] for a text that is no list of sizes.
pub fn case(op: &'static Op, text: &str) -> Result<Call> {
    let sizes = parse_sizes(text).ok_or_else(|| Error::Option {
        name: "--size",
        got: text.to_string(),
        expected: "NAME=number,NAME=number, such as M=512,N=512,K=512",
    })?;
    Ok(Call { op, sizes: sizes.into_iter().collect(), activation: &crate::kernels::LINEAR })
}

/// The sizes of a call on one line, in the order in which the interface declares them.
pub fn words(call: &Call) -> String {
    let declared = |name: &str| call.op.interface.find(&format!("override {name}:")).unwrap_or(usize::MAX);
    let mut sizes: Vec<_> = call.sizes.iter().collect();
    sizes.sort_by_key(|(name, _)| declared(name));
    sizes.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

/// What declares the sizes of an operation.
fn texts(op: &Op) -> impl Iterator<Item = &'static str> {
    [op.interface].into_iter().chain(op.parts.iter().copied())
}

/// The names of the sizes of an operation.
fn known(op: &Op) -> Vec<&str> {
    let declared = |line: &'static str| line.trim().strip_prefix("override ")?.split_once(':');
    texts(op).flat_map(str::lines).filter_map(declared).map(|(name, _)| name.trim()).collect()
}

/// `call` with the sizes of `text` in place of its own. The output of a convolution or pool follows its input
/// where it is not given.
///
/// # Errors
/// [`Error::Option`] or [`Error::Unknown`] for sizes that make no sense.
pub fn given(call: &Call, text: &str) -> Result<Call> {
    let wanted = case(call.op, text)?.sizes;
    let names = known(call.op);
    if let Some(unknown) = wanted.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(Error::Unknown { what: "size", got: unknown.clone(), known: names.join(", ") });
    }
    let mut call = call.clone();
    call.sizes.extend(wanted.clone());
    follow(&mut call, &wanted);
    check(&call)?;
    Ok(call)
}

/// Sizes that follow from others, unless they were given.
fn follow(call: &mut Call, wanted: &Sizes) {
    let splits = Marks::of(call.op.interface).splits;
    let sizes = &mut call.sizes;
    let get = |sizes: &Sizes, name: &str| sizes.get(name).copied();
    for (output, input, kernel, pool, stride, before) in
        [("OH", "H", "KH", "PH", "SH", "PT"), ("OW", "W", "KW", "PW", "SW", "PL")]
    {
        let touched = [input, kernel, pool, stride, before].iter().any(|name| wanted.contains_key(*name));
        let window = get(sizes, kernel).or(get(sizes, pool));
        if let (true, false, Some(size), Some(window), Some(stride), Some(padding)) = (
            touched,
            wanted.contains_key(output),
            get(sizes, input),
            window,
            get(sizes, stride),
            get(sizes, before),
        ) {
            let extent = ((size + 2.0 * padding - window) / stride.max(1.0)).floor() + 1.0;
            sizes.insert(output.to_string(), extent.max(0.0));
        }
    }
    if let (Some(all), Some(splits), false) =
        (splits.and_then(|all| all.value(sizes)), get(sizes, "SPLITS"), wanted.contains_key("PER"))
    {
        sizes.insert("PER".into(), (all as f64 / splits.max(1.0)).ceil());
    }
}

/// Refuses sizes that are no sizes: buffers without an element, fractions where something is counted.
fn check(call: &Call) -> Result<()> {
    let fail = |name: &str, value: f64, expected| {
        Err(Error::Option { name: "--size", got: format!("{name}={value}"), expected })
    };
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    let counted = |name: &str| {
        let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name);
        shader
            .bindings
            .iter()
            .flat_map(|b| &b.shape)
            .chain(shader.grid.iter().map(|(_, s)| s))
            .any(|s| word(&s.0))
    };
    for (name, value) in &call.sizes {
        let declaration = format!("override {name}: f32");
        let float = texts(call.op).any(|text| text.contains(&declaration));
        if float && !(*value as f32).is_finite() {
            return fail(name, *value, "a number that fits 32 bits");
        }
        if !float && !(0.0..=f64::from(u32::MAX)).contains(value) {
            return fail(name, *value, "a number from 0 to 4294967295");
        }
        if !float && value.fract() != 0.0 {
            return fail(name, *value, "a whole number");
        }
        let divides = ["SH", "SW", "KH", "KW", "PH", "PW", "SPLITS", "PER"].contains(&name.as_str());
        if *value == 0.0 && (counted(name) || divides) {
            return fail(name, *value, "at least 1");
        }
    }
    Ok(())
}
