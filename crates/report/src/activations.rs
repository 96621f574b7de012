//! Chart of every element-wise activation with its derivative, from the definitions against which the kernels are
//! proven.

use super::chart::{Axis, Curve, Panel, Panels, Point, Svg};
use wgrad::op::{Activation, At, activations::ACTIVATIONS};

/// Half of the range of x, which is centred on 0.
const REACH: f64 = 7.0;
/// Steps of a curve, chosen so that the kinks, at whole numbers, are among its points.
const POINTS: i32 = 56;
/// Largest drawn value: the exponential would otherwise flatten everything else.
const HIGHEST: f64 = 7.0;

/// Draws the chart.
pub fn chart() -> Svg {
    let curves = [("activation", false), ("derivative", true)];
    let curves = curves.map(|(name, dashed)| Curve { name: name.into(), dashed });
    let panel = |activation: &&Activation| {
        let along = (0..=POINTS).map(|n| REACH * (2.0 * f64::from(n) / f64::from(POINTS) - 1.0));
        let curve = |f: fn(&Activation, f64) -> f64| {
            let point = |x: f64| Point {
                x,
                y: Some(f(activation, x)).filter(|y| *y <= HIGHEST).unwrap_or(f64::NAN),
                band: None,
            };
            along.clone().map(point).collect()
        };
        Panel { name: activation.name.into(), curves: vec![curve(|a, x| (a.value)(x)), curve(slope)] }
    };
    Panels {
        title: "Activations and their derivatives".into(),
        x: Axis { label: "x".into(), ..Axis::default() },
        curves: curves.into(),
        panels: ACTIVATIONS.iter().map(panel).collect(),
    }
    .svg()
}

/// Returns the derivative at x, whether it is defined as a function of the input or of the output.
fn slope(activation: &Activation, x: f64) -> f64 {
    let at = if activation.at == At::Output { (activation.value)(x) } else { x };
    (activation.grad)(at)
}
