//! Sums of squares in two dispatches; this module appends the first.

use crate::{
    kernels::SQUARE_PARTIALS,
    op::Call,
    program::{Builder, ValueId},
};

/// Fewest numbers that a thread squares. At most `MOST_SPLITS` threads do so; one thread then adds their sums.
const SQUARES: usize = 256;
const MOST_SPLITS: usize = 1024;

/// Appends the partial sums of the squares of `count` numbers. Returns the partial sums and their number.
pub(super) fn sum_squares(b: &mut Builder, label: &str, of: ValueId, count: usize) -> (ValueId, usize) {
    let splits = count.div_ceil(SQUARES).min(MOST_SPLITS);
    let partials = b.temporary("squares", vec![splits]);
    let call = Call::new(&SQUARE_PARTIALS, &[("COUNT", count), ("SPLITS", splits)]);
    b.call(label, call, &[("partials", partials), ("grad", of)]);
    (partials, splits)
}
