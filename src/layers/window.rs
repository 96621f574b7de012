//! Windows of convolutions and pools: sizes, strides, padding, and the arithmetic of their shapes.

use super::Place;
use crate::program::Builder;
use serde::{Deserialize, Serialize};

/// A size for height and width: `3` or `[3, 3]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub usize, pub usize);

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or two numbers, such as 3 or [3, 3]")]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl Serialize for Pair {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0, self.1].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match OneOrTwo::deserialize(deserializer)? {
            OneOrTwo::One(n) => n.into(),
            OneOrTwo::Two([h, w]) => Self(h, w),
        })
    }
}

impl From<usize> for Pair {
    fn from(n: usize) -> Self {
        Self(n, n)
    }
}

impl From<(usize, usize)> for Pair {
    fn from((h, w): (usize, usize)) -> Self {
        Self(h, w)
    }
}

/// Padding at the edges of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// No padding: windows stay inside the image.
    #[default]
    Valid,
    /// Enough padding for an output of length ⌈input / stride⌉. An odd one goes at the end, as in TensorFlow.
    Same,
    /// Enough padding before the input, and none behind it: an output depends on no later element (van den Oord et al.
    /// 2016). For one dimension: `Conv1D`.
    Causal,
}

/// Output length and padding along one axis.
pub(super) struct Axis {
    /// Length of the output.
    pub out: usize,
    /// Padding before the input.
    pub before: usize,
}

/// The output length and padding of a window of `size` moving by `stride` over `input`.
fn axis(input: usize, size: usize, stride: usize, padding: Padding) -> Option<Axis> {
    match padding {
        Padding::Valid => Some(Axis { out: input.checked_sub(size)? / stride + 1, before: 0 }),
        Padding::Same => {
            let out = input.div_ceil(stride);
            let total = ((out - 1) * stride + size).saturating_sub(input);
            Some(Axis { out, before: total / 2 })
        }
        Padding::Causal => Some(Axis { out: input.div_ceil(stride), before: size - 1 }),
    }
}

/// Extent of a window of `size` taps with gaps between them; dilation 2 skips one position after each tap.
pub fn spread(size: Pair, dilation: Pair) -> Pair {
    let spread = |size: usize, dilation: usize| size.saturating_sub(1) * dilation + size.min(1);
    Pair(spread(size.0, dilation.0), spread(size.1, dilation.1))
}

/// Padding before and after the input for a window of this extent.
pub fn around(input: usize, size: usize, stride: usize, padding: Padding) -> [usize; 2] {
    axis(input, size, stride, padding).map_or([0, 0], |axis| {
        let reach = (axis.out - 1) * stride + size;
        [axis.before, reach.saturating_sub(input + axis.before)]
    })
}

/// Both axes of a window over an input of shape (height, width, channels), or an error that says what does not fit.
pub(super) fn axes(
    what: &str,
    input: &[usize],
    size: Pair,
    stride: Pair,
    padding: Padding,
) -> Result<[Axis; 2], String> {
    let [h, w, _] = input else {
        return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
    };
    if size.0 * size.1 * stride.0 * stride.1 * h * w == 0 {
        return Err(format!(
            "{what} {}×{}, strides {}×{} and input {h}×{w} must all be at least 1",
            size.0, size.1, stride.0, stride.1
        ));
    }
    if padding == Padding::Causal && size.1 * w > 1 {
        return Err(
            "padding is \"causal\", expected \"valid\" or \"same\"; only Conv1D takes \"causal\"".into()
        );
    }
    match (axis(*h, size.0, stride.0, padding), axis(*w, size.1, stride.1, padding)) {
        (Some(y), Some(x)) => Ok([y, x]),
        _ => Err(format!(
            "{what} {}×{} is larger than its input {h}×{w}; use padding = \"same\" or a smaller {what}",
            size.0, size.1
        )),
    }
}

/// The sizes that every windowed operation takes: batch, input, output, strides, padding before.
pub(super) fn sizes(
    b: &Builder,
    place: &Place,
    size: Pair,
    stride: Pair,
    padding: Padding,
) -> Vec<(&'static str, usize)> {
    let before = |input, size, stride| axis(input, size, stride, padding).map_or(0, |axis| axis.before);
    vec![
        ("N", b.batch()),
        ("H", place.input[0]),
        ("W", place.input[1]),
        ("OH", place.output[0]),
        ("OW", place.output[1]),
        ("SH", stride.0),
        ("SW", stride.1),
        ("PT", before(place.input[0], size.0, stride.0)),
        ("PL", before(place.input[1], size.1, stride.1)),
    ]
}

pub(super) fn one() -> Pair {
    Pair(1, 1)
}

pub(super) fn two() -> Pair {
    Pair(2, 2)
}

pub(super) fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::{Padding, axis};

    #[test]
    fn same_pads_as_tensorflow_does_the_odd_one_behind() {
        // input, window, stride: output, padding before. From tf.nn's formula.
        let cases = [
            ((5, 2, 1), (5, 0)),
            ((5, 3, 1), (5, 1)),
            ((5, 3, 2), (3, 1)),
            ((6, 3, 2), (3, 0)),
            ((6, 4, 1), (6, 1)),
            ((7, 2, 3), (3, 0)),
            ((9, 5, 3), (3, 1)),
        ];
        for ((input, window, stride), expected) in cases {
            let axis = axis(input, window, stride, Padding::Same).expect("always fits");
            assert_eq!((axis.out, axis.before), expected, "{window} by {stride} over {input}");
        }
    }

    #[test]
    fn valid_stays_inside() {
        for ((input, window, stride), out) in [((5, 2, 1), 4), ((5, 3, 2), 2), ((6, 3, 2), 2), ((3, 3, 9), 1)]
        {
            let axis = axis(input, window, stride, Padding::Valid).expect("fits");
            assert_eq!((axis.out, axis.before), (out, 0), "{window} by {stride} over {input}");
        }
        assert!(axis(3, 4, 1, Padding::Valid).is_none());
    }
}
