//! Layers under Keras's names and with Keras's arguments. Each file holds one layer: its arguments, its
//! shape rule, its parameters, forward and backward. Adding a layer is such a file, its `mod`, and a line at the end of this one.

mod activation;
mod conv2d;
mod dense;
mod dropout;
mod flatten;
mod max_pooling2d;
mod window;

pub use activation::ActivationName;
pub(crate) use activation::softmax;
pub use window::{Padding, Pair};

use crate::program::{Builder, Initializer, ParameterId, ValueId};

/// What every layer answers. Shapes are without the batch.
pub trait Rules {
    /// The start of its automatic name: `conv2d` becomes `conv2d_1`, `conv2d_2`, ...
    fn slug(&self) -> &'static str;

    /// The name that the user gave it.
    fn given_name(&self) -> Option<&str> {
        None
    }

    /// The shape that comes out, or in words what does not fit and what would.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String>;

    /// Its trained tensors: short name, shape, initial values.
    fn parameters(&self, _input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        Vec::new()
    }

    /// Appends its forward pass and returns what comes out.
    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId;

    /// Appends its backward pass: the gradients of its parameters, and the gradient of its input if `wanted`.
    /// `dy` is the gradient of its output, through the activation that forward fused into it.
    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId>;
}

/// A layer's place in a network.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name: `conv2d_1`.
    pub name: String,
    /// Its number in the network, from 0.
    pub index: usize,
    /// Shape of its input, without the batch.
    pub input: Vec<usize>,
    /// Shape of its output, without the batch.
    pub output: Vec<usize>,
    /// Its parameters, in the order of [`Rules::parameters`].
    pub parameters: Vec<ParameterId>,
    /// The value that goes in.
    pub x: ValueId,
    /// Values that forward keeps for backward.
    pub saved: Vec<ValueId>,
}

macro_rules! layers {
    ($($module:ident::$kind:ident: $about:literal),+ $(,)?) => {
        $(pub use $module::$kind;)+

        /// One layer of a network.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "type")]
        pub enum Layer {
            $(#[doc = $about] $kind($kind)),+
        }

        impl Layer {
            /// Every kind, under Keras's name, with a line about it.
            pub const KINDS: &[(&str, &str)] = &[$((stringify!($kind), $about)),+];

            /// Its kind: Keras's class name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($kind)),+ }
            }

            /// Its answers.
            pub fn rules(&self) -> &dyn Rules {
                match self { $(Self::$kind(layer) => layer),+ }
            }

            /// The layer of `kind` with its arguments from a TOML table.
            pub(crate) fn from_table(kind: &str, table: toml::Table) -> Option<Result<Self, toml::de::Error>> {
                match kind {
                    $(stringify!($kind) => Some(table.try_into().map(Self::$kind)),)+
                    _ => None,
                }
            }
        }

        $(impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self { Self::$kind(layer) }
        })+
    };
}

layers! {
    dense::Dense: "units = N: y = activation(x · kernel + bias)",
    conv2d::Conv2D: "filters = N, kernel_size = 3: two-dimensional convolution",
    max_pooling2d::MaxPooling2D: "pool_size = 2: the largest of each window",
    flatten::Flatten: "height, width and channels become one axis",
    dropout::Dropout: "rate = 0.5: sets a random share to zero while training",
    activation::Activation: "activation = \"relu\": an activation by itself",
}
