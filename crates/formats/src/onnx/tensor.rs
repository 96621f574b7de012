//! Tensors in host memory. The host only moves their elements; kernels do the arithmetic.

use super::proto::{TensorProto, kind};
use wgrad::program::counted;

/// The elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Elements of 32-bit floating point.
    Real(Vec<f32>),
    /// Integers and truth values.
    Whole(Vec<i64>),
}

/// A tensor in host memory: elements in the order of the axes, the last one fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Type of the elements: one of [`kind`].
    pub kind: i32,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Data,
}

/// The number of elements of a shape.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Maximum number of elements that the host expands smaller constants to; shapes and tables need no more.
pub(super) const ROOM: usize = 1 << 24;

/// The number of elements of a shape that `held` elements are expanded to.
///
/// # Errors
/// An error in words, where that is far more than `held`.
pub fn room(shape: &[usize], held: usize) -> Result<usize, String> {
    let filled: Vec<usize> = shape.iter().map(|len| (*len).max(1)).collect();
    match counted(&filled)? {
        all if all > ROOM.max(held) => Err(format!(
            "{shape:?}, made of {held} elements, has more than the {ROOM} elements that are computed while a file is read"
        )),
        _ => Ok(count(shape)),
    }
}

/// Distance between neighbours along each axis, in elements.
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

/// The index in the source of each element of `shape`, in order. The source's elements begin at `start` and are
/// `strides` apart, which covers transposing, repeating, slicing and reversing.
pub fn walk(shape: &[usize], strides: &[isize], start: isize) -> Vec<usize> {
    let mut places = vec![start];
    for (len, stride) in shape.iter().zip(strides) {
        places = places.iter().flat_map(|at| (0..*len as isize).map(move |n| at + n * stride)).collect();
    }
    places.into_iter().map(|at| at as usize).collect()
}

impl Tensor {
    /// A tensor of 32-bit floats.
    pub fn real(shape: &[usize], data: Vec<f32>) -> Self {
        Self { kind: kind::FLOAT, shape: shape.to_vec(), data: Data::Real(data) }
    }

    /// A tensor of 64-bit integers.
    pub fn whole(shape: &[usize], data: Vec<i64>) -> Self {
        Self { kind: kind::INT64, shape: shape.to_vec(), data: Data::Whole(data) }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        count(&self.shape)
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as floats.
    ///
    /// # Errors
    /// The type, in words, if the elements are not floats.
    pub fn reals(&self) -> Result<&[f32], String> {
        match &self.data {
            Data::Real(values) => Ok(values),
            Data::Whole(_) => {
                Err(format!("elements of type {}; kernels compute with float", kind::name(self.kind)))
            }
        }
    }

    /// The elements as integers.
    ///
    /// # Errors
    /// The type, in words, if the elements are not integers.
    pub fn wholes(&self) -> Result<&[i64], String> {
        match &self.data {
            Data::Whole(values) => Ok(values),
            Data::Real(_) => Err("elements of type float where integers are expected".into()),
        }
    }

    /// The elements at the indices `places`, as a tensor of another shape.
    pub fn pick(&self, shape: &[usize], places: &[usize]) -> Self {
        let data = match &self.data {
            Data::Real(values) => Data::Real(places.iter().map(|at| values[*at]).collect()),
            Data::Whole(values) => Data::Whole(places.iter().map(|at| values[*at]).collect()),
        };
        Self { kind: self.kind, shape: shape.to_vec(), data }
    }

    /// The tensor's elements with another shape.
    ///
    /// # Errors
    /// An error where the numbers of elements differ.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, String> {
        if count(shape) != self.len() {
            return Err(format!("{:?} holds {} elements, {shape:?} does not", self.shape, self.len()));
        }
        Ok(Self { shape: shape.to_vec(), ..self.clone() })
    }

    /// A tensor whose axis n is axis `order[n]` of this one.
    pub fn transposed(&self, order: &[usize]) -> Self {
        let own = strides(&self.shape);
        let shape: Vec<usize> = order.iter().map(|axis| self.shape[*axis]).collect();
        let steps: Vec<isize> = order.iter().map(|axis| own[*axis]).collect();
        self.pick(&shape, &walk(&shape, &steps, 0))
    }

    /// Broadcasts to `shape`: repeats axes of length 1, and adds new ones in front.
    ///
    /// # Errors
    /// An error where an axis has another length, or the result would be far too large.
    pub fn expanded(&self, shape: &[usize]) -> Result<Self, String> {
        let fail = || Err(format!("{:?} does not broadcast to {shape:?}", self.shape));
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

    /// Takes `len` elements along `axis`, from `start` with the distance `step`.
    pub fn sliced(&self, axis: usize, start: usize, step: isize, len: usize) -> Self {
        let (mut shape, mut steps) = (self.shape.clone(), strides(&self.shape));
        let first = start as isize * steps[axis];
        shape[axis] = len;
        // With a single element, the distance may be anything.
        steps[axis] *= if len > 1 { step } else { 1 };
        self.pick(&shape, &walk(&shape, &steps, first))
    }

    /// Concatenates tensors along `axis`.
    ///
    /// # Errors
    /// An error where their other axes or their types differ.
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

    /// Pads each axis with `before` elements in front and `behind` elements after it, all of them `value`.
    ///
    /// # Errors
    /// An error where the elements are not floats, or the result would be far too large.
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

    /// Reads a tensor from its message.
    ///
    /// # Errors
    /// An error in words, where the element type is not supported, or the number of elements differs from the
    /// shape's.
    pub fn from_proto(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location != 0 {
            return Err(format!(
                "the tensor `{}` is stored in another file, which was not read; save the model as one file",
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

    /// The message of this tensor, with a name. Elements must be float, uint8 or int64.
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

/// Number of bytes that the elements of a tensor take as raw data.
///
/// # Errors
/// An error in words, where the element type is not supported, or there are too many.
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

/// Interleaves the rows of all `parts`, `outer` times.
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
    /// Decodes elements of N bytes each.
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
