//! Twins of the optimizers, of clipping by the global norm, and of the moving average of the weights.

use crate::op::twin::{EPSILON, Expected, Inputs, SUBNORMAL, Sum};

pub(super) type Outputs = Vec<(&'static str, Expected)>;

/// The gradients after clipping.
pub(super) fn gradients(i: &Inputs<'_>) -> Vec<Sum> {
    let scale = i.real("scale").first().copied().filter(|_| i.size("CLIPPED") == 1);
    i.real("grad").iter().map(|g| scale.map_or(Sum::exact(*g), |scale| Sum::exact(*g).times(scale))).collect()
}

/// old + gain · (new - old): an exponential moving average.
fn towards(old: f64, gain: f64, new: Sum) -> Sum {
    let value = old + gain * (new.value - old);
    // Roundings of the difference, the gain, the product and the sum.
    let size = old.abs() + gain.abs() * (new.value.abs() + old.abs());
    Sum::within(value, 4.0 * EPSILON * size + gain.abs() * new.allowed())
}

/// g², with the rounding of g.
fn square(g: Sum) -> Sum {
    let value = g.value * g.value;
    Sum::within(value, 2.0 * EPSILON * value + 2.0 * g.value.abs() * g.allowed())
}

/// numerator / root; `share` is the relative error of the root.
fn over(numerator: Sum, root: f64, share: f64) -> Sum {
    let value = numerator.value / root;
    Sum::within(value, numerator.allowed() / root + value.abs() * (share + 4.0 * EPSILON))
}

/// p - rate · (decay · p + direction)
pub(super) fn descend(i: &Inputs<'_>, p: f64, direction: Sum) -> Sum {
    let (rate, decay) = (f64::from(i.step.learning_rate), i.number("WEIGHT_DECAY"));
    let size = (decay * p).abs() + direction.value.abs();
    let off = rate * (direction.allowed() + 4.0 * EPSILON * size);
    Sum::within(p - rate * (decay * p + direction.value), 2.0 * EPSILON * p.abs() + off)
}

pub(super) fn shift(i: &Inputs<'_>) -> f64 {
    f64::from(i.step.momentum_shift)
}

/// g = gradient + WEIGHT_DECAY · p; v = μ · v + g; p = p - lr · (NESTEROV ? g + μ · v : v)
pub fn sgd(i: &Inputs<'_>) -> Outputs {
    let (decay, momentum) = (i.number("WEIGHT_DECAY"), i.number("MOMENTUM") + shift(i));
    let nesterov = i.size("NESTEROV") == 1;
    let rate = f64::from(i.step.learning_rate);
    let (mut parameter, mut velocity) = (Vec::new(), Vec::new());
    for ((p, v), grad) in i.real("parameter").iter().zip(i.real("velocity")).zip(gradients(i)) {
        let mut g = Sum::of(grad.value).widen(grad.allowed());
        g.add(decay * p);
        let mut next = g;
        next.add(momentum * v);
        let direction = if nesterov { g.value + momentum * next.value } else { next.value };
        let size = grad.value.abs() + (decay * p).abs() + (momentum * v).abs();
        let mut new = Sum::of(*p);
        new.add(-rate * direction);
        // The direction carries the rounding of its own terms, scaled by the rate.
        parameter.push(new.widen(rate * 10.0 * EPSILON * size * (1.0 + momentum)));
        velocity.push(next.widen(2.0 * EPSILON * (momentum * v).abs()));
    }
    vec![("parameter", Expected::Real(parameter)), ("velocity", Expected::Real(velocity))]
}

/// m = m + (1 - beta_1) · (g - m); v = v + (1 - beta_2) · (g² - v);
/// p = p - lr · (WEIGHT_DECAY · p + correction · m / (√v + EPSILON))
pub fn adam(i: &Inputs<'_>) -> Outputs {
    let gains = [i.number("GAIN_1") - shift(i), i.number("GAIN_2")];
    let (mut parameter, mut means, mut squares) = (Vec::new(), Vec::new(), Vec::new());
    let old = i.real("parameter").iter().zip(i.real("m")).zip(i.real("v"));
    for (((p, m), v), g) in old.zip(gradients(i)) {
        let (direction, m, v) = adam_step(i, gains, *m, *v, g);
        parameter.push(descend(i, *p, direction));
        means.push(m);
        squares.push(v);
    }
    let [parameter, means, squares] = [parameter, means, squares].map(Expected::Real);
    vec![("parameter", parameter), ("m", means), ("v", squares)]
}

/// The direction of Adam and its moment estimates: correction · m / (√v + EPSILON), m, v.
pub(super) fn adam_step(i: &Inputs<'_>, gains: [f64; 2], m: f64, v: f64, g: Sum) -> (Sum, Sum, Sum) {
    let (epsilon, correction) = (i.number("EPSILON"), f64::from(i.step.correction));
    let (m, v) = (towards(m, gains[0], g), towards(v, gains[1], square(g)));
    let root = v.value.sqrt() + epsilon;
    // The relative error of √v is half that of v; near zero, its error is at most the root of v's.
    let off = (v.allowed() / (2.0 * v.value.sqrt()).max(f64::MIN_POSITIVE)).min(v.allowed().sqrt());
    (over(m, root, off / root).times(correction), m, v)
}

/// s = s + (1 - rho) · (g² - s); a = a + (1 - rho) · (g - a); b = μ · b + lr · g / √(s - a² + EPSILON);
/// p = p - lr · WEIGHT_DECAY · p - b
pub fn rmsprop(i: &Inputs<'_>) -> Outputs {
    let (gain, epsilon) = (i.number("GAIN"), i.number("EPSILON"));
    let (centered, heavy) = (i.size("CENTERED") == 1, i.size("HEAVY") == 1);
    let (rate, decay) = (f64::from(i.step.learning_rate), i.number("WEIGHT_DECAY"));
    let momentum = i.number("MOMENTUM") + shift(i);
    let exact = |name: &str| i.real(name).iter().map(|v| Sum::exact(*v)).collect::<Vec<_>>();
    let (mut parameter, mut squares) = (Vec::new(), Vec::new());
    let (mut means, mut momenta) = (exact("mean"), exact("momentum"));
    for (n, ((p, s), g)) in
        i.real("parameter").iter().zip(i.real("mean_square")).zip(gradients(i)).enumerate()
    {
        let s = towards(*s, gain, square(g));
        let mut variance = s;
        if centered {
            means[n] = towards(means[n].value, gain, g);
            let centre = square(means[n]);
            let off = s.allowed() + centre.allowed() + EPSILON * (s.value + centre.value);
            variance = Sum::within((s.value - centre.value).max(0.0), off);
        }
        let under = variance.value + epsilon;
        // 1 / √u over the range of u.
        let low = (under - variance.allowed() - 2.0 * EPSILON * under).max(epsilon * (1.0 - 2.0 * EPSILON));
        let share = (under / low).sqrt() - 1.0;
        // rate · g may be flushed to zero before it is divided by a small root.
        let mut change = over(g, under.sqrt(), share).times(rate).widen(SUBNORMAL / under.sqrt());
        if heavy {
            let before = momentum * momenta[n].value;
            let size = before.abs() + change.value.abs();
            change = Sum::within(change.value + before, change.allowed() + 4.0 * EPSILON * size);
            momenta[n] = change;
        }
        let size = p.abs() + rate * decay * p.abs() + change.value.abs();
        let value = p - rate * decay * p - change.value;
        parameter.push(Sum::within(value, change.allowed() + 4.0 * EPSILON * size));
        squares.push(s);
    }
    let [parameter, squares, means, momenta] = [parameter, squares, means, momenta].map(Expected::Real);
    vec![("parameter", parameter), ("mean_square", squares), ("mean", means), ("momentum", momenta)]
}

/// a = a + g²; p = p - lr · (WEIGHT_DECAY · p + g / √(a + EPSILON))
pub fn adagrad(i: &Inputs<'_>) -> Outputs {
    let epsilon = i.number("EPSILON");
    let (mut parameter, mut sums) = (Vec::new(), Vec::new());
    for ((p, a), g) in i.real("parameter").iter().zip(i.real("accumulator")).zip(gradients(i)) {
        let squared = square(g);
        let sum = Sum::within(a + squared.value, squared.allowed() + 2.0 * EPSILON * (a + squared.value));
        let under = sum.value + epsilon;
        let share = (sum.allowed() + 2.0 * EPSILON * under) / under;
        parameter.push(descend(i, *p, over(g, under.sqrt(), share)));
        sums.push(sum);
    }
    vec![("parameter", Expected::Real(parameter)), ("accumulator", Expected::Real(sums))]
}

/// c = m + (1 - beta_1) · (g - m); p = p - lr · (WEIGHT_DECAY · p + sign(c)); m = m + (1 - beta_2) · (g - m)
pub fn lion(i: &Inputs<'_>) -> Outputs {
    let (gain_1, gain_2) = (i.number("GAIN_1") - shift(i), i.number("GAIN_2"));
    let (mut parameter, mut means) = (Vec::new(), Vec::new());
    for ((p, m), g) in i.real("parameter").iter().zip(i.real("m")).zip(gradients(i)) {
        let c = towards(*m, gain_1, g);
        // f64's own signum of zero is positive.
        let sign = if c.value == 0.0 { 0.0 } else { c.value.signum() };
        // Within its rounding c may have either sign.
        let either = if c.value.abs() <= c.allowed() { 1.0 + sign.abs() } else { 0.0 };
        parameter.push(descend(i, *p, Sum::within(sign, either)));
        means.push(towards(*m, gain_2, g));
    }
    vec![("parameter", Expected::Real(parameter)), ("m", Expected::Real(means))]
}

/// total = (part == 0 ? 0 : total) + share · grad; grad = total
pub fn accumulate(i: &Inputs<'_>) -> Outputs {
    let share = f64::from(i.step.share);
    let pairs = i.real("total").iter().zip(i.real("grad"));
    let sums = pairs.map(|(total, grad)| {
        let mut sum = Sum::new();
        if i.step.part != 0 {
            sum.add(*total);
        }
        sum.add(share * grad);
        sum
    });
    let sums: Vec<_> = sums.collect();
    vec![("total", Expected::Real(sums.clone())), ("grad", Expected::Real(sums))]
}

/// average = average + share · (parameter - average); the parameter itself if it is not trained
pub fn moving_average(i: &Inputs<'_>) -> Outputs {
    let (trained, share) = (i.size("TRAINED"), f64::from(i.step.average));
    let pairs = i.real("average").iter().zip(i.real("parameter")).enumerate();
    let average = pairs.map(|(n, (old, p))| match n < trained && share < 1.0 {
        true => towards(*old, share, Sum::exact(*p)),
        false => Sum::exact(*p),
    });
    vec![("average", Expected::Real(average.collect()))]
}

/// partials = Σ grad² for each split s: over every SPLITS-th gradient, starting at s
pub fn square_partials(i: &Inputs<'_>) -> Outputs {
    let (splits, grad) = (i.size("SPLITS"), i.real("grad"));
    let partials = (0..splits).map(|split| {
        let mut sum = Sum::exact(0.0);
        grad.iter().skip(split).step_by(splits).for_each(|g| sum.add(g * g));
        sum
    });
    vec![("partials", Expected::Real(partials.collect()))]
}

/// A decreasing function of a sum that is at least zero, over the range of the sum.
pub(super) fn over_range(sum: Sum, f: impl Fn(f64) -> f64) -> Sum {
    let (value, off) = (f(sum.value), sum.allowed());
    let high = f((sum.value - off).max(0.0));
    Sum::within(value, (high - value).max(value - f(sum.value + off)) + 8.0 * EPSILON * high)
}

/// norm = √Σ partials; scale = norm > CLIPNORM ? CLIPNORM / norm : 1
pub fn clip_scale(i: &Inputs<'_>) -> Outputs {
    let clip = i.number("CLIPNORM");
    let mut sum = Sum::exact(0.0);
    i.real("partials").iter().for_each(|p| sum.add(*p));
    let scale = |sum: f64| if sum.sqrt() > clip { clip / sum.sqrt() } else { 1.0 };
    vec![("scale", Expected::Real(vec![over_range(sum, scale)]))]
}
