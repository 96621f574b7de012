//! Permute: the axes of an input in another order.

use super::{MaskRule, Place, Rules};
use crate::{
    kernels::PERMUTE_FORWARD,
    op::Call,
    program::{Builder, ValueId},
};

/// Number of axes that the operation moves.
const AXES: usize = 4;

/// `Permute(dims)`: axis n of the output, without the batch, is axis `dims[n]` of the input, counted from 1. `[2, 1]`
/// exchanges time and features.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permute {
    /// The axes of the input, each once, in the order of the output's.
    pub dims: Vec<usize>,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Axes that are in one piece in input and output count as one, and those of length 1 not at all.
#[derive(Debug, PartialEq)]
struct Moves {
    /// Lengths of the output's axes.
    lens: Vec<usize>,
    /// Steps in the input from one number of each of them to the next.
    steps: Vec<usize>,
}

impl Permute {
    /// Creates a layer whose output has the axes `dims` of its input, counted from 1 without the batch.
    pub fn new(dims: &[usize]) -> Self {
        Self { dims: dims.to_vec(), name: None }
    }

    /// The moves that make the output of an input of this shape.
    fn moves(&self, input: &[usize]) -> Moves {
        let step = |axis: usize| input[axis..].iter().product::<usize>();
        let mut moves = Moves { lens: Vec::new(), steps: Vec::new() };
        for axis in self.dims.iter().copied().filter(|axis| input[axis - 1] > 1) {
            match (moves.lens.last_mut(), moves.steps.last_mut()) {
                // The axis before it is also the one before it in the input.
                (Some(len), Some(last)) if *last == input[axis - 1] * step(axis) => {
                    *len *= input[axis - 1];
                    *last = step(axis);
                }
                _ => {
                    moves.lens.push(input[axis - 1]);
                    moves.steps.push(step(axis));
                }
            }
        }
        moves
    }
}

impl Moves {
    /// True if no number changes its place.
    fn is_none(&self) -> bool {
        self.lens.len() < 2
    }

    /// The moves from the output back to the input.
    fn inverse(&self) -> Self {
        let mut order: Vec<usize> = (0..self.lens.len()).collect();
        order.sort_by_key(|axis| std::cmp::Reverse(self.steps[*axis]));
        let step = |axis: usize| self.lens[axis + 1..].iter().product();
        let lens = order.iter().map(|axis| self.lens[*axis]).collect();
        Self { lens, steps: order.into_iter().map(step).collect() }
    }

    fn call(&self, b: &Builder) -> Call {
        const NAMES: [[&str; 2]; AXES] = [["D0", "S0"], ["D1", "S1"], ["D2", "S2"], ["D3", "S3"]];
        let mut sizes = vec![("N", b.batch())];
        let missing = AXES.saturating_sub(self.lens.len());
        for (n, [len, step]) in NAMES.into_iter().enumerate() {
            let of = |list: &[usize]| n.checked_sub(missing).map_or(1, |n| list[n]);
            sizes.extend([(len, of(&self.lens)), (step, of(&self.steps))]);
        }
        Call::new(&PERMUTE_FORWARD, &sizes)
    }
}

impl Rules for Permute {
    fn slug(&self) -> &'static str {
        "permute"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Refuses("the steps of its output are others")
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if input.is_empty() || !sorted.iter().copied().eq(1..=input.len()) {
            let axes: Vec<String> = (1..=input.len()).map(|axis| axis.to_string()).collect();
            return Err(format!(
                "dims is {:?}, its input has shape {input:?}; expected each of {} once",
                self.dims,
                axes.join(", ")
            ));
        }
        let moved = self.moves(input).lens.len();
        if moved > AXES {
            return Err(format!(
                "dims is {:?}, which takes {input:?} into {moved} pieces; at most {AXES} can be moved at once: use two \
                 layers, or Reshape before it to join axes that stay side by side",
                self.dims
            ));
        }
        Ok(self.dims.iter().map(|axis| input[axis - 1]).collect())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let moves = self.moves(&place.input);
        if moves.is_none() {
            return place.x;
        }
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, moves.call(b), &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let moves = self.moves(&place.input);
        if !wanted || moves.is_none() {
            return wanted.then_some(dy);
        }
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        b.call(&place.name, moves.inverse().call(b), &[("y", dx), ("x", dy)]);
        Some(b.through_fused(&place.name, place.x, dx))
    }
}

#[cfg(test)]
mod tests {
    use super::{Moves, Permute};

    #[test]
    fn axes_that_stay_together_are_one() {
        let moves = |dims: &[usize], input: &[usize]| Permute::new(dims).moves(input);
        let expected = |lens: &[usize], steps: &[usize]| Moves { lens: lens.to_vec(), steps: steps.to_vec() };
        assert_eq!(moves(&[2, 1], &[3, 5]), expected(&[5, 3], &[1, 5]));
        assert_eq!(moves(&[3, 1, 2], &[4, 5, 6]), expected(&[6, 20], &[1, 6]));
        assert_eq!(moves(&[2, 3, 1], &[4, 5, 6]), expected(&[30, 4], &[1, 30]));
        assert_eq!(moves(&[3, 2, 1], &[4, 5, 6]), expected(&[6, 5, 4], &[1, 6, 30]));
        assert_eq!(moves(&[3, 2, 1], &[4, 1, 6]), expected(&[6, 4], &[1, 6]));
        assert!(moves(&[1, 2, 3], &[4, 5, 6]).is_none() && moves(&[2, 1], &[1, 6]).is_none());
        assert!(moves(&[2, 3, 1], &[1, 5, 6]).is_none() && !moves(&[1, 3, 2], &[1, 5, 6]).is_none());
    }

    #[test]
    fn the_inverse_is_that_of_the_permutation() {
        for (dims, back, input) in [
            (&[2, 1][..], &[2, 1][..], &[3, 5][..]),
            (&[3, 1, 2], &[2, 3, 1], &[4, 5, 6]),
            (&[2, 4, 1, 3], &[3, 1, 4, 2], &[2, 3, 4, 5]),
        ] {
            let output: Vec<usize> = dims.iter().map(|axis| input[axis - 1]).collect();
            assert_eq!(
                Permute::new(dims).moves(input).inverse(),
                Permute::new(back).moves(&output),
                "{dims:?}"
            );
        }
    }
}
