//! How far a right f32 kernel may be off: the bound holds every order, and little more.

use super::{float, floats, output, words};

/// f32 sums of the same terms: one after the other, backwards, by pairs, by eight lanes.
fn orders(terms: &[f32]) -> [f32; 4] {
    fn pairs(terms: &[f32]) -> f32 {
        match terms {
            [] => 0.0,
            [one] => *one,
            more => {
                let (left, right) = more.split_at(more.len() / 2);
                pairs(left) + pairs(right)
            }
        }
    }
    let lane = |n: usize| terms.iter().skip(n).step_by(8).fold(0.0, |sum, v| sum + v);
    let forth = terms.iter().fold(0.0, |sum, v| sum + v);
    let back = terms.iter().rev().fold(0.0, |sum, v| sum + v);
    [forth, back, pairs(terms), (0..8).map(lane).sum()]
}

const SUM: &str = "
    var sum = 0.0;
    for (var i = 0u; i < arrayLength(&x); i++) { sum += x[i]; }
    y[0] = sum;";

fn random(n: u32) -> f32 {
    let scrambled = n.wrapping_mul(0x9e37_79b9) ^ (n.wrapping_mul(0x85eb_ca6b) >> 13);
    (scrambled.wrapping_mul(0xc2b2_ae35) >> 8) as f32 / 16_777_216.0
}

#[test]
fn a_sum_in_any_order_is_within_the_bound_and_the_bound_is_that_of_any_order() {
    let kinds: [(&str, Vec<f32>); 5] = [
        ("random", (0..1000).map(random).collect()),
        ("of both signs", (0..1000).map(|n| random(n) - 0.5).collect()),
        ("equal", vec![0.3; 1000]),
        ("one large at the end", (0..999).map(random).chain([1e6]).collect()),
        ("cancelling", (0..500).flat_map(|n| [1e3 + random(n), -1e3]).collect()),
    ];
    for (name, terms) in kinds {
        let (value, allowed) = floats(SUM, &terms, 1)[0];
        let size: f64 = terms.iter().map(|v| f64::from(v.abs())).sum();
        for (n, sum) in orders(&terms).into_iter().enumerate() {
            let off = (f64::from(sum) - value).abs();
            assert!(off <= allowed, "{name}, order {n}: off by {off:e}, {allowed:e} are allowed");
        }
        let most = 2.01 * terms.len() as f64 * 2f64.powi(-24) * size;
        assert!(allowed <= most, "{name}: {allowed:e} is more than {most:e}");
    }
}

#[test]
fn a_kernel_that_is_off_by_a_ten_thousandth_is_outside() {
    let terms: Vec<f32> = (0..200).map(random).collect();
    let (value, allowed) = floats(SUM, &terms, 1)[0];
    assert!((1.0001 * value - value).abs() > allowed, "{value} {allowed:e}");
    let part = terms[..199].iter().map(|v| f64::from(*v)).sum::<f64>();
    assert!((part - value).abs() > allowed, "a term that is left out");
    let (value, allowed) = floats("y[0] = exp(x[0]) * x[1] / (1.0 + exp(-x[1]));", &[0.7, 1.3], 1)[0];
    assert!((1.0001 * value - value).abs() > allowed, "{value} {allowed:e}");
}

#[test]
fn counts_and_sums_of_few_digits_are_exact() {
    let terms: Vec<f32> = (0..1000).map(|n| (n % 9) as f32 / 4.0 - 1.0).collect();
    let (value, allowed) = floats(SUM, &terms, 1)[0];
    assert_eq!(value, terms.iter().map(|v| f64::from(*v)).sum::<f64>());
    assert_eq!(allowed, 0.0);
    // And what rounds behind them has the bound of all orders.
    let one = |last: f32| floats(SUM, &[vec![1.0; 1000], vec![last]].concat(), 1)[0].1;
    assert_eq!(one(0.5), 0.0);
    assert!(one(0.1) > 1000.0 * 1000.0 * 2f64.powi(-24));
}

#[test]
fn a_variance_of_two_passes_does_not_let_the_difference_of_squares_pass() {
    let x: Vec<f32> = (0..16).map(|n| 4000.0 + random(n)).collect();
    let body = "
        var mean = 0.0;
        for (var i = 0u; i < 16u; i++) { mean += x[i]; }
        mean /= 16.0;
        var squares = 0.0;
        for (var i = 0u; i < 16u; i++) { let d = x[i] - mean; squares += d * d; }
        y[0] = squares / 16.0;";
    let (value, allowed) = floats(body, &x, 1)[0];
    let mean = x.iter().sum::<f32>() / 16.0;
    let right = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / 16.0;
    assert!((f64::from(right) - value).abs() <= allowed, "{right} {value} {allowed:e}");
    let wrong = x.iter().map(|v| v * v).sum::<f32>() / 16.0 - mean * mean;
    assert!((f64::from(wrong) - value).abs() > allowed, "{wrong} {value} {allowed:e}");
}

#[test]
fn subnormal_numbers_may_be_zeros() {
    let tiny = 1e-40f32;
    let values = floats(
        "y[0] = x[0]; y[1] = x[0] + x[0]; y[2] = x[0] * x[1]; y[3] = x[1] * x[1] * x[2];",
        &[tiny, 0.5, 3e-38],
        4,
    );
    let size = f64::from(tiny);
    assert!(values[0].1 >= size, "a copy may be flushed");
    assert!(values[1].1 >= 2.0 * size);
    assert!(values[2].1 >= size / 2.0);
    assert!(values[3].1 >= values[3].0, "{:?}", values[3]);
    assert!(values.iter().all(|(_, allowed)| *allowed < 1e-36));
}

#[test]
fn what_overflows_goes_on_as_mathematics_has_it() {
    let values =
        floats("y[0] = exp(x[0]); y[1] = 1.0 / (1.0 + exp(x[0])); y[2] = x[1] / x[1];", &[100.0, 0.0], 3);
    assert!((values[0].0 / 100f64.exp() - 1.0).abs() < 1e-12 && values[0].0 > f64::from(f32::MAX));
    assert!(values[1].0 < 1e-43 && values[1].1 > values[1].0 && values[1].1 < 1e-36);
    assert!(
        values[2].0.is_nan() && !values[2].1.is_finite(),
        "no number, which no comparison takes: {:?}",
        values[2]
    );
}

#[test]
fn selections_by_a_number_that_rounding_may_turn_hold_both() {
    let body = "
        let third = x[0] / 3.0 * 3.0;
        y[0] = select(5.0, 6.0, third < x[0]);
        y[1] = max(third, x[0]);
        y[2] = floor(third);
        y[3] = sign(third - x[0]);
        y[4] = f32(third >= x[0]);
        y[5] = select(third, x[0], third >= x[0]);
        y[6] = step(third, x[0]);
        y[7] = select(5.0, 6.0, third < x[0] + 0.01);
        y[8] = clamp(third, x[0], 2.0);";
    let values = floats(body, &[1.0], 9);
    for (n, reach) in [(0, [5.0, 6.0]), (2, [0.0, 1.0]), (3, [-1.0, 1.0]), (4, [0.0, 1.0]), (6, [0.0, 1.0])] {
        let (value, allowed) = values[n];
        assert!(reach.iter().all(|v| (v - value).abs() <= allowed), "y[{n}]: {value} {allowed}");
    }
    for n in [1, 5, 8] {
        let (value, allowed) = values[n];
        assert!(
            (value - 1.0).abs() < 1e-15 && allowed > 1e-8 && allowed < 1e-5,
            "y[{n}]: {value} {allowed:e}"
        );
    }
    assert_eq!(values[7], (6.0, 0.0));
}

#[test]
fn a_workgroup_that_shares_its_sum_has_the_bound_of_all_terms() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        @compute @workgroup_size(1) fn main() {
            var parts: array<f32, 4>;
            for (var i = 0u; i < 64u; i++) { parts[i % 4u] += x[i]; }
            y[0] = (parts[0] + parts[1]) + (parts[2] + parts[3]);
        }";
    let terms: Vec<f32> = (0..64).map(random).collect();
    let (shared, plain) =
        (float(output(text, [1, 1, 1], &[vec![0], words(&terms)])[0]), floats(SUM, &terms, 1)[0]);
    assert!((shared.1 / plain.1 - 1.0).abs() < 1e-6, "{shared:?} {plain:?}");
}
