//! Textual sizes of a call, as the registry and the command line write them: parsing, completion and checks.

use super::{Access, Binding, Call, Marks, Op, Shader, Sizes, Window, activations::LINEAR};
use crate::{Error, Result};

/// Parses `NAME=value,NAME=value`.
pub fn parse_sizes(text: &str) -> Option<Vec<(String, f64)>> {
    text.split(',')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.trim().to_string(), value.trim().parse().ok()?))
        })
        .collect()
}

/// The extents of a buffer; empty if a size is unknown.
pub fn shape(binding: &Binding, sizes: &Sizes) -> Vec<usize> {
    binding.shape.iter().map(|size| size.value(sizes)).collect::<Option<_>>().unwrap_or_default()
}

/// Number of elements of each buffer of `shader` at `sizes`.
pub fn lengths(shader: &Shader, sizes: &Sizes) -> Vec<usize> {
    let values = shader.values(sizes);
    let len = |b: &Binding| b.shape.iter().map(|s| s.value(&values)).product::<Option<usize>>();
    shader.bindings.iter().map(|b| len(b).unwrap_or(0)).collect()
}

/// Bytes of all buffers; buffers that are updated count twice.
pub fn bytes(call: &Call, shader: &Shader) -> f64 {
    let times = |access| if access == Access::Update { 2.0 } else { 1.0 };
    let buffers = shader.bindings.iter().zip(lengths(shader, &call.sizes));
    let words: f64 = buffers.map(|(b, len)| times(b.access) * len as f64).sum();
    let marks = Marks::of(call.op.interface);
    let images = marks.rows(&call.sizes) * marks.image_bytes(&call.sizes);
    4.0 * words + images as f64
}

/// Parses a case of an operation into a call without an activation.
///
/// # Errors
/// [`Error::Option`] if the text is no list of sizes.
pub fn case(op: &'static Op, text: &str) -> Result<Call> {
    let sizes = parse_sizes(text).ok_or_else(|| Error::Option {
        name: "sizes",
        got: text.to_string(),
        expected: "NAME=number,NAME=number, such as M=512,N=512,K=512",
    })?;
    Ok(Call { op, sizes: sizes.into_iter().collect(), activation: &LINEAR })
}

/// Formats the sizes of a call on one line, in the order in which the interface declares them.
pub fn words(call: &Call) -> String {
    let declared = |name: &str| call.op.interface.find(&format!("override {name}:")).unwrap_or(usize::MAX);
    let mut sizes: Vec<_> = call.sizes.iter().collect();
    sizes.sort_by_key(|(name, _)| declared(name));
    sizes.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

/// The texts that declare the sizes of an operation.
fn texts(op: &Op) -> impl Iterator<Item = &'static str> + '_ {
    [op.interface].into_iter().chain(op.parts().iter().copied())
}

/// The names of the sizes of an operation.
pub(super) fn known(op: &Op) -> Vec<&str> {
    texts(op).flat_map(declared).collect()
}

/// The names of the sizes that a text declares, each on a line of its own.
pub(super) fn declared(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| {
            let rest = line.trim().strip_prefix("override ")?;
            Some(rest.split_once(':')?.0.trim())
        })
        .collect()
}

/// Returns `call` with the sizes in `text` replaced. The output size of a convolution or pool follows from its input
/// unless given.
///
/// # Errors
/// [`Error::Option`] or [`Error::Unknown`] for invalid sizes.
pub fn given(call: &Call, text: &str) -> Result<Call> {
    let wanted = case(call.op, text)?.sizes;
    let names = known(call.op);
    if let Some(unknown) = wanted.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(Error::Unknown { what: "size", got: unknown.clone(), known: names.join(", ") });
    }
    let mut call = call.clone();
    call.sizes.extend(wanted.clone());
    follow(&mut call, &wanted);
    check(call.op, &call.op.shader(call.op.variant("naive")?, call.activation)?, &call.sizes)?;
    Ok(call)
}

/// Computes the sizes that follow from others according to the interface, unless they were given.
fn follow(call: &mut Call, wanted: &Sizes) {
    let Marks { splits, windows, .. } = Marks::of(call.op.interface);
    let sizes = &mut call.sizes;
    let get = |sizes: &Sizes, name: &str| sizes.get(name).copied();
    for Window { output, input, extent, stride, before, gap } in &windows {
        let gap = gap.as_deref().unwrap_or_default();
        let of = [input.as_str(), extent, stride, before, gap];
        let touched = of.iter().any(|name| wanted.contains_key(*name));
        let [Some(size), Some(window), Some(stride), Some(padding), gap] = of.map(|name| get(sizes, name))
        else {
            continue;
        };
        if touched && !wanted.contains_key(output) {
            let covered = (window - 1.0) * gap.unwrap_or(1.0) + 1.0;
            let places = ((size + 2.0 * padding - covered) / stride.max(1.0)).floor() + 1.0;
            sizes.insert(output.clone(), places.max(0.0));
        }
    }
    if let (Some(all), Some(splits), false) =
        (splits.and_then(|all| all.value(sizes)), get(sizes, "SPLITS"), wanted.contains_key("PER"))
    {
        sizes.insert("PER".into(), (all as f64 / splits.max(1.0)).ceil());
    }
}

/// Refuses invalid sizes: empty buffers, and fractions for counts. `shader` is any variant of the operation.
pub(super) fn check(op: &Op, shader: &Shader, sizes: &Sizes) -> Result<()> {
    let fail = |name: &str, value: f64, expected| {
        Err(Error::Option { name: "sizes", got: format!("{name}={value}"), expected })
    };
    let counted = |name: &str| {
        let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name);
        shader
            .bindings
            .iter()
            .flat_map(|b| &b.shape)
            .chain(shader.grid.iter().map(|(_, s)| s))
            .any(|s| word(&s.0))
    };
    let marks = Marks::of(op.interface);
    // Zero splits or empty ones; a window that does not move, has no extent, or has zero dilation.
    let divides = |name: &str| {
        let of_window = |w: &Window| {
            [Some(&w.extent), Some(&w.stride), w.gap.as_ref()].contains(&Some(&name.to_string()))
        };
        marks.splits.is_some() && ["SPLITS", "PER"].contains(&name) || marks.windows.iter().any(of_window)
    };
    for (name, value) in sizes {
        let declaration = format!("override {name}: f32");
        let float = texts(op).any(|text| text.contains(&declaration));
        if float && !(*value as f32).is_finite() {
            return fail(name, *value, "a number that fits 32 bits");
        }
        if !float && !(0.0..=f64::from(u32::MAX)).contains(value) {
            return fail(name, *value, "a number from 0 to 4294967295");
        }
        if !float && value.fract() != 0.0 {
            return fail(name, *value, "a whole number");
        }
        if *value == 0.0 && (counted(name) || divides(name)) {
            return fail(name, *value, "at least 1");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{case, given};
    use crate::{
        kernels::{BATCH_NORM_PARTIALS, GROUPED_CONV2D_FORWARD, MAX_POOL2D_FORWARD},
        op::Op,
    };

    #[test]
    fn sizes_follow_from_those_that_are_given() {
        let of = |op: &'static Op, n: usize, text: &str| {
            let call = case(op, op.cases()[n]).expect("a case");
            given(&call, text).expect("sizes").sizes
        };
        // Two taps with a dilation of three cover four rows: six positions on nine.
        assert_eq!(of(&GROUPED_CONV2D_FORWARD, 3, "KH=2,DH=3")["OH"], 6.0);
        assert_eq!(of(&MAX_POOL2D_FORWARD, 1, "H=9,SH=1")["OH"], 8.0);
        assert_eq!(of(&MAX_POOL2D_FORWARD, 1, "H=9,OH=4")["OH"], 4.0);
        // Four splits of 21 images of 6 pixels.
        assert_eq!(of(&BATCH_NORM_PARTIALS, 1, "ROWS=21")["PER"], 32.0);
        let pool = case(&MAX_POOL2D_FORWARD, MAX_POOL2D_FORWARD.cases()[1]).expect("a case");
        for zero in ["SH=0", "PW=0", "C=0"] {
            let refused = given(&pool, zero).expect_err("it is no size").to_string();
            assert!(refused.contains("at least 1"), "{refused}");
        }
    }
}
