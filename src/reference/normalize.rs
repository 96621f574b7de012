//! Twins of batch and layer normalization and of PReLU, whose parameters repeat over the rows of the input.

use crate::op::twin::{EPSILON, Expected, Inputs, Sum, flushed};

/// The rows of split `s` among the first `valid`.
fn rows_of(i: &Inputs<'_>, s: usize, valid: usize) -> std::ops::Range<usize> {
    let per = i.size("PER");
    (s * per).min(valid)..((s + 1) * per).min(valid)
}

/// Mean of `values`, and Σ (x - mean)², each with the error that f32 may cause.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (Sum, Sum) {
    let n = values.clone().count();
    if n == 0 {
        return (Sum::exact(0.0), Sum::exact(0.0));
    }
    let mut sum = Sum::new();
    values.clone().for_each(|x| sum.add(x));
    let mean = sum.times(1.0 / n as f64);
    let mut squares = Sum::new();
    values.for_each(|x| squares.add((x - mean.value).powi(2)));
    // An error d of the mean adds n d²; and a difference is rounded before it is squared.
    let rounding = squares.allowed();
    (mean, squares.widen(rounding + n as f64 * mean.allowed().powi(2)))
}

/// 1 / √(variance + epsilon)
fn inverse(variance: Sum, epsilon: f64) -> Sum {
    let sum = variance.value + epsilon;
    let value = 1.0 / sum.sqrt();
    // Over the range of the sum; no sum of squares is below zero.
    let low = (sum - variance.allowed()).max(epsilon).min(sum);
    Sum::within(value, (1.0 / low.sqrt() - value) + 8.0 * EPSILON / low.sqrt())
}

/// 1 / √(squares, or epsilon where that is more)
fn inverse_length(squares: Sum, epsilon: f64) -> Sum {
    let of = |squares: f64| 1.0 / squares.max(epsilon).sqrt();
    let (value, most) = (of(squares.value), of(squares.value - squares.allowed()));
    Sum::within(value, (most - value) + 8.0 * EPSILON * most)
}

/// partials(SPLITS, 2, C) = mean and Σ (x - mean)² of each split's valid rows
pub fn batch_norm_partials(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [spatial, c, splits] = i.sizes(["SPATIAL", "C", "SPLITS"]);
    let (x, valid) = (i.real("x"), i.step.rows as usize * spatial);
    let mut partials = Vec::new();
    for split in 0..splits {
        let of = |channel| moments(rows_of(i, split, valid).map(move |row| x[row * c + channel]));
        let both: Vec<_> = (0..c).map(of).collect();
        partials.extend(both.iter().map(|(mean, _)| *mean).chain(both.iter().map(|(_, squares)| *squares)));
    }
    vec![("partials", Expected::Real(partials))]
}

/// stats(4, C) = mean, inverse, a, b of y = a · x + b, from a mean and an inverse
fn stats(i: &Inputs<'_>, [gamma, beta]: [&[f64]; 2], of: impl Fn(usize) -> (Sum, Sum)) -> Expected {
    let (c, scaled) = (i.size("C"), i.size("SCALED") == 1);
    let mut rows = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for channel in 0..c {
        let (mean, inverse) = of(channel);
        let a = inverse.times(if scaled { gamma[channel] } else { 1.0 });
        let mut b = Sum::of(beta[channel]);
        b.add(-mean.value * a.value);
        let off = mean.allowed() * a.value.abs() + mean.value.abs() * a.allowed();
        for (row, sum) in rows.iter_mut().zip([mean, inverse, a, b.widen(off)]) {
            row.push(sum);
        }
    }
    Expected::Real(rows.concat())
}

/// stats(4, C), and moving = MOMENTUM · moving + (1 - MOMENTUM) · (mean or variance)
pub fn batch_norm_combine(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [spatial, c, splits] = i.sizes(["SPATIAL", "C", "SPLITS"]);
    let (partials, valid) = (i.real("partials"), i.step.rows as usize * spatial);
    let mean_of = |s: usize, channel: usize| partials[s * 2 * c + channel];
    let of = |channel: usize| {
        let (mut mean, mut variance) = (Sum::new(), Sum::new());
        for s in 0..splits {
            mean.add(rows_of(i, s, valid).len() as f64 * mean_of(s, channel));
        }
        let mean = mean.times(1.0 / valid as f64);
        for s in 0..splits {
            variance.add(partials[(s * 2 + 1) * c + channel]);
            variance.add(rows_of(i, s, valid).len() as f64 * (mean_of(s, channel) - mean.value).powi(2));
        }
        // An error d of the total mean changes the squares of the splits' means by up to 2 d |distance| each.
        let distance = (0..splits).map(|s| (mean_of(s, channel) - mean.value).abs()).fold(0.0, f64::max);
        let off = mean.allowed() * (2.0 * distance + mean.allowed());
        (mean, variance.times(1.0 / valid as f64).widen(off))
    };
    let momentum = i.number("MOMENTUM");
    let moved = |name: &str, which: fn((Sum, Sum)) -> Sum| {
        let next = |(channel, moving): (usize, &f64)| {
            let now = which(of(channel));
            let mut sum = Sum::new();
            sum.add(momentum * moving);
            sum.add((1.0 - momentum) * now.value);
            // 1 - MOMENTUM is correct to a rounding of one.
            sum.widen((1.0 - momentum) * now.allowed() + EPSILON * now.value.abs())
        };
        Expected::Real(i.real(name).iter().enumerate().map(next).collect())
    };
    let epsilon = i.number("EPSILON");
    let (gamma, beta) = i.real("affine").split_at(c);
    let stats = stats(i, [gamma, beta], |channel| {
        let (mean, variance) = of(channel);
        (mean, inverse(variance, epsilon))
    });
    vec![
        ("stats", stats),
        ("moving_mean", moved("moving_mean", |(mean, _)| mean)),
        ("moving_variance", moved("moving_variance", |(_, variance)| variance)),
    ]
}

/// stats(4, C) from the moving averages
pub fn batch_norm_moving(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (mean, variance, epsilon) = (i.real("moving_mean"), i.real("moving_variance"), i.number("EPSILON"));
    let of = |channel: usize| (Sum::exact(mean[channel]), inverse(Sum::exact(variance[channel]), epsilon));
    vec![("stats", stats(i, [i.real("gamma"), i.real("beta")], of))]
}

/// y(ITEMS, C) = activate(a · x + b)
pub fn batch_norm_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (c, stats) = (i.size("C"), i.real("stats"));
    let of = |(at, x): (usize, &f64)| {
        let mut sum = Sum::of(stats[3 * c + at % c]);
        sum.add(stats[2 * c + at % c] * x);
        sum.through(i.activation)
    };
    vec![("y", Expected::Real(i.real("x").iter().enumerate().map(of).collect()))]
}

/// partials(SPLITS, 2, C) = Σ dy · x̂ and Σ dy; `hat` returns the mean and the inverse for an element
fn grad_partials(i: &Inputs<'_>, hat: impl Fn(usize, usize) -> (f64, f64)) -> Vec<(&'static str, Expected)> {
    let [items, c, splits] = i.sizes(["ITEMS", "C", "SPLITS"]);
    let (x, dy) = (i.real("x"), i.real("dy"));
    let mut partials = vec![Sum::new(); splits * 2 * c];
    for split in 0..splits {
        for (row, channel) in
            rows_of(i, split, items).flat_map(|row| (0..c).map(move |channel| (row, channel)))
        {
            let (d, (mean, inverse)) = (dy[row * c + channel], hat(row, channel));
            let dgamma = &mut partials[split * 2 * c + channel];
            dgamma.add(d * inverse * x[row * c + channel]);
            dgamma.add(-d * inverse * mean);
            partials[(split * 2 + 1) * c + channel].add(d);
        }
    }
    vec![("partials", Expected::Real(partials))]
}

/// partials(SPLITS, 2, C) = Σ dy · x̂ and Σ dy of each split
pub fn batch_norm_grad_partials(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (c, stats) = (i.size("C"), i.real("stats"));
    grad_partials(i, |_, channel| (stats[channel], stats[c + channel]))
}

/// dgamma(C), dbeta(C), and coefficients(3, C) of dx = k0 · dy + k1 · x + k2
pub fn batch_norm_grad_combine(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [spatial, c, splits] = i.sizes(["SPATIAL", "C", "SPLITS"]);
    let (partials, stats, gamma) = (i.real("partials"), i.real("stats"), i.real("gamma"));
    let n = (i.step.rows as usize * spatial) as f64;
    let sum = |row: usize, channel: usize| {
        let mut sum = Sum::new();
        (0..splits).for_each(|s| sum.add(partials[(s * 2 + row) * c + channel]));
        sum
    };
    let (dgamma, dbeta): (Vec<Sum>, Vec<Sum>) = (0..c).map(|at| (sum(0, at), sum(1, at))).unzip();
    let mut coefficients = [Vec::new(), Vec::new(), Vec::new()];
    for channel in 0..c {
        let (mean, inverse) = (stats[channel], stats[c + channel]);
        let k0 = Sum::exact(inverse).times(if i.size("SCALED") == 1 { gamma[channel] } else { 1.0 });
        let k1 = dgamma[channel]
            .times(-k0.value * inverse / n)
            .widen(4.0 * EPSILON * (k0.value * inverse * dgamma[channel].value / n).abs());
        let mut k2 = Sum::new();
        k2.add(-k0.value * dbeta[channel].value / n);
        k2.add(-k1.value * mean);
        let off = (k0.value / n).abs() * dbeta[channel].allowed() + k1.allowed() * mean.abs();
        let rounding = 4.0 * EPSILON * (k0.value * dbeta[channel].value / n).abs();
        for (row, sum) in coefficients.iter_mut().zip([k0, k1, k2.widen(off + rounding)]) {
            row.push(sum);
        }
    }
    vec![
        ("dgamma", Expected::Real(dgamma)),
        ("dbeta", Expected::Real(dbeta)),
        ("coefficients", Expected::Real(coefficients.concat())),
    ]
}

/// dx(ROWS·SPATIAL, C) = (k0 · dy + k1 · x + k2) * activate_grad(x), and 0 beyond the valid rows
pub fn batch_norm_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [spatial, c] = i.sizes(["SPATIAL", "C"]);
    let (dy, x, k) = (i.real("dy"), i.real("x"), i.real("coefficients"));
    let valid = i.step.rows as usize * spatial;
    let of = |at: usize| {
        let mut sum = Sum::new();
        if at / c < valid {
            sum.add(k[at % c] * dy[at]);
            sum.add(k[c + at % c] * x[at]);
            sum.add(k[2 * c + at % c]);
        }
        sum.sloped(i.activation, x[at])
    };
    vec![("dx", Expected::Real((0..x.len()).map(of).collect()))]
}

/// What layer normalization divides a group of numbers by.
#[derive(Clone, Copy, PartialEq)]
enum Norm {
    /// Its deviation, behind the subtraction of its mean.
    Deviation,
    /// Its root mean square.
    RootMeanSquare,
    /// Its length.
    Length,
}

/// Groups of numbers that are normalized together: each is a share of the channels, at all places of an item.
struct Groups {
    norm: Norm,
    places: usize,
    channels: usize,
    /// Number of groups of an item.
    count: usize,
}

impl Groups {
    fn of(i: &Inputs<'_>) -> Self {
        let norm = match i.size("NORM") {
            0 => Norm::Deviation,
            1 => Norm::RootMeanSquare,
            _ => Norm::Length,
        };
        let [places, count] = i.sizes(["SPATIAL", "GROUPS"]).map(|size| size.max(1));
        Self { norm, places, channels: i.size("C"), count }
    }

    /// Number of elements of a group.
    fn len(&self) -> usize {
        self.places * self.channels / self.count
    }

    /// The elements of group `group` of all.
    fn elements(&self, group: usize) -> impl Iterator<Item = usize> + Clone {
        let (all, share) = (self.channels, self.channels / self.count);
        let start = group / self.count * self.places * all + group % self.count * share;
        (0..self.places).flat_map(move |place| (0..share).map(move |c| start + place * all + c))
    }

    /// The mean that is subtracted, of a group's two statistics.
    fn mean(&self, stats: &[f64]) -> f64 {
        if self.norm == Norm::Deviation { stats[0] } else { 0.0 }
    }
}

/// y(ITEMS, SPATIAL, C) = activate(gamma · (x - mean) · inverse + beta), stats(ITEMS, GROUPS, 2) = mean and inverse of
/// each group; for a length, in place of the mean 1, or 0 where EPSILON stands for it
pub fn layer_norm_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (groups, epsilon) = (Groups::of(i), i.number("EPSILON"));
    let (x, gamma, beta, scaled) = (i.real("x"), i.real("gamma"), i.real("beta"), i.size("SCALED") == 1);
    let (mut y, mut stats) = (vec![Sum::new(); x.len()], Vec::new());
    for group in 0..i.size("ITEMS") * groups.count {
        let values = groups.elements(group).map(|at| x[at]);
        let squares = || {
            let mut squares = Sum::new();
            values.clone().for_each(|x| squares.add(x * x));
            squares
        };
        let share = 1.0 / groups.len() as f64;
        let (mean, first, inverse) = match groups.norm {
            Norm::Deviation => {
                let (mean, squares) = moments(values.clone());
                (mean, mean, inverse(squares.times(share), epsilon))
            }
            Norm::RootMeanSquare => {
                (Sum::exact(0.0), Sum::exact(0.0), inverse(squares().times(share), epsilon))
            }
            Norm::Length => {
                let squares = squares();
                let long = f64::from(u8::from(squares.value >= epsilon));
                (Sum::exact(0.0), Sum::exact(long), inverse_length(squares, epsilon))
            }
        };
        for at in groups.elements(group) {
            let (x, c) = (x[at], at % groups.channels);
            let gamma = if scaled { gamma[c] } else { 1.0 };
            let mut sum = Sum::of(beta[c]);
            sum.add((x - mean.value) * inverse.value * gamma);
            let distance = (x - mean.value).abs() + mean.allowed();
            let missing = mean.allowed() + (x - flushed(x)).abs();
            let off = missing * inverse.value + distance * inverse.allowed();
            let rounding = 4.0 * EPSILON * ((x - mean.value) * inverse.value).abs();
            y[at] = sum.widen(gamma.abs() * (off + rounding)).through(i.activation);
        }
        stats.extend([first, inverse]);
    }
    vec![("y", Expected::Real(y)), ("stats", Expected::Real(stats))]
}

/// dx(ITEMS, SPATIAL, C) = inverse · (g - (Σ g + x̂ · Σ g · x̂) / n) * activate_grad(x), g = gamma · dy, over each group
/// of n numbers; without a mean there is no Σ g, and for a length 1 / n is the first of the statistics
pub fn layer_norm_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (groups, scaled) = (Groups::of(i), i.size("SCALED") == 1);
    let (dy, x, gamma) = (i.real("dy"), i.real("x"), i.real("gamma"));
    let mut dx = vec![Sum::new(); x.len()];
    for (group, stats) in i.real("stats").chunks(2).enumerate() {
        let (mean, inverse) = (groups.mean(stats), stats[1]);
        let centred = groups.norm == Norm::Deviation;
        let share = if groups.norm == Norm::Length { stats[0] } else { 1.0 / groups.len() as f64 };
        let g = |at: usize| dy[at] * if scaled { gamma[at % groups.channels] } else { 1.0 };
        let (mut sum, mut along) = (Sum::new(), Sum::new());
        for at in groups.elements(group) {
            along.add(g(at) * inverse * x[at]);
            if centred {
                sum.add(g(at));
                along.add(-g(at) * inverse * mean);
            }
        }
        for at in groups.elements(group) {
            let x = x[at];
            let (hat, size) = ((x - mean) * inverse, (x.abs() + mean.abs()) * inverse.abs());
            let mut d = Sum::of(g(at));
            d.add(-sum.value * share);
            d.add(-hat * along.value * share);
            let off = (sum.allowed() + size * along.allowed() + 4.0 * EPSILON * size * along.value.abs())
                * share.abs();
            dx[at] = d.widen(off).times(inverse).sloped(i.activation, x);
        }
    }
    vec![("dx", Expected::Real(dx))]
}

/// partials(SPLITS, 2, C) = Σ dy · x̂ and Σ dy of each split
pub fn layer_norm_grad_weight(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (groups, stats) = (Groups::of(i), i.real("stats"));
    grad_partials(i, |row, channel| {
        let group = row / groups.places * groups.count + channel / (groups.channels / groups.count);
        let stats = &stats[2 * group..2 * group + 2];
        (groups.mean(stats), stats[1])
    })
}

/// y = x where x > 0, else alpha · x
pub fn prelu_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let alpha = i.real("alpha");
    let of = |(at, x): (usize, &f64)| {
        let below = Sum::of(*x).times(alpha[at % alpha.len()]);
        match *x > 0.0 {
            // A subnormal number may count as zero.
            true if flushed(*x) == 0.0 => Sum::exact(*x).or(below),
            true => Sum::exact(*x),
            false => below,
        }
    };
    vec![("y", Expected::Real(i.real("x").iter().enumerate().map(of).collect()))]
}

/// dx = dy · (1 where x > 0, else alpha) * activate_grad(x)
pub fn prelu_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (alpha, x) = (i.real("alpha"), i.real("x"));
    let of = |(at, dy): (usize, &f64)| {
        let slope = |x: f64| if x > 0.0 { 1.0 } else { alpha[at % alpha.len()] };
        let times = |x: f64| Sum::of(*dy).times(slope(x)).sloped(i.activation, x);
        times(x[at]).or(times(flushed(x[at])))
    };
    vec![("dx", Expected::Real(i.real("dy").iter().enumerate().map(of).collect()))]
}

/// partials(SPLITS, 2, A): Σ dy · x where x <= 0, and zeros
pub fn prelu_grad_weight(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [items, a, splits] = i.sizes(["ITEMS", "A", "SPLITS"]);
    let (x, dy) = (i.real("x"), i.real("dy"));
    let mut partials = vec![Sum::new(); splits * 2 * a];
    for split in 0..splits {
        for at in rows_of(i, split, items).flat_map(|row| row * a..(row + 1) * a) {
            partials[split * 2 * a + at % a].add(dy[at] * x[at].min(0.0));
        }
    }
    vec![("partials", Expected::Real(partials))]
}
