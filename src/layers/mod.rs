//! Layers, with Keras's names and arguments. Each file holds one layer: its arguments, shape rule, parameters, forward
//! and backward. To add a layer, write such a file, declare its `mod`, and add a line at the end of this file.

mod activation;
mod add;
mod attention;
mod augmentation;
mod average_pooling1d;
mod average_pooling2d;
mod batch_normalization;
mod bidirectional;
mod center_crop;
mod channel_affine;
mod concatenate;
mod conv1d;
mod conv2d;
mod conv_transpose;
mod cropping;
mod dense;
mod depthwise_conv1d;
mod depthwise_conv2d;
mod dot;
mod dropout;
mod einsum_dense;
mod embedding;
mod flatten;
mod global_pooling1d;
mod global_pooling2d;
mod group_normalization;
mod gru;
mod input_layer;
mod layer_normalization;
mod lstm;
pub(crate) mod mask;
mod masking;
mod max_pooling1d;
mod max_pooling2d;
mod merge;
mod multi_head_attention;
mod named_activations;
mod normalization;
mod one_dimension;
mod permute;
mod prelu;
mod recurrence;
mod repeat_vector;
mod rescaling;
mod reshape;
mod resizing;
mod rms_normalization;
mod separable_conv;
mod simple_rnn;
mod time_distributed;
mod unit_normalization;
mod up_sampling;
mod window;
mod zero_padding1d;
mod zero_padding2d;

pub use activation::ActivationName;
pub(crate) use activation::softmax;
pub use attention::ScoreMode;
pub use augmentation::{Factor, FillMode, FlipMode};
pub use bidirectional::{MergeMode, Recurrent};
pub use channel_affine::Numbers;
pub use dot::DotAxes;
pub use mask::MaskRule;
pub use named_activations::By;
pub use recurrence::{Cell, Recurrence};
pub use up_sampling::Interpolation;
pub use window::{Padding, Pair};
pub use window::{around, spread};
pub use zero_padding2d::Sides;

use crate::{
    initializer::Initializer,
    program::{Builder, ParameterId, ValueId},
};

/// Shape inference, parameters, forward and backward of a layer. Shapes exclude the batch. A layer with one input
/// implements the methods for one input; a layer that joins several overrides [`Rules::joins`], [`Rules::joined_shape`]
/// and [`Rules::backward_all`].
pub trait Rules {
    /// Stem of the automatic name: `conv2d` becomes `conv2d_1`, `conv2d_2`, ...
    fn slug(&self) -> &'static str;

    /// The name that you gave the layer.
    fn given_name(&self) -> Option<&str> {
        None
    }

    /// Returns true if the layer takes two or more inputs.
    fn joins(&self) -> bool {
        false
    }

    /// Returns true if the layer draws random numbers in training.
    fn draws(&self) -> bool {
        false
    }

    /// Returns the shape of the output, or an error that says what does not fit and what would.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String>;

    /// Returns the shape of the output for several inputs.
    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        match inputs {
            [input] => self.output_shape(input),
            _ => {
                Err(format!("it takes one input, got {}; `Add` and `Concatenate` join several", inputs.len()))
            }
        }
    }

    /// Returns the trained tensors: short name, shape, initial values.
    fn parameters(&self, _input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        Vec::new()
    }

    /// As [`Rules::parameters`], for several inputs.
    fn joined_parameters(&self, inputs: &[Vec<usize>]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        self.parameters(inputs.first().map_or(&[], Vec::as_slice))
    }

    /// Returns the tensors that are stored with the weights but not trained, such as moving averages. They follow the
    /// trained ones in [`Place::parameters`].
    fn states(&self, _input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        Vec::new()
    }

    /// What the layer does with the masks of its inputs, as in Keras.
    fn mask_rule(&self) -> MaskRule {
        MaskRule::Drops
    }

    /// Returns the mask of the output, (batch, time), if it has one; called after [`Rules::forward`].
    fn mask(&self, b: &mut Builder, place: &Place) -> Option<ValueId> {
        match self.mask_rule() {
            MaskRule::Passes => place.mask(),
            MaskRule::Joins => mask::union(b, place),
            MaskRule::Makes => place.saved.first().copied(),
            MaskRule::Drops | MaskRule::Refuses(_) => None,
        }
    }

    /// Appends the forward pass and returns its output.
    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId;

    /// Appends the backward pass: the gradients of the parameters, and the gradient of the input if `wanted`. `dy` is
    /// the gradient of the output, already propagated through the activation that forward fused into it.
    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId>;

    /// Appends the backward pass for several inputs and returns the gradient of each wanted input.
    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        vec![self.backward(b, place, dy, wanted.contains(&true))]
    }
}

/// The dimensions of a shape seen as a matrix: the product of all axes but the last, and the last.
pub(crate) fn matrix(shape: &[usize]) -> (usize, usize) {
    let columns = shape.last().copied().unwrap_or(1);
    (shape.iter().rev().skip(1).product(), columns)
}

/// A layer as a node of a network: its name, shapes, parameters and values.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Name of the layer, such as `conv2d_1`.
    pub name: String,
    /// Index of the layer in the network, from 0.
    pub index: usize,
    /// Shape of the (first) input, without the batch.
    pub input: Vec<usize>,
    /// Shape of the output, without the batch.
    pub output: Vec<usize>,
    /// The parameters, in the order of [`Rules::parameters`], then those of [`Rules::states`].
    pub parameters: Vec<ParameterId>,
    /// The input value; the first, if there are several.
    pub x: ValueId,
    /// All input values with their shapes.
    pub inputs: Vec<(ValueId, Vec<usize>)>,
    /// The masks of the inputs, (batch, time), where they have one.
    pub masks: Vec<Option<ValueId>>,
    /// True if no other layer needs `x` as it is, so that the kernel that writes `x` may also do this layer's work.
    pub alone: bool,
    /// True if training does not change the layer's tensors.
    pub frozen: bool,
    /// Values that forward stores for backward.
    pub saved: Vec<ValueId>,
}

impl Place {
    /// The mask of the (first) input: which steps count.
    pub fn mask(&self) -> Option<ValueId> {
        self.masks.first().copied().flatten()
    }
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
            /// Every kind of layer: Keras's name, and a line that describes it.
            pub const KINDS: &[(&str, &str)] = &[$((stringify!($kind), $about)),+];

            /// Keras's class name of the layer.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($kind)),+ }
            }

            /// The layer as a trait object.
            pub fn rules(&self) -> &dyn Rules {
                match self { $(Self::$kind(layer) => layer),+ }
            }

            /// Reads the layer of `kind` from a TOML table of arguments; `None` if no layer has that name.
            pub fn from_table(kind: &str, table: toml::Table) -> Option<Result<Self, toml::de::Error>> {
                match kind {
                    $(stringify!($kind) => Some(table.try_into().map(Self::$kind)),)+
                    _ => None,
                }
            }
        }

        impl Layer {
            /// Its window, strides, padding, activation and rate, in short words, as far as they are not the usual ones.
            pub fn settings(&self) -> Vec<String> {
                let table = toml::Table::try_from(self).unwrap_or_default();
                let sizes = |name: &str| -> Option<Vec<i64>> {
                    match table.get(name)? {
                        toml::Value::Integer(one) => Some(vec![*one]),
                        toml::Value::Array(all) => all.iter().map(toml::Value::as_integer).collect(),
                        _ => None,
                    }
                };
                let words = |sizes: Vec<i64>| sizes.iter().map(i64::to_string).collect::<Vec<_>>().join("×");
                let window = ["kernel_size", "pool_size"].iter().find_map(|name| sizes(name)).map(words);
                let strides = sizes("strides").filter(|strides| strides.iter().any(|stride| *stride != 1));
                let strides = strides.map(|mut strides| {
                    strides.dedup();
                    format!("stride {}", words(strides))
                });
                let text = |name: &str, usual: &str| {
                    let found = table.get(name).and_then(toml::Value::as_str).filter(|text| *text != usual);
                    found.map(str::to_string)
                };
                let rate = table.get("rate").and_then(toml::Value::as_float).map(|rate| format!("rate {rate}"));
                [window, strides, text("padding", "valid"), text("activation", "linear"), rate]
                    .into_iter()
                    .flatten()
                    .collect()
            }

            /// Checks the whole numbers among the arguments: up to [`LARGEST`], their sums and products never overflow.
            ///
            /// # Errors
            /// A message that names the argument that is too large.
            pub(crate) fn countable(&self) -> Result<(), String> {
                let table = toml::Table::try_from(self).map_err(|e| e.to_string())?;
                match table.iter().find_map(|(key, value)| Some((key, too_large(value)?))) {
                    Some((key, number)) => Err(format!("has {key} = {number}, expected at most {LARGEST}")),
                    None => Ok(()),
                }
            }
        }

        $(impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self { Self::$kind(layer) }
        })+
    };
}

/// Largest whole number that an argument of a layer may have.
const LARGEST: i64 = 1 << 24;

/// Returns a whole number above [`LARGEST`] in an argument.
fn too_large(value: &toml::Value) -> Option<i64> {
    match value {
        toml::Value::Integer(number) => Some(*number).filter(|number| *number > LARGEST),
        toml::Value::Array(values) => values.iter().find_map(too_large),
        toml::Value::Table(table) => table.values().find_map(too_large),
        _ => None,
    }
}

layers! {
    input_layer::InputLayer: "shape = [28, 28], first = 0, inputs = [\"input\"]: one of several inputs, a part of the network's row of values",
    dense::Dense: "units = N: y = activation(x · kernel + bias) over the last axis",
    einsum_dense::EinsumDense: "equation = \"abc,cde->abde\", output_shape = [-1, 2, 8]: products over the last axes",
    conv2d::Conv2D: "filters = N, kernel_size = 3: two-dimensional convolution",
    conv1d::Conv1D: "filters = N, kernel_size = 3: convolution over (time, features)",
    depthwise_conv2d::DepthwiseConv2D: "kernel_size = 3: convolution of each channel on its own",
    depthwise_conv1d::DepthwiseConv1D: "kernel_size = 3: convolution of each feature on its own over time",
    separable_conv::SeparableConv2D: "filters = N, kernel_size = 3: a depthwise convolution, then a product of channels",
    separable_conv::SeparableConv1D: "filters = N, kernel_size = 3: the same over (time, features)",
    conv_transpose::Conv2DTranspose: "filters = N, kernel_size = 3, strides = 2: transposed convolution, to larger images",
    conv_transpose::Conv1DTranspose: "filters = N, kernel_size = 3, strides = 2: the same over (time, features)",
    max_pooling2d::MaxPooling2D: "pool_size = 2: the maximum of each window",
    average_pooling2d::AveragePooling2D: "pool_size = 2: the mean of each window",
    global_pooling2d::GlobalAveragePooling2D: "the mean of each channel",
    global_pooling2d::GlobalMaxPooling2D: "the maximum of each channel",
    max_pooling1d::MaxPooling1D: "pool_size = 2: the maximum of each window of time",
    average_pooling1d::AveragePooling1D: "pool_size = 2: the mean of each window of time",
    global_pooling1d::GlobalAveragePooling1D: "the mean of each feature over time",
    global_pooling1d::GlobalMaxPooling1D: "the maximum of each feature over time",
    batch_normalization::BatchNormalization: "each channel to mean 0 and deviation 1 over the batch",
    layer_normalization::LayerNormalization: "each row to mean 0 and deviation 1 along the last axis",
    group_normalization::GroupNormalization: "groups = 8: each group of an input's channels to mean 0 and deviation 1",
    rms_normalization::RMSNormalization: "each row to a mean square of 1 along the last axis",
    unit_normalization::UnitNormalization: "each row to length 1 along the last axis",
    embedding::Embedding: "input_dim = WORDS, output_dim = N: a learned row of a table for each number of a sequence",
    masking::Masking: "mask_value = 0: the steps that do not count in the layers behind",
    simple_rnn::SimpleRNN: "units = N: the simple recurrent layer over (time, features)",
    lstm::LSTM: "units = N: long short-term memory over (time, features)",
    gru::GRU: "units = N: gated recurrent unit over (time, features)",
    multi_head_attention::MultiHeadAttention: "num_heads = H, key_dim = N, inputs = [\"a\", \"a\"]: attention of a sequence to another, or to itself",
    attention::Attention: "inputs = [\"a\", \"b\"]: attention of a sequence to another by dot products",
    bidirectional::Bidirectional: "layer = { type = \"LSTM\", units = N }: a recurrent layer in both directions",
    time_distributed::TimeDistributed: "layer = { type = \"Dense\", units = N }: a layer on each step of a sequence",
    rescaling::Rescaling: "scale = 0.5, offset = -1: scale · x + offset",
    normalization::Normalization: "mean = M, variance = V: inputs to mean 0 and deviation 1, of numbers or of the data",
    flatten::Flatten: "height, width and channels become one axis",
    reshape::Reshape: "target_shape = [28, 28]: the same numbers in another shape",
    permute::Permute: "dims = [2, 1]: the axes of an input in another order",
    repeat_vector::RepeatVector: "n = 3: a vector at each of n steps",
    zero_padding2d::ZeroPadding2D: "padding = 1: zeros around an image",
    zero_padding1d::ZeroPadding1D: "padding = 1: zeros before and after a sequence",
    cropping::Cropping2D: "cropping = 1: an image without its edges",
    cropping::Cropping1D: "cropping = 1: a sequence without its ends",
    center_crop::CenterCrop: "height = 24, width = 24: the middle of an image",
    resizing::Resizing: "height = 32, width = 32: an image in another size",
    augmentation::RandomFlip: "mode = \"horizontal\": mirrors half of the images while training",
    augmentation::RandomTranslation: "height_factor = 0.1, width_factor = 0.1: shifts images at random while training",
    augmentation::RandomRotation: "factor = 0.1: rotates images by random turns while training",
    augmentation::RandomZoom: "height_factor = 0.1: zooms images at random while training",
    augmentation::RandomCrop: "height = 24, width = 24: a part of an image at a random place while training",
    augmentation::RandomContrast: "factor = 0.2: another contrast for each image while training",
    augmentation::RandomBrightness: "factor = 0.2: another brightness for each image while training",
    up_sampling::UpSampling2D: "size = 2: each pixel repeated",
    up_sampling::UpSampling1D: "size = 2: each step repeated",
    dropout::Dropout: "rate = 0.5: sets a random share to zero while training",
    dropout::SpatialDropout2D: "rate = 0.5: sets a random share of the channels to zero while training",
    dropout::SpatialDropout1D: "rate = 0.5: sets a random share of the features to zero while training",
    dropout::GaussianNoise: "stddev = 0.1: adds numbers of the normal distribution while training",
    dropout::GaussianDropout: "rate = 0.5: multiplies by numbers of the normal distribution while training",
    dropout::AlphaDropout: "rate = 0.1: dropout that keeps mean and variance behind selu",
    activation::Activation: "activation = \"relu\": an activation as a separate layer",
    prelu::PReLU: "a rectifier whose slope below zero is learned",
    named_activations::ReLU: "max_value = 6, negative_slope = 0.1: a rectifier as a separate layer",
    named_activations::LeakyReLU: "negative_slope = 0.3: a rectifier with a slope below zero",
    named_activations::ELU: "exponential below zero",
    named_activations::Softmax: "probabilities along the last axis",
    add::Add: "inputs = [\"a\", \"b\"]: the sum of layers of one shape, element by element",
    merge::Multiply: "inputs = [\"a\", \"b\"]: the product, element by element",
    merge::Subtract: "inputs = [\"a\", \"b\"]: the first minus the second",
    merge::Average: "inputs = [\"a\", \"b\"]: the mean",
    merge::Maximum: "inputs = [\"a\", \"b\"]: the largest",
    merge::Minimum: "inputs = [\"a\", \"b\"]: the smallest",
    dot::Dot: "axes = 2, inputs = [\"a\", \"b\"]: dot products of two layers along an axis",
    concatenate::Concatenate: "inputs = [\"a\", \"b\"]: layers joined along the last axis",
}
