//! The networks, as in wgrad's `src/networks.rs`.

use crate::data::{CLASSES, SIDE};
use burn::{
    module::Module,
    nn::{
        Dropout, DropoutConfig, Initializer, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

/// Keras's simple convnet without its dense layer.
#[derive(Module, Debug)]
pub struct Convolutions {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    dropout: Dropout,
}

/// `mlp`: 784-128-10. `cnn`: 32C3-P2-64C3-P2-dropout-10.
#[derive(Module, Debug)]
pub struct Network {
    convolutions: Option<Convolutions>,
    hidden: Option<Linear>,
    output: Linear,
}

fn dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs).with_initializer(Initializer::XavierUniform { gain: 1.0 }).init(device)
}

fn convolution(channels: [usize; 2], device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [3, 3])
        .with_initializer(Initializer::XavierUniform { gain: 1.0 })
        .init(device)
}

impl Network {
    pub fn new(name: &str, device: &Device) -> Result<Self, String> {
        match name {
            "mlp" => Ok(Self {
                convolutions: None,
                hidden: Some(dense(SIDE * SIDE, 128, device)),
                output: dense(128, CLASSES, device),
            }),
            "cnn" => Ok(Self {
                convolutions: Some(Convolutions {
                    first: convolution([1, 32], device),
                    second: convolution([32, 64], device),
                    pool: MaxPool2dConfig::new([2, 2]).init(),
                    dropout: DropoutConfig::new(0.5).init(),
                }),
                hidden: None,
                output: dense(64 * 5 * 5, CLASSES, device),
            }),
            _ => Err(format!("unknown network {name}; known: mlp, cnn")),
        }
    }

    /// Maps images (N, 784) in [0, 1] to logits (N, 10).
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        let [rows, _] = images.dims();
        let mut x = images;
        if let Some(layers) = &self.convolutions {
            let images = x.reshape([rows, 1, SIDE, SIDE]);
            let x1 = layers.pool.forward(relu(layers.first.forward(images)));
            let x2 = layers.pool.forward(relu(layers.second.forward(x1)));
            x = layers.dropout.forward(x2.flatten(1, 3));
        }
        if let Some(hidden) = &self.hidden {
            x = relu(hidden.forward(x));
        }
        self.output.forward(x)
    }
}
