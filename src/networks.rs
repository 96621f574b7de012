//! The built-in networks.

use crate::{
    Error, Result,
    layers::{Conv2D, Dense, Dropout, Flatten, GRU, LSTM, MaxPooling2D, Reshape, SimpleRNN},
    model::Model,
};

/// Names of the built-in networks, with a line about each.
pub const NETWORKS: &[(&str, &str)] = &[
    ("linear", "y = m·x + b: softmax regression"),
    ("mlp", "one hidden layer of 128, ReLU"),
    ("cnn", "Keras's simple convnet: two convolutions, two pools, dropout"),
    ("rnn", "rows of the image as 28 steps, a simple recurrent layer of 128"),
    ("lstm", "rows of the image as 28 steps, an LSTM of 128"),
    ("gru", "rows of the image as 28 steps, a GRU of 128"),
];

/// The built-in network of that name, for images of `input_shape` in `classes` classes.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn network(name: &str, input_shape: [usize; 3], classes: usize) -> Result<Model> {
    let model = Model::new(name, input_shape);
    let output = Dense::new(classes).activation("softmax")?;
    // Row after row from the top, each with all its columns and channels.
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
        _ => {
            return Err(Error::Unknown {
                what: "network",
                got: name.to_string(),
                known: NETWORKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            });
        }
    })
}
