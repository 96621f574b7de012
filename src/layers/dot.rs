//! Dot products of two inputs, image by image.

use super::{
    MaskRule, Place, Rules,
    layer_normalization::{Groups, Norm},
    unit_normalization::LEAST,
};
use crate::{
    kernels::BATCH_DOT,
    op::Call,
    program::{Builder, ValueId},
};
use serde::{Deserialize, Serialize};

/// The axes along which two inputs are multiplied, counted with the batch, from 1, or from the end, from -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an axis, or a list of two axes")]
pub enum DotAxes {
    /// The same axis of both.
    Same(i64),
    /// That of the first, and that of the second.
    Each([i64; 2]),
}

impl From<i64> for DotAxes {
    fn from(axis: i64) -> Self {
        Self::Same(axis)
    }
}

impl From<[i64; 2]> for DotAxes {
    fn from(axes: [i64; 2]) -> Self {
        Self::Each(axes)
    }
}

/// `Dot(axes, normalize=False)`: the sums of products of two inputs along an axis of each, for each of their other axes:
/// those of the first, then those of the second. The axes are the first or the last of their inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dot {
    /// The axis of both inputs, or one for each; 1 is the first behind the batch.
    pub axes: DotAxes,
    /// True if the inputs are first scaled to length 1 along the axis, so that the products are cosines.
    #[serde(default)]
    pub normalize: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An input as a matrix of rows, or of columns if it is turned, that are multiplied.
#[derive(Clone, Copy)]
struct Rows {
    count: usize,
    len: usize,
    turned: bool,
}

/// A value with its form.
type Side = (ValueId, Rows);

/// Appends the products of each row of `a` with each of `c`.
fn products(b: &mut Builder, label: &str, name: &str, shape: &[usize], a: Side, c: Side) -> ValueId {
    let y = b.batched(name, shape);
    let sizes = [
        ("N", b.batch()),
        ("I", a.1.count),
        ("J", c.1.count),
        ("K", a.1.len),
        ("A_TURNED", usize::from(a.1.turned)),
        ("B_TURNED", usize::from(c.1.turned)),
    ];
    b.call(label, Call::new(&BATCH_DOT, &sizes), &[("y", y), ("a", a.0), ("b", c.0)]);
    y
}

impl Dot {
    const LENGTH: Groups =
        Groups { norm: Norm::Length, groups: None, epsilon: LEAST, scale: false, center: false };

    /// Creates a layer of products along this axis, or these axes.
    pub fn new(axes: impl Into<DotAxes>) -> Self {
        Self { axes: axes.into(), normalize: false, name: None }
    }

    /// The axis of an input of this shape, counted from 0 without the batch.
    fn axis(&self, input: usize, shape: &[usize]) -> Result<usize, String> {
        let axis = match self.axes {
            DotAxes::Same(axis) => axis,
            DotAxes::Each(axes) => axes[input],
        };
        let rank = shape.len() as i64;
        let place = if axis < 0 { axis + rank } else { axis - 1 };
        if (0..rank).contains(&place) {
            return Ok(place as usize);
        }
        Err(format!(
            "axes has {axis} for an input of shape {shape:?}; expected 1 to {rank}, or -1 to -{rank}, as 0 is the batch"
        ))
    }

    /// The form of an input, and the shape of its other axes.
    fn rows(&self, input: usize, shape: &[usize]) -> Result<(Rows, Vec<usize>), String> {
        let axis = self.axis(input, shape)?;
        let mut rest = shape.to_vec();
        let len = rest.remove(axis);
        if axis > 0 && axis + 1 < shape.len() {
            return Err(format!(
                "axes has {}, in the middle of an input of shape {shape:?}; it takes the first or the last: put \
                 Permute before it",
                axis + 1
            ));
        }
        Ok((Rows { count: rest.iter().product(), len, turned: axis + 1 < shape.len() }, rest))
    }

    /// Of inputs of these shapes, true for each whose axis is the first of several.
    pub fn turned(&self, inputs: &[Vec<usize>]) -> Vec<bool> {
        let each = inputs.iter().enumerate();
        each.map(|(n, shape)| self.rows(n, shape).is_ok_and(|(rows, _)| rows.turned)).collect()
    }

    /// The forms of both inputs; none for a network that was not checked.
    fn sides(&self, place: &Place) -> Option<[Rows; 2]> {
        let of = |n: usize| Some(self.rows(n, &place.inputs.get(n)?.1).ok()?.0);
        Some([of(0)?, of(1)?])
    }

    /// The place of the normalization of an input.
    fn normal(place: &Place, n: usize) -> Place {
        let (x, shape) = place.inputs[n].clone();
        let name = format!("{} {}", place.name, if n == 0 { "first" } else { "second" });
        Place { name, input: shape.clone(), output: shape, x, inputs: Vec::new(), ..place.clone() }
    }
}

impl Rules for Dot {
    fn slug(&self) -> &'static str {
        "dot"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn joins(&self) -> bool {
        true
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Refuses("take GlobalAveragePooling1D or a recurrent layer before it")
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.joined_shape(&[input.to_vec()])
    }

    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        let [first, second] = inputs else {
            let got = inputs.len();
            return Err(format!("it takes two inputs, got {got}; name them: inputs = [\"a\", \"b\"]"));
        };
        let ((a, mut output), (c, rest)) = (self.rows(0, first)?, self.rows(1, second)?);
        if a.len != c.len {
            return Err(format!(
                "its axes are {} and {} numbers long, of inputs {first:?} and {second:?}; expected equal lengths",
                a.len, c.len
            ));
        }
        if self.normalize && (a.turned || c.turned) {
            return Err(format!(
                "normalize = true goes along the last axis of both inputs, got {first:?} and {second:?} with the first of \
                 one; put Permute before it"
            ));
        }
        output.extend(rest);
        Ok(if output.is_empty() { vec![1] } else { output })
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let Some([first, second]) = self.sides(place) else { return place.x };
        let mut values = [place.inputs[0].0, place.inputs[1].0];
        if self.normalize {
            let mut saved = Vec::new();
            for (n, value) in values.iter_mut().enumerate() {
                let mut inner = Self::normal(place, n);
                *value = Self::LENGTH.forward(b, &mut inner);
                saved.push(*value);
                saved.extend(inner.saved);
            }
            place.saved = saved;
        }
        let (label, shape) = (place.name.clone(), place.output.clone());
        products(b, &label, &label, &shape, (values[0], first), (values[1], second))
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.backward_all(b, place, dy, &[wanted]).into_iter().next().flatten()
    }

    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let Some(sides) = self.sides(place) else { return Vec::new() };
        let value = |n: usize| if self.normalize { place.saved[2 * n] } else { place.inputs[n].0 };
        let [rows, columns] = sides.map(|side| side.count);
        (0..2)
            .map(|n| {
                if wanted.get(n) != Some(&true) {
                    return None;
                }
                let (own, other) = (sides[n], (value(1 - n), sides[1 - n]));
                // dy as rows of this input's, each as long as the other has rows; then as rows of the other's.
                let across = Rows { count: [rows, columns][n], len: [rows, columns][1 - n], turned: n == 1 };
                // The other input as rows of places along the axis.
                let along = Rows { count: own.len, len: other.1.count, turned: !other.1.turned };
                let (shape, label) = (&place.inputs[n].1, &place.name);
                let name = format!("d {label} input {}", n + 1);
                let (dy, other) = ((dy, across), (other.0, along));
                let dx = match own.turned {
                    true => products(b, label, &name, shape, other, dy),
                    false => products(b, label, &name, shape, dy, other),
                };
                if self.normalize {
                    let mut inner = Self::normal(place, n);
                    inner.saved = vec![place.saved[2 * n + 1]];
                    return Self::LENGTH.backward(b, &inner, dx, true);
                }
                Some(b.through_fused(label, place.inputs[n].0, dx))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dot, Rules};

    #[test]
    fn shapes_are_those_of_keras() {
        let shape = |dot: &Dot, a: &[usize], c: &[usize]| dot.joined_shape(&[a.to_vec(), c.to_vec()]);
        assert_eq!(shape(&Dot::new(1), &[5], &[5]), Ok(vec![1]));
        assert_eq!(shape(&Dot::new([2, 1]), &[3, 5], &[5, 4]), Ok(vec![3, 4]));
        assert_eq!(shape(&Dot::new(2), &[3, 5], &[4, 5]), Ok(vec![3, 4]));
        assert_eq!(shape(&Dot::new(-1), &[3, 5], &[4, 5]), Ok(vec![3, 4]));
        assert_eq!(shape(&Dot::new([-2, 1]), &[5, 3], &[5, 4]), Ok(vec![3, 4]));
        assert_eq!(shape(&Dot::new([1, 2]), &[5], &[4, 5]), Ok(vec![4]));
        assert_eq!(shape(&Dot::new([3, 1]), &[2, 3, 5], &[5, 4, 6]), Ok(vec![2, 3, 4, 6]));
        for (dot, a, c, words) in [
            (Dot::new(0), &[5][..], &[5][..], "0 is the batch"),
            (Dot::new(2), &[5], &[5], "axes has 2"),
            (Dot::new([2, 1]), &[3, 5], &[4, 4], "5 and 4 numbers long"),
            (Dot::new(2), &[2, 5, 3], &[2, 5], "in the middle"),
            (Dot { normalize: true, ..Dot::new(1) }, &[5, 2], &[5, 2], "the last axis"),
        ] {
            let said = shape(&dot, a, c).expect_err(words);
            assert!(said.contains(words), "{said}");
        }
        let said = Dot::new(1).joined_shape(&[vec![5]]).expect_err("it takes two");
        assert!(said.contains("got 1") && said.contains("inputs = "), "{said}");
    }
}
