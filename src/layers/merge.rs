//! Layers that merge several inputs element by element, other than `Add`.

use super::{MaskRule, Place, Rules, UpSampling2D};
use crate::{
    kernels::{ADD, BINARY, BINARY_GRAD, UNARY},
    op::{Activation, Call, activations::LINEAR},
    program::{Builder, ValueId},
};

/// Functions of the operations `binary` and `binary_grad`.
const SUBTRACT: usize = 0;
const MULTIPLY: usize = 1;
const SMALLER: usize = 2;
const LARGER: usize = 3;

/// A · x + B, a function of the operation `unary`.
const SCALED: usize = 0;

/// The function of two inputs.
#[derive(Clone, Copy, PartialEq)]
enum Pairwise {
    Product,
    Difference,
    Mean,
    Larger,
    Smaller,
}

fn count(b: &Builder, shape: &[usize]) -> usize {
    b.batch() * shape.iter().product::<usize>()
}

/// Appends a function of `binary`.
fn binary(b: &mut Builder, label: &str, function: usize, [a, c]: [ValueId; 2], shape: &[usize]) -> ValueId {
    let y = b.batched(label, shape);
    let call = Call::new(&BINARY, &[("COUNT", count(b, shape)), ("FUNCTION", function)]);
    b.call(label, call, &[("y", y), ("a", a), ("b", c)]);
    y
}

/// Appends factor · x.
fn scaled(b: &mut Builder, label: &str, x: ValueId, factor: f64, shape: &[usize]) -> ValueId {
    let y = b.batched(label, shape);
    let call = Call::new(&UNARY, &[("COUNT", count(b, shape)), ("FUNCTION", SCALED)]);
    b.call(label, call.with("A", factor).with("B", 0.0), &[("y", y), ("x", x)]);
    y
}

/// An input of a function of two, and the activation that its kernel applied, through which its gradient goes.
type Side = (ValueId, &'static Activation);

impl Pairwise {
    fn forward(self, b: &mut Builder, label: &str, pair: [ValueId; 2], shape: &[usize]) -> ValueId {
        let function = match self {
            Self::Product => MULTIPLY,
            Self::Difference => SUBTRACT,
            Self::Larger => LARGER,
            Self::Smaller => SMALLER,
            Self::Mean => {
                let y = b.batched(label, shape);
                let [a, c] = pair;
                let call = Call::new(&ADD, &[("COUNT", count(b, shape))]);
                b.call(label, call, &[("y", y), ("a", a), ("b", c)]);
                return y;
            }
        };
        binary(b, label, function, pair, shape)
    }

    /// The function of `binary_grad`, through whose kernel a gradient also goes through the input's activation; none where
    /// a gradient is dy, or dy with the other sign.
    fn differentiated(self) -> Option<usize> {
        match self {
            Self::Product => Some(MULTIPLY),
            Self::Larger => Some(LARGER),
            Self::Smaller => Some(SMALLER),
            Self::Difference | Self::Mean => None,
        }
    }

    /// The gradients of both inputs. Where both are equal, the larger and the smaller give each half of it.
    fn backward(
        self,
        b: &mut Builder,
        label: &str,
        sides: [Side; 2],
        dy: ValueId,
        shape: &[usize],
    ) -> [ValueId; 2] {
        let [first, second] = sides;
        let name = format!("d {label}");
        match self.differentiated() {
            Some(function) => [(first, second), (second, first)].map(|((own, activation), (other, _))| {
                let dx = b.batched(&name, shape);
                let call = Call::new(&BINARY_GRAD, &[("COUNT", count(b, shape)), ("FUNCTION", function)]);
                let buffers = [("dx", dx), ("dy", dy), ("a", own), ("b", other)];
                b.call(label, call.activated(activation), &buffers);
                dx
            }),
            None if self == Self::Difference => [dy, scaled(b, label, dy, -1.0, shape)],
            None => [dy, dy],
        }
    }

    fn shape(self, kind: &str, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        if inputs.len() < 2 {
            return Err(format!(
                "it takes two or more inputs, got {}; name them: inputs = [\"a\", \"b\"]",
                inputs.len()
            ));
        }
        if self == Self::Difference && inputs.len() > 2 {
            return Err(format!("{kind} takes two inputs, got {}", inputs.len()));
        }
        let whole = inputs.iter().max_by_key(|shape| shape.iter().product::<usize>()).unwrap_or(&inputs[0]);
        match inputs.iter().find(|shape| *shape != whole && spread(shape, whole).is_none()) {
            None => Ok(whole.clone()),
            Some(other) => Err(format!(
                "it takes inputs of one shape, or of one value for each channel such as (1, 1, channels), got {whole:?} and \
                 {other:?}"
            )),
        }
    }

    /// The inputs in the shape of the output. Those with one value for each channel are repeated.
    fn inputs(b: &mut Builder, place: &Place) -> Vec<ValueId> {
        let parts = place.inputs.clone();
        parts
            .iter()
            .map(|(x, shape)| match spread(shape, &place.output) {
                Some(layer) if *shape != place.output => layer.forward(b, &mut image(place, *x, shape)),
                _ => *x,
            })
            .collect()
    }

    fn forward_all(self, b: &mut Builder, place: &mut Place) -> ValueId {
        let inputs = Self::inputs(b, place);
        let mut so_far = inputs[0];
        let mut saved = inputs.clone();
        for term in &inputs[1..] {
            so_far = self.forward(b, &place.name, [so_far, *term], &place.output);
            saved.push(so_far);
        }
        place.saved = saved;
        if self == Self::Mean {
            so_far = scaled(b, &place.name, so_far, 1.0 / inputs.len() as f64, &place.output);
        }
        so_far
    }

    fn backward_all(
        self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let (label, shape) = (&place.name, &place.output);
        let len = place.inputs.len();
        let (inputs, sums) = place.saved.split_at(len);
        let mut dy = dy;
        if self == Self::Mean {
            dy = scaled(b, label, dy, 1.0 / len as f64, shape);
        }
        let mut gradients = vec![dy; len];
        for n in (1..len).rev() {
            // What was repeated, or is a result so far, has no activation of its own.
            let side = |n: usize| (inputs[n], b.fused(inputs[n]));
            let sides = [if n == 1 { side(0) } else { (sums[n - 2], &LINEAR) }, side(n)];
            [dy, gradients[n]] = self.backward(b, label, sides, dy, shape);
        }
        gradients[0] = dy;
        let each = place.inputs.iter().zip(gradients).zip(wanted);
        each.map(|(((x, own), gradient), wanted)| {
            wanted.then(|| match spread(own, shape) {
                Some(layer) if own != shape => {
                    let mut site = image(place, *x, own);
                    site.saved = vec![layer.ones(b, &site)];
                    layer.backward(b, &site, gradient, true).unwrap_or(gradient)
                }
                _ if self.differentiated().is_some() => gradient,
                _ => b.through_fused(label, *x, gradient),
            })
        })
        .collect()
    }
}

/// The layer that repeats one value for each channel over a whole image or sequence.
fn spread(from: &[usize], to: &[usize]) -> Option<UpSampling2D> {
    match (from, to) {
        ([1, 1, c], [h, w, channels]) if c == channels => Some(UpSampling2D::new((*h, *w))),
        ([1, c], [steps, features]) if c == features => Some(UpSampling2D::new((*steps, 1))),
        _ => None,
    }
}

/// The place of [`spread`], as an image.
fn image(place: &Place, x: ValueId, from: &[usize]) -> Place {
    let wide = |shape: &[usize]| match *shape {
        [steps, features] => vec![steps, 1, features],
        _ => shape.to_vec(),
    };
    Place { input: wide(from), output: wide(&place.output), x, saved: Vec::new(), ..place.clone() }
}

/// What Keras's products, maxima and minima do with masks.
const OTHERWISE: MaskRule =
    MaskRule::Refuses("in Keras, a step that does not count in one of its inputs has the other's numbers");

macro_rules! merges {
    ($($(#[$about:meta])+ $layer:ident, $slug:literal, $function:ident, $mask:expr;)+) => {$(
        $(#[$about])+
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {
            /// A name for reports and files.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
        }

        impl $layer {
            /// Creates the layer.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn joins(&self) -> bool {
                true
            }

            fn mask_rule(&self) -> MaskRule {
                $mask
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                self.joined_shape(&[input.to_vec()])
            }

            fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
                Pairwise::$function.shape(stringify!($layer), inputs)
            }

            fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
                Pairwise::$function.forward_all(b, place)
            }

            fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
                self.backward_all(b, place, dy, &[wanted]).swap_remove(0)
            }

            fn backward_all(
                &self,
                b: &mut Builder,
                place: &Place,
                dy: ValueId,
                wanted: &[bool],
            ) -> Vec<Option<ValueId>> {
                Pairwise::$function.backward_all(b, place, dy, wanted)
            }
        }
    )+};
}

merges! {
    /// `Multiply()`: the product of two or more inputs, element by element. Inputs have one shape, or one value for each
    /// channel, (1, 1, channels) or (1, features), which applies to the whole image or sequence.
    Multiply, "multiply", Product, OTHERWISE;
    /// `Subtract()`: the first input minus the second, of shapes as in [`Multiply`].
    Subtract, "subtract", Difference, MaskRule::Joins;
    /// `Average()`: the mean of two or more inputs, of shapes as in [`Multiply`].
    Average, "average", Mean, MaskRule::Joins;
    /// `Maximum()`: the largest of two or more inputs, of shapes as in [`Multiply`]. Inputs that are equal share the
    /// gradient.
    Maximum, "maximum", Larger, OTHERWISE;
    /// `Minimum()`: the smallest of two or more inputs, of shapes as in [`Multiply`]. Inputs that are equal share the
    /// gradient.
    Minimum, "minimum", Smaller, OTHERWISE;
}
