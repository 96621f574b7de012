//! Tensors of the host. Their numbers only move here: what is computed is computed by kernels.

use super::proto::{TensorProto, kind};
use wgrad::program::counted;

/// The elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// 32-bit numbers.
    Real(Vec<f32>),
    /// Integers and truth values.
    Whole(Vec<i64>),
}

/// A tensor of the host: elements in the order of their axes, the last one fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Type of the elements: one of [`kind`].
    pub kind: i32,
    /// Its axes.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Data,
}

/// The number of elements of a shape.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The most elements that the host makes of constants that hold fewer: shapes and tables need no more.
pub(super) const ROOM: usize = 1 << 24;

/// The number of elements of a shape that is made of `held` elements.
///
/// # Errors
/// In words, where it is far more than those.
pub fn room(shape: &[usize], held: usize) -> Result<usize, String> {
    let filled: Vec<usize> = shape.iter().map(|len| (*len).max(1)).collect();
    match counted(&filled)? {
        all if all > ROOM.max(held) => Err(format!(
            "{shape:?}, made of {held} elements, has more than the {ROOM} that are worked out while a file is read"
        )),
        _ => Ok(count(shape)),
    }
}

/// How far apart the neighbours along each axis are.
pub fn strides(shape: &[usize]) -> Vec<isize> {
    let mut step = 1;
    let mut strides: Vec<isize> = shape
        .iter()
        .rev()
        .map(|len| {
            let own = step;
            step *= *len as isize;
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// The place of each element of `shape`, in order, where the elements of the source begin at `start` and are `strides`
/// apart: whatever is transposed, repeated, cut or turned round.
pub fn walk(shape: &[usize], strides: &[isize], start: isize) -> Vec<usize> {
    let mut places = vec![start];
    for (len, stride) in shape.iter().zip(strides) {
        places = places.iter().flat_map(|at| (0..*len as isize).map(move |n| at + n * stride)).collect();
    }
    places.into_iter().map(|at| at as usize).collect()
}

impl Tensor {
    /// A tensor of 32-bit numbers.
    pub fn real(shape: &[usize], data: Vec<f32>) -> Self {
        Self { kind: kind::FLOAT, shape: shape.to_vec(), data: Data::Real(data) }
    }

    /// A tensor of 64-bit integers.
    pub fn whole(shape: &[usize], data: Vec<i64>) -> Self {
        Self { kind: kind::INT64, shape: shape.to_vec(), data: Data::Whole(data) }
    }

    /// The number of its elements.
    pub fn len(&self) -> usize {
        count(&self.shape)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its numbers, or in words what it holds instead.
    ///
    /// # Errors
    /// What it holds.
    pub fn reals(&self) -> Result<&[f32], String> {
        match &self.data {
            Data::Real(values) => Ok(values),
            Data::Whole(_) => {
                Err(format!("elements of type {}; kernels compute with float", kind::name(self.kind)))
            }
        }
    }

    /// Its integers, or in words what it holds instead.
    ///
    /// # Errors
    /// What it holds.
    pub fn wholes(&self) -> Result<&[i64], String> {
        match &self.data {
            Data::Whole(values) => Ok(values),
            Data::Real(_) => Err("elements of type float where integers are expected".into()),
        }
    }

    /// The elements at these places, under another shape.
    pub fn pick(&self, shape: &[usize], places: &[usize]) -> Self {
        let data = match &self.data {
            Data::Real(values) => Data::Real(places.iter().map(|at| values[*at]).collect()),
            Data::Whole(values) => Data::Whole(places.iter().map(|at| values[*at]).collect()),
        };
        Self { kind: self.kind, shape: shape.to_vec(), data }
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// Where the numbers of elements differ.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, String> {
        if count(shape) != self.len() {
            return Err(format!("{:?} holds {} elements, {shape:?} does not", self.shape, self.len()));
        }
        Ok(Self { shape: shape.to_vec(), ..self.clone() })
    }

    /// Axis n of the outcome is axis `order[n]` of this one.
    pub fn transposed(&self, order: &[usize]) -> Self {
        let own = strides(&self.shape);
        let shape: Vec<usize> = order.iter().map(|axis| self.shape[*axis]).collect();
        let steps: Vec<isize> = order.iter().map(|axis| own[*axis]).collect();
        self.pick(&shape, &walk(&shape, &steps, 0))
    }

    /// Repeated along axes of length 1, and along new ones in front, up to `shape`.
    ///
    /// # Errors
    /// Where an axis has another length, and where that would be far too many.
    pub fn expanded(&self, shape: &[usize]) -> Result<Self, String> {
        let fail = || Err(format!("{:?} does not spread to {shape:?}", self.shape));
        let Some(new) = shape.len().checked_sub(self.shape.len()) else { return fail() };
        let mut steps = vec![0; new];
        for (n, (len, step)) in self.shape.iter().zip(strides(&self.shape)).enumerate() {
            match (*len, shape[new + n]) {
                (len, wanted) if len == wanted => steps.push(step),
                (1, _) => steps.push(0),
                _ => return fail(),
            }
        }
        room(shape, self.len())?;
        Ok(self.pick(shape, &walk(shape, &steps, 0)))
    }

    /// From `start`, every `step`th of axis `axis`, `len` of them.
    pub fn sliced(&self, axis: usize, start: usize, step: isize, len: usize) -> Self {
        let (mut shape, mut steps) = (self.shape.clone(), strides(&self.shape));
        let first = start as isize * steps[axis];
        shape[axis] = len;
        // Where there is no second one, its distance may be anything.
        steps[axis] *= if len > 1 { step } else { 1 };
        self.pick(&shape, &walk(&shape, &steps, first))
    }

    /// Tensors one behind the other along `axis`.
    ///
    /// # Errors
    /// Where their other axes or their types differ.
    pub fn joined(parts: &[&Self], axis: usize) -> Result<Self, String> {
        let Some(first) = parts.first() else { return Err("nothing to join".into()) };
        let others = |t: &Self| {
            t.shape.iter().enumerate().filter(|(n, _)| *n != axis).map(|(_, l)| *l).collect::<Vec<_>>()
        };
        if axis >= first.shape.len()
            || parts.iter().any(|p| {
                p.kind != first.kind || p.shape.len() != first.shape.len() || others(p) != others(first)
            })
        {
            let shapes: Vec<_> = parts.iter().map(|p| &p.shape).collect();
            return Err(format!("{shapes:?} do not join along axis {axis}"));
        }
        let mut shape = first.shape.clone();
        shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
        room(&shape, parts.iter().map(|p| p.len()).sum())?;
        let (outer, rows) = (count(&shape[..axis]), |p: &Self| count(&p.shape[axis..]));
        let data = match &first.data {
            Data::Real(_) => Data::Real(gathered(parts, outer, rows, |p| p.reals().unwrap_or_default())),
            Data::Whole(_) => Data::Whole(gathered(parts, outer, rows, |p| p.wholes().unwrap_or_default())),
        };
        Ok(Self { kind: first.kind, shape, data })
    }

    /// With `before` and `behind` more elements along each axis, all of them `value`.
    ///
    /// # Errors
    /// Where it holds no real numbers, and where that would be far too many.
    pub fn padded(&self, before: &[usize], behind: &[usize], value: f32) -> Result<Self, String> {
        let numbers = self.reals()?;
        let shape: Vec<usize> = (0..self.shape.len())
            .map(|n| before[n].saturating_add(self.shape[n]).saturating_add(behind[n]))
            .collect();
        room(&shape, numbers.len())?;
        let steps = strides(&shape);
        let start = before.iter().zip(&steps).map(|(n, step)| *n as isize * step).sum();
        let mut data = vec![value; count(&shape)];
        for (at, v) in walk(&self.shape, &steps, start).into_iter().zip(numbers) {
            data[at] = *v;
        }
        Ok(Self::real(&shape, data))
    }

    /// Reads the message of a tensor.
    ///
    /// # Errors
    /// In words, where its elements are of a type that wgrad does not take, or are not as many as its shape says.
    pub fn from_proto(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location != 0 {
            return Err(format!(
                "the tensor `{}` stands in another file, which was not read; save the model as one file",
                proto.name
            ));
        }
        let shape: Option<Vec<usize>> = proto.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let wanted = shape.as_ref().and_then(|shape| counted(shape).ok());
        let (Some(shape), Some(wanted)) = (shape, wanted) else {
            return Err(format!("the tensor `{}` has the shape {:?}", proto.name, proto.dims));
        };
        let data = elements(proto)?;
        let held = match &data {
            Data::Real(values) => values.len(),
            Data::Whole(values) => values.len(),
        };
        if held != wanted {
            return Err(format!(
                "the tensor `{}` has {held} elements, its shape {shape:?} {wanted}",
                proto.name
            ));
        }
        Ok(Self { kind: proto.data_type, shape, data })
    }

    /// The message of this tensor, under a name. Integers other than 64-bit ones and bytes are not written.
    pub fn to_proto(&self, name: &str) -> TensorProto {
        let raw = match &self.data {
            Data::Real(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Data::Whole(values) if self.kind == kind::UINT8 => values.iter().map(|v| *v as u8).collect(),
            Data::Whole(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        };
        TensorProto {
            dims: self.shape.iter().map(|n| *n as i64).collect(),
            data_type: self.kind,
            name: name.to_string(),
            raw_data: Some(raw),
            ..TensorProto::default()
        }
    }
}

/// How many bytes the elements of a tensor take as raw data.
///
/// # Errors
/// In words, where they are of a type that wgrad does not take, or too many.
pub(super) fn bytes(proto: &TensorProto) -> Result<usize, String> {
    let each = match proto.data_type {
        2 | 3 | 9 => 1,
        4 | 5 => 2,
        1 | 6 => 4,
        7 => 8,
        other => return Err(kind::refused(other)),
    };
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let all = shape.and_then(|shape| counted(&shape).ok()).and_then(|count| count.checked_mul(each));
    all.ok_or_else(|| {
        format!("its shape is {:?}, and no memory holds so many elements: export the file again", proto.dims)
    })
}

/// Rows of all `parts` in turns, `outer` times.
fn gathered<'a, T: Copy + 'a>(
    parts: &[&'a Tensor],
    outer: usize,
    rows: impl Fn(&Tensor) -> usize,
    values: impl Fn(&'a Tensor) -> &'a [T],
) -> Vec<T> {
    (0..outer)
        .flat_map(|row| parts.iter().map(move |part| (row, *part)))
        .flat_map(|(row, part)| values(part)[row * rows(part)..(row + 1) * rows(part)].iter().copied())
        .collect()
}

fn elements(proto: &TensorProto) -> Result<Data, String> {
    let raw = proto.raw_data.as_deref();
    let small = || proto.int32_data.iter().map(|v| i64::from(*v)).collect();
    /// Elements of one size from their bytes.
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).map(|c| read(std::array::from_fn(|n| c[n]))).collect()
    }
    Ok(match (proto.data_type, raw) {
        (1, Some(bytes)) => Data::Real(each(bytes, f32::from_le_bytes)),
        (1, None) => Data::Real(proto.float_data.clone()),
        (2 | 9, Some(bytes)) => Data::Whole(bytes.iter().map(|b| i64::from(*b)).collect()),
        (3, Some(bytes)) => Data::Whole(bytes.iter().map(|b| i64::from(*b as i8)).collect()),
        (4, Some(bytes)) => Data::Whole(each(bytes, |b| i64::from(u16::from_le_bytes(b)))),
        (5, Some(bytes)) => Data::Whole(each(bytes, |b| i64::from(i16::from_le_bytes(b)))),
        (6, Some(bytes)) => Data::Whole(each(bytes, |b| i64::from(i32::from_le_bytes(b)))),
        (7, Some(bytes)) => Data::Whole(each(bytes, i64::from_le_bytes)),
        (2..=6 | 9, None) => Data::Whole(small()),
        (7, None) => Data::Whole(proto.int64_data.clone()),
        (other, _) => return Err(kind::refused(other)),
    })
}
