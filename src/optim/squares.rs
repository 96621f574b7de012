//! Sums of squares, in two dispatches.

use crate::{
    kernels::SQUARE_PARTIALS,
    op::Call,
    program::{Builder, ValueId},
};

/// Gradients that one thread squares, at least, and how many threads do so, at most: one sums what they found.
const SQUARES: usize = 256;
const MOST_SPLITS: usize = 1024;

/// The squares of `count` numbers, summed by so many splits.
pub(super) fn sum_squares(b: &mut Builder, label: &str, of: ValueId, count: usize) -> (ValueId, usize) {
    let splits = count.div_ceil(SQUARES).min(MOST_SPLITS);
    let partials = b.temporary("squares", vec![splits]);
    let call = Call::new(&SQUARE_PARTIALS, &[("COUNT", count), ("SPLITS", splits)]);
    b.call(label, call, &[("partials", partials), ("grad", of)]);
    (partials, splits)
}
