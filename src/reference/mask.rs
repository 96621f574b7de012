//! Twins of the operations on masks, which say which steps of a sequence count: their mask is at least a half.

use super::recurrent::{Course, kept, real};
use crate::op::twin::{EPSILON, Inputs, Outputs, Sum, flushed};

/// True for a step that counts.
fn counts(mask: f64) -> bool {
    mask >= 0.5
}

/// mask = 1 where a number of x is not VALUE
pub fn mask_steps(i: &Inputs<'_>) -> Outputs {
    let (columns, value) = (i.size("COLUMNS").max(1), i.number("VALUE"));
    let any = |row: &[f64], seen: fn(f64) -> f64| row.iter().any(|x| seen(*x) != value);
    let number = |yes: bool| Sum::exact(f64::from(u8::from(yes)));
    let of = |row: &[f64]| number(any(row, |x| x)).or(number(any(row, flushed)));
    vec![real("mask", i.real("x").chunks(columns).map(of).collect())]
}

/// y = w · x where w is at least a half, else ELSE
pub fn mask_rows(i: &Inputs<'_>) -> Outputs {
    let (columns, otherwise) = (i.size("COLUMNS").max(1), i.number("ELSE"));
    let w = i.real("w");
    let of = |(at, x): (usize, &f64)| match w[at / columns] {
        weight if counts(weight) => Sum::of(*x).times(weight),
        _ => Sum::exact(otherwise),
    };
    vec![real("y", i.real("x").iter().enumerate().map(of).collect())]
}

/// w = the number of steps divided by that of those that count, for these
pub fn mask_shares(i: &Inputs<'_>) -> Outputs {
    let [rows, columns] = i.sizes(["ROWS", "COLUMNS"]);
    let (together, mask) = (i.size("TOGETHER") == 1, i.real("mask"));
    let used = if together { (i.step.rows as usize).min(rows) } else { rows };
    let group = if together { used * columns } else { columns };
    let of = |at: usize| {
        let row = at / columns;
        let first = if together { 0 } else { row * columns };
        let some = mask[first..first + group].iter().filter(|mask| counts(**mask)).count().max(1);
        let share = group as f64 / some as f64;
        match row < used && counts(mask[at]) {
            true => Sum::within(share, 4.0 * EPSILON * share),
            false => Sum::exact(0.0),
        }
    };
    vec![real("w", (0..rows * columns).map(of).collect())]
}

/// state and h of the next step become h where the step does not count
pub fn masked_state(i: &Inputs<'_>) -> Outputs {
    let course = Course::of(i);
    let (before, mask, n) = (i.real("h"), i.real("mask"), course.units);
    let (mut h, mut state) = (kept(before), kept(i.real("state")));
    for (row, j, at) in course.numbers() {
        let now = course.moment(row, course.now);
        if counts(mask[now]) {
            continue;
        }
        state[at] = Sum::exact(before[now * n + j]);
        if course.now + 1 < course.time {
            h[course.moment(row, course.now + 1) * n + j] = state[at];
        }
    }
    vec![real("h", h), real("state", state)]
}

/// c becomes the cell before where the step does not count
pub fn masked_cell(i: &Inputs<'_>) -> Outputs {
    let course = Course::of(i);
    let (mut c, before, mask) = (kept(i.real("c")), i.real("before"), i.real("mask"));
    for (row, _, at) in course.numbers() {
        if !counts(mask[course.moment(row, course.now)]) {
            c[at] = Sum::exact(before[at]);
        }
    }
    vec![real("c", c)]
}

/// d = dh + held + dy where the step counts; else that is held
pub fn masked_gradient(i: &Inputs<'_>) -> Outputs {
    let course = Course::of(i);
    let (dh, mask) = (i.real("dh"), i.real("mask"));
    let (mut d, mut held) = (course.zeros(1), kept(i.real("held")));
    for (row, j, at) in course.numbers() {
        let whole = course.arriving(i, (row, j), &[dh[at], held[at].value]);
        let nothing = Sum::exact(0.0);
        [d[at], held[at]] = match counts(mask[course.moment(row, course.now)]) {
            true => [whole, nothing],
            false => [nothing, whole],
        };
    }
    vec![real("d", d), real("held", held)]
}
