//! The built-in networks.

use crate::{
    Error, Result,
    layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D},
    loss::Loss,
    model::Model,
};

/// Names of the built-in networks, with a line about each.
pub const NETWORKS: &[(&str, &str)] = &[
    ("linear", "y = m·x + b: softmax regression"),
    ("mlp", "one hidden layer of 128, ReLU"),
    ("cnn", "Keras's simple convnet: two convolutions, two pools, dropout"),
];

/// The built-in network of that name, for images of `input_shape` in `classes` classes.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn network(name: &str, input_shape: [usize; 3], classes: usize) -> Result<Model> {
    network_for(name, input_shape, classes, Loss::SoftmaxCrossEntropy)
}

/// The same with the last layer that `loss` takes: one sigmoid unit for binary cross-entropy, one linear unit for
/// a regression.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn network_for(name: &str, input_shape: [usize; 3], classes: usize, loss: Loss) -> Result<Model> {
    let mut model = Model::new(name, input_shape);
    model.loss = Some(loss).filter(|loss| loss.is_regression());
    let output = Dense::new(loss.outputs(classes)).activation(loss.activation())?;
    Ok(match name {
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
        _ => {
            return Err(Error::Unknown {
                what: "network",
                got: name.to_string(),
                known: NETWORKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            });
        }
    })
}
