//! The built-in networks.

use crate::{
    Error, Result,
    layers::{
        Activation, Add, BatchNormalization, Conv2D, Dense, Dropout, Flatten, GRU, GlobalAveragePooling2D,
        GlobalMaxPooling2D, LSTM, Layer, MaxPooling2D, Padding, Reshape, SimpleRNN,
    },
    loss::Loss,
    model::Model,
};

/// Name and description of each built-in network.
pub const NETWORKS: &[(&str, &str)] = &[
    ("linear", "y = m·x + b: softmax regression"),
    ("mlp", "one hidden layer of 128, ReLU"),
    ("cnn", "Keras's simple convnet: two convolutions, two pools, dropout"),
    ("rnn", "rows of the image as 28 steps, a simple recurrent layer of 128"),
    ("lstm", "rows of the image as 28 steps, an LSTM of 128"),
    ("gru", "rows of the image as 28 steps, a GRU of 128"),
    ("cnn-bn", "four convolutions with batch normalization, under 100,000 parameters"),
    ("vgg", "six convolutions of 3 × 3 in three pairs, with batch normalization"),
    (
        "resnet",
        "eight convolutions, two of the pairs with a skip connection, as in the speed records for CIFAR-10",
    ),
];

/// The networks that take long on a processor. Commands that run every network leave them out unless you name them.
pub const LARGE: &[&str] = &["rnn", "lstm", "gru", "cnn-bn", "vgg", "resnet"];

/// Names of the networks that are not [`LARGE`].
pub fn small() -> impl Iterator<Item = &'static str> {
    NETWORKS.iter().map(|(name, _)| *name).filter(|name| !LARGE.contains(name))
}

/// Appends a 3 × 3 convolution that keeps the image size, a batch normalization and a ReLU. The convolution has no
/// bias, since the normalization would remove it.
fn block(model: Model, filters: usize) -> Result<Model> {
    let conv = Conv2D { use_bias: false, ..Conv2D::new(filters, 3).padding(Padding::Same) };
    Ok(model.add(conv).add(BatchNormalization::new()).add(Activation::new("relu")?))
}

/// Appends two blocks and the skip connection around them: x + f(x) (He et al. 2016). The layer before them gets the
/// name `name`.
fn residual(mut model: Model, name: &str, filters: usize) -> Result<Model> {
    if let Some(Layer::MaxPooling2D(before)) = model.layers.last_mut() {
        before.name = Some(name.to_string());
    }
    let mut model = block(block(model, filters)?, filters)?;
    let after = format!("{name}_way");
    if let Some(Layer::Activation(last)) = model.layers.last_mut() {
        last.name = Some(after.clone());
    }
    Ok(model.add_from(Add::new(), &[name, &after]))
}

/// The built-in network `name` for images of `input_shape` and `classes` classes.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn network(name: &str, input_shape: [usize; 3], classes: usize) -> Result<Model> {
    network_for(name, input_shape, classes, Loss::SoftmaxCrossEntropy)
}

/// The built-in network `name` with the last layer that `loss` needs: one sigmoid unit for binary cross-entropy, one
/// linear unit for a regression.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn network_for(name: &str, input_shape: [usize; 3], classes: usize, loss: Loss) -> Result<Model> {
    let mut model = Model::new(name, input_shape);
    model.loss = Some(loss).filter(|loss| loss.is_regression());
    let output = Dense::new(loss.outputs(classes)).activation(loss.activation())?;
    // Each row of the image, with all its columns and channels, is one time step, from the top.
    let rows = Reshape::new(&[input_shape[0] as i64, -1]);
    Ok(match name {
        "rnn" => model.add(rows).add(SimpleRNN::new(128)).add(output),
        "lstm" => model.add(rows).add(LSTM::new(128)).add(output),
        "gru" => model.add(rows).add(GRU::new(128)).add(output),
        "linear" => model.add(Flatten::new()).add(output),
        "mlp" => model.add(Flatten::new()).add(Dense::new(128).activation("relu")?).add(output),
        "cnn" => model
            .add(Conv2D::new(32, 3).activation("relu")?)
            .add(MaxPooling2D::new(2))
            .add(Conv2D::new(64, 3).activation("relu")?)
            .add(MaxPooling2D::new(2))
            .add(Flatten::new())
            .add(Dropout::new(0.5))
            .add(output),
        "cnn-bn" => {
            let model = block(model, 32)?.add(MaxPooling2D::new(2));
            let model = block(block(model, 48)?, 64)?.add(MaxPooling2D::new(2));
            block(model, 72)?.add(GlobalAveragePooling2D::new()).add(output)
        }
        "vgg" => {
            let mut model = model;
            for (pair, filters) in [48, 96, 144].into_iter().enumerate() {
                if pair > 0 {
                    model = model.add(MaxPooling2D::new(2)).add(Dropout::new(0.2));
                }
                model = block(block(model, filters)?, filters)?;
            }
            model.add(GlobalAveragePooling2D::new()).add(Dropout::new(0.3)).add(output)
        }
        "resnet" => {
            let model = residual(block(block(model, 64)?, 128)?.add(MaxPooling2D::new(2)), "first", 128)?;
            let model = block(model, 192)?.add(MaxPooling2D::new(2));
            let model = block(model, 224)?.add(MaxPooling2D::new(2));
            residual(model, "second", 224)?.add(GlobalMaxPooling2D::new()).add(output)
        }
        _ => {
            return Err(Error::Unknown {
                what: "network",
                got: name.to_string(),
                known: NETWORKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            });
        }
    })
}
