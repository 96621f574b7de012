//! Where the weights of an imported network come from: the elements of the file's tensors. The importer turns,
//! reorders and sums tensors in many places; this module imports the file with marked numbers and looks where they
//! arrive, so it depends on none of these places. A last import with other numbers verifies what it found.

use super::{Options, import};
use crate::{
    Error, Result,
    onnx::{
        proto::{ModelProto, kind},
        tensor::Tensor,
    },
};
use wgrad::program::Parameter;

/// The origin of a weight that comes from none of the tensors.
pub const NOWHERE: u32 = u32::MAX;

/// Number of consecutive integers, from 1, that f32 distinguishes.
const MARKS: usize = 1 << 24;

/// A tensor: its name, and the place of its first element among those of all tensors.
struct Named<'a> {
    name: &'a str,
    start: usize,
    len: usize,
}

/// The origins of each weight of the arena that [`import`] returns, which is the sum of up to two elements of
/// `tensors`, given by their names and numbers of elements. Origins are indices into these tensors, one after the other;
/// [`NOWHERE`] stands for none. The file may lack a tensor.
///
/// # Errors
/// The errors of [`import`], and [`Error::Onnx`] for a weight that is computed from elements in another way.
pub fn origins(
    what: &str,
    file: &ModelProto,
    options: &Options,
    tensors: &[(String, usize)],
) -> Result<Vec<[u32; 2]>> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    let mut start = 0;
    let mut all = Vec::new();
    for (name, len) in tensors {
        if *len >= MARKS {
            return Err(fail(format!(
                "the tensor `{name}` has {len} elements, expected fewer than {MARKS}; train a smaller network"
            )));
        }
        all.push(Named { name, start, len: *len });
        start += len;
    }
    if start >= NOWHERE as usize {
        return Err(fail(format!("has {start} weights, expected fewer than {NOWHERE}")));
    }
    let imported = |value: &dyn Fn(usize) -> f32| -> Result<(Vec<f32>, Vec<Parameter>)> {
        let found = import(what, &with(file, &all, value).map_err(fail)?, options)?;
        Ok((found.weights, found.model.parameters()?))
    };
    let (base, parameters) = imported(&|_| 0.0)?;
    let shapes = |parameters: &[Parameter]| -> Vec<(String, Vec<usize>)> {
        parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect()
    };
    let known = shapes(&parameters);
    let same = |weights: Vec<f32>, parameters: &[Parameter]| match shapes(parameters) == known {
        true => Ok(weights),
        false => Err(fail("its layers depend on the values of its tensors".into())),
    };
    let mut origins = vec![[NOWHERE; 2]; base.len()];
    let mut mixed: Option<usize> = None;
    for pass in passes(&all) {
        // The mark of an element, from 1.
        let mut marks = vec![0u32; start];
        let mut elements = Vec::new();
        for tensor in pass.iter().map(|n| &all[*n]) {
            let own = &mut marks[tensor.start..tensor.start + tensor.len];
            for (place, mark) in (tensor.start as u32..).zip(own) {
                elements.push(place);
                *mark = elements.len() as u32;
            }
        }
        let (weights, parameters) = imported(&|place| marks[place] as f32)?;
        for (n, weight) in same(weights, &parameters)?.into_iter().enumerate() {
            let mark = weight - base[n];
            if mark == 0.0 {
                continue;
            }
            let whole = mark.fract() == 0.0 && mark >= 1.0 && mark <= elements.len() as f32;
            match (whole, origins[n]) {
                (true, [NOWHERE, _]) => origins[n][0] = elements[mark as usize - 1],
                (true, [_, NOWHERE]) => origins[n][1] = elements[mark as usize - 1],
                _ => mixed = mixed.or(Some(n)),
            }
        }
    }
    let (weights, parameters) = imported(&drawn)?;
    for (n, weight) in same(weights, &parameters)?.into_iter().enumerate() {
        let value = |origin: u32| if origin == NOWHERE { 0.0 } else { drawn(origin as usize) };
        let [first, second] = origins[n];
        if weight != base[n] + (value(first) + value(second)) {
            mixed = mixed.or(Some(n));
        }
    }
    match mixed.and_then(|n| parameters.iter().find(|p| (p.offset..p.offset + p.len()).contains(&n))) {
        Some(p) => Err(fail(format!(
            "`{}` is computed from several numbers of the module; wgrad trains weights that are the module's own, or \
             the sum of two",
            p.name
        ))),
        None => Ok(origins),
    }
}

/// The tensors of each import, whose elements have marks of their own. Neighbours are in different ones, since the two
/// biases of a recurrent layer, which are summed, are neighbours.
fn passes(all: &[Named<'_>]) -> Vec<Vec<usize>> {
    let mut passes: Vec<Vec<usize>> = Vec::new();
    for parity in 0..2 {
        let mut held = MARKS;
        for (n, tensor) in all.iter().enumerate().filter(|(n, tensor)| n % 2 == parity && tensor.len > 0) {
            if held + tensor.len >= MARKS {
                passes.push(Vec::new());
                held = 0;
            }
            held += tensor.len;
            if let Some(pass) = passes.last_mut() {
                pass.push(n);
            }
        }
    }
    passes
}

/// A number in [0.5, 1.5) for each element; those of different elements are unrelated.
fn drawn(place: usize) -> f32 {
    let hash = (place as u32).wrapping_mul(0x9E37_79B9);
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA6B);
    0.5 + (hash >> 8) as f32 / MARKS as f32
}

/// The file with other numbers in its tensors, by the place of each element.
fn with(
    file: &ModelProto,
    tensors: &[Named<'_>],
    value: &dyn Fn(usize) -> f32,
) -> std::result::Result<ModelProto, String> {
    let mut file = file.clone();
    for proto in file.graph.iter_mut().flat_map(|graph| &mut graph.initializer) {
        let Some(tensor) = tensors.iter().find(|tensor| tensor.name == proto.name) else { continue };
        let own = Tensor::from_proto(proto)?;
        if own.len() != tensor.len || own.kind != kind::FLOAT {
            return Err(format!(
                "the tensor `{}` has {} elements of type {}, the module {} of float",
                tensor.name,
                own.len(),
                kind::name(own.kind),
                tensor.len
            ));
        }
        let numbers = (tensor.start..tensor.start + tensor.len).map(value).collect();
        *proto = Tensor::real(&own.shape, numbers).to_proto(tensor.name);
    }
    Ok(file)
}
