//! Element-wise activations: each is a WGSL file of two functions in `shaders/activations/` and a line here.

use crate::{Error, Result};
use At::{Input, Output};
use std::fmt;

/// The argument of an activation's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The output y: the activation can be fused into the kernel that produces it, and x need not be kept.
    Output,
    /// The input x, because y does not determine the gradient: such an activation is a dispatch of its own in training.
    Input,
}

/// An element-wise activation.
pub struct Activation {
    /// Keras's name.
    pub name: &'static str,
    /// Two functions in WGSL: `activate(x)`, and `activate_grad` of the value that [`Activation::at`] names.
    pub source: &'static str,
    /// The argument of `grad`.
    pub at: At,
    /// y = f(x), in f64.
    pub value: fn(f64) -> f64,
    /// dy/dx as a function of y or of x, in f64.
    pub grad: fn(f64) -> f64,
    /// Number of roundings that `activate` and `activate_grad` may cost: 0 if they only select, more if they
    /// take exp, log or tanh, which GPUs compute to a few units in the last place (Vulkan: 3 + 2|x|).
    pub roundings: [f64; 2],
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! activations {
    ($($id:ident $name:literal $at:ident $value:expr, $grad:expr, [$forward:literal, $backward:literal];)+) => {
        $(
            #[doc = concat!("The activation `", $name, "`.")]
            pub static $id: Activation = Activation {
                name: $name,
                source: include_str!(concat!("../../shaders/activations/", $name, ".wgsl")),
                at: $at,
                value: $value,
                grad: $grad,
                roundings: [$forward, $backward],
            };
        )+
        /// Every element-wise activation.
        pub static ACTIVATIONS: &[&Activation] = &[$(&$id),+];
    };
}

// name, argument of the gradient, y = f(x), dy/dx, roundings of both
activations! {
    LINEAR       "linear"       Output |x| x, |_| 1.0, [0.0, 0.0];
    RELU         "relu"         Output |x| x.max(0.0), |y| if y > 0.0 { 1.0 } else { 0.0 }, [0.0, 0.0];
    RELU6        "relu6"        Output |x| x.clamp(0.0, 6.0), |y| if y > 0.0 && y < 6.0 { 1.0 } else { 0.0 }, [0.0, 0.0];
    LEAKY_RELU   "leaky_relu"   Output |x| if x > 0.0 { x } else { 0.2 * x }, |y| if y > 0.0 { 1.0 } else { 0.2 }, [2.0, 2.0];
    ELU          "elu"          Output |x| if x > 0.0 { x } else { x.exp() - 1.0 }, |y| if y > 0.0 { 1.0 } else { y + 1.0 }, [24.0, 1.0];
    SELU         "selu"         Output |x| SCALE * if x > 0.0 { x } else { ALPHA * (x.exp() - 1.0) }, |y| if y > 0.0 { SCALE } else { y + SCALE * ALPHA }, [24.0, 2.0];
    SIGMOID      "sigmoid"      Output |x| 1.0 / (1.0 + (-x).exp()), |y| y * (1.0 - y), [24.0, 1.0];
    HARD_SIGMOID "hard_sigmoid" Output |x| (x / 6.0 + 0.5).clamp(0.0, 1.0), |y| if y > 0.0 && y < 1.0 { 1.0 / 6.0 } else { 0.0 }, [4.0, 2.0];
    TANH         "tanh"         Output |x| x.tanh(), |y| 1.0 - y * y, [24.0, 1.0];
    SOFTPLUS     "softplus"     Output softplus, |y| 1.0 - (-y).exp(), [24.0, 24.0];
    SOFTSIGN     "softsign"     Output |x| x / (1.0 + x.abs()), |y| (1.0 - y.abs()) * (1.0 - y.abs()), [6.0, 4.0];
    EXPONENTIAL  "exponential"  Output f64::exp, |y| y, [24.0, 0.0];
    GELU         "gelu"         Input  |x| x * normal(x), |x| normal(x) + x * density(x), [24.0, 40.0];
    GELU_TANH    "gelu_tanh"    Input  |x| 0.5 * x * (1.0 + bend(x).tanh()), gelu_tanh_grad, [24.0, 40.0];
    SILU         "silu"         Input  |x| x / (1.0 + (-x).exp()), |x| sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))), [24.0, 40.0];
    HARD_SILU    "hard_silu"    Input  |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0), hard_silu_grad, [6.0, 6.0];
    MISH         "mish"         Input  |x| x * softplus(x).tanh(), mish_grad, [40.0, 60.0];
}

/// Self-normalizing networks (Klambauer et al. 2017).
const SCALE: f64 = 1.050_700_987_355_480_5;
const ALPHA: f64 = 1.673_263_242_354_377_3;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// log(1 + exp(x)), without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The density of the standard normal distribution.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The standard normal distribution function, (1 + erf(x / √2)) / 2, to about 1e-14: a series for small arguments, a
/// continued fraction for large ones (Abramowitz and Stegun 26.2.11 and 26.2.14).
pub fn normal(x: f64) -> f64 {
    let z = x.abs();
    if z < 3.0 {
        let (mut term, mut sum) = (z, z);
        for n in 1..100 {
            term *= z * z / f64::from(2 * n + 1);
            sum += term;
        }
        return 0.5 + density(x) * if x < 0.0 { -sum } else { sum };
    }
    let fraction = (1..80).rev().fold(z, |tail, n| z + f64::from(n) / tail);
    let beyond = density(x) / fraction;
    if x < 0.0 { beyond } else { 1.0 - beyond }
}

/// √(2/π) · (x + 0.044715 x³) (Hendrycks and Gimpel 2016).
fn bend(x: f64) -> f64 {
    (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))
}

fn gelu_tanh_grad(x: f64) -> f64 {
    let (t, slope) = (bend(x).tanh(), (2.0 / std::f64::consts::PI).sqrt() * (1.0 + 0.134_145 * x * x));
    0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope
}

fn hard_silu_grad(x: f64) -> f64 {
    if x <= -3.0 {
        0.0
    } else if x >= 3.0 {
        1.0
    } else {
        x / 3.0 + 0.5
    }
}

fn mish_grad(x: f64) -> f64 {
    let t = softplus(x).tanh();
    t + x * (1.0 - t * t) * sigmoid(x)
}

/// The element-wise activation with that name.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn activation(name: &str) -> Result<&'static Activation> {
    // Keras has two names for each of these.
    let name = match name {
        "swish" => "silu",
        "hard_swish" => "hard_silu",
        _ => name,
    };
    ACTIVATIONS.iter().copied().find(|a| a.name == name).ok_or_else(|| Error::Unknown {
        what: "activation",
        got: name.to_string(),
        known: ACTIVATIONS.iter().map(|a| a.name).chain(["softmax"]).collect::<Vec<_>>().join(", "),
    })
}
