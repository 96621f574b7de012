//! Masks, as Keras has them: which steps of a sequence count. A mask is a value of the program, (batch, time): 1 for a
//! step that counts, 0 for one that does not.

use super::Place;
use crate::{
    kernels::{BINARY, MASK_ROWS, MASK_SHARES, MASK_STEPS},
    op::Call,
    program::{Builder, ValueId},
};

/// Functions of the operation `binary`.
const PRODUCT: usize = 1;
const LARGER: usize = 3;

/// What a layer does with the masks of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRule {
    /// Its output has none. The layer uses that of its input, or takes all steps as equal.
    Drops,
    /// Its output has that of its first input.
    Passes,
    /// A step of its output counts if it counts in one of the inputs; there is a mask if every input has one.
    Joins,
    /// It makes one: the first of the values that it saves.
    Makes,
    /// It takes none, for this reason: in Keras, it computes something else with it.
    Refuses(&'static str),
}

impl MaskRule {
    /// Returns whether the output has a mask; `inputs` has the number of steps of each input that has one.
    ///
    /// # Errors
    /// Says why the layer does not take the masks.
    pub fn output(self, inputs: &[Option<usize>]) -> Result<bool, String> {
        let any = inputs.iter().any(Option::is_some);
        match self {
            Self::Drops => Ok(false),
            Self::Passes => Ok(matches!(inputs, [Some(_), ..])),
            Self::Joins => match inputs.iter().copied().collect::<Option<Vec<usize>>>() {
                Some(steps) if steps.iter().any(|n| *n != steps[0]) => {
                    Err(format!("its inputs have masks of {steps:?} steps, and it takes masks of one length"))
                }
                all => Ok(any && all.is_some()),
            },
            Self::Makes => Ok(true),
            Self::Refuses(why) if any => Err(format!("its input has a mask, which it does not take: {why}")),
            Self::Refuses(_) => Ok(false),
        }
    }
}

fn elements(b: &Builder, value: ValueId) -> usize {
    b.program.values[value.0].len()
}

/// Appends a function of two masks.
fn both(b: &mut Builder, label: &str, function: usize, [first, second]: [ValueId; 2]) -> ValueId {
    if first == second {
        return first;
    }
    let (shape, count) = (b.program.values[first.0].shape.clone(), elements(b, first));
    let y = b.temporary(&format!("{label} mask"), shape);
    let call = Call::new(&BINARY, &[("COUNT", count), ("FUNCTION", function)]);
    b.call(label, call, &[("y", y), ("a", first), ("b", second)]);
    y
}

/// Appends the mask of the steps that count in both.
pub(super) fn intersection(b: &mut Builder, label: &str, masks: [Option<ValueId>; 2]) -> Option<ValueId> {
    match masks {
        [Some(first), Some(second)] => Some(both(b, label, PRODUCT, [first, second])),
        [first, second] => first.or(second),
    }
}

/// Appends the mask of the steps that count in one of the inputs, if each has a mask.
pub(super) fn union(b: &mut Builder, place: &Place) -> Option<ValueId> {
    let masks = place.masks.iter().copied().collect::<Option<Vec<_>>>()?;
    let mut masks = masks.into_iter();
    let first = masks.next()?;
    Some(masks.fold(first, |so_far, mask| both(b, &place.name, LARGER, [so_far, mask])))
}

/// Appends the mask of the rows of `x` in which a number is not `value`; `columns` is the length of a row.
pub(super) fn steps(b: &mut Builder, label: &str, x: ValueId, columns: usize, value: f64) -> ValueId {
    let rows = elements(b, x) / columns.max(1);
    let shape = vec![b.batch(), rows / b.batch()];
    let mask = b.temporary(&format!("{label} mask"), shape);
    let call = Call::new(&MASK_STEPS, &[("ROWS", rows), ("COLUMNS", columns)]).with("VALUE", value);
    b.call(label, call, &[("mask", mask), ("x", x)]);
    mask
}

/// Appends the rows of `x` times `weights`, one for each row; rows that do not count become `otherwise`.
pub(crate) fn rows(b: &mut Builder, label: &str, x: ValueId, weights: ValueId, otherwise: f64) -> ValueId {
    let value = &b.program.values[x.0];
    let (name, shape, count) = (value.name.clone(), value.shape.clone(), value.len());
    let rows = elements(b, weights);
    let name = if name == "zeros" { format!("{label} mask") } else { name };
    let y = b.temporary(&name, shape);
    let call = Call::new(&MASK_ROWS, &[("ROWS", rows), ("COLUMNS", count / rows)]).with("ELSE", otherwise);
    b.call(label, call, &[("y", y), ("x", x), ("w", weights)]);
    y
}

/// Appends the weights of the steps that count in a mean over these: of each sequence, or of the whole batch.
pub(crate) fn shares(b: &mut Builder, label: &str, mask: ValueId, together: bool) -> ValueId {
    let (rows, shape) = (b.batch(), b.program.values[mask.0].shape.clone());
    let columns = elements(b, mask) / rows;
    let w = b.temporary(&format!("{label} weights"), shape);
    let sizes = [("ROWS", rows), ("COLUMNS", columns), ("TOGETHER", usize::from(together))];
    b.call(label, Call::new(&MASK_SHARES, &sizes), &[("w", w), ("mask", mask)]);
    w
}
