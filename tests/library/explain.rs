//! Interpretation of a network: the gradient with respect to the image by finite differences on the twins, then
//! the device against the twins; outputs of layers that are kept; dead units. Pictures are tested elsewhere.

use wgrad::{
    checkpoint::Checkpoint,
    explain::{Explainer, Explanation, dead_units},
    feed::{Batch, Step},
    layers::{
        Add, AveragePooling2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D,
        Padding,
    },
    model::{Explaining, Model},
    op::twin::Data,
    predict::Predictor,
    preprocessing::Preprocessing,
    program::{Home, interpreter::Interpreter},
    selection::Choices,
};
use wgrad_data::synthetic::synthetic;
use wgrad_testing::differences::{functional, hold, noise};

/// A graph with every layer that differs between training and use, whose image is the input of two layers.
fn model() -> Model {
    let conv = |n: usize, activation: &str| {
        Conv2D::new(n, 3).activation(activation).expect("known").padding(Padding::Same)
    };
    let dense = |units: usize, activation: &str| Dense::new(units).activation(activation).expect("known");
    Model::new("explained", [8, 8, 1])
        .add(conv(4, "tanh"))
        .add(BatchNormalization::new())
        .add(Dropout::new(0.5))
        .add_from(conv(4, "gelu"), &["input"])
        .add_from(Layer::from(Add::new()), &["dropout_1", "conv2d_2"])
        .add(AveragePooling2D::new(2))
        .add(Flatten::new())
        .add(dense(6, "silu"))
        .add(dense(3, "softmax"))
}

/// Weights with moving averages other than the initial ones.
fn weights(model: &Model) -> Vec<f32> {
    let mut weights = model.initial_weights(3).expect("fits");
    for p in model.parameters().expect("fits") {
        let random = noise(7, p.len());
        for (weight, noise) in weights[p.offset..].iter_mut().zip(random) {
            match p.name.rsplit('.').next() {
                Some("gamma" | "moving_variance") => *weight = 1.5 + 0.5 * noise as f32,
                Some("bias" | "beta" | "moving_mean") => *weight = 0.3 * noise as f32,
                _ => {}
            }
        }
    }
    weights
}

/// The program on the twins, for the gradients of `outputs`, one per image.
fn machine(explaining: &Explaining, weights: &[f32], outputs: &[usize]) -> Interpreter {
    let mut program = explaining.program.clone();
    let score = explaining.score.expect("a gradient is wanted");
    let Home::Constant(n) = program.values[score.0].home else { panic!("{:?}", program.values[score.0]) };
    let batch = program.batch;
    let Data::Real(wanted) = &mut program.constants[n] else { panic!("{:?}", program.constants[n]) };
    let width = wanted.len() / batch;
    for (row, output) in outputs.iter().enumerate() {
        wanted[row * width + output] = 1.0;
    }
    Interpreter::new(program, weights)
}

#[test]
fn the_gradient_of_a_score_holds_against_finite_differences() {
    let (model, outputs) = (model(), [2, 0]);
    let explaining = model.explaining(&Preprocessing::default(), 2, true).expect("fits");
    let mut machine = machine(&explaining, &weights(&model), &outputs);
    let image =
        machine.program.nodes[0].buffers.iter().find(|(name, _)| *name == "image").expect("decoded").1;
    let pixels: Vec<f64> = noise(1, 2 * model.pixels()).into_iter().map(|v| 0.5 + 0.4 * v).collect();
    let nodes = 1..machine.program.nodes.len();
    let none = (Batch::default(), Step { rows: 2, ..Step::default() });
    machine.set(image, Data::Real(pixels.clone()));
    machine.run(nodes.clone(), &none.0, none.1);
    let gradient = machine.real(explaining.image.expect("a gradient is wanted"));
    assert!(gradient.iter().any(|g| g.abs() > 1e-3), "no gradient");
    let chosen = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    let mut shifted = machine.clone();
    hold("d image", &pixels, &gradient, 60, |point| {
        shifted.set(image, Data::Real(point.to_vec()));
        shifted.run(nodes.clone(), &none.0, none.1);
        functional(&shifted.real(shifted.program.output), &chosen)
    });
}

#[test]
fn the_device_tells_what_the_twins_tell_and_what_is_predicted() {
    let context = wgrad_testing::open(false);
    let model = model();
    let checkpoint = Checkpoint { weights: weights(&model), ..Checkpoint::default() };
    let images: Vec<u8> = noise(5, 2 * model.pixels()).iter().map(|v| (127.0 + 120.0 * v) as u8).collect();
    let (found, predicted) = pollster::block_on(async {
        // Room for one more than there are images.
        let explainer = Explainer::new(&context, &model, &Preprocessing::default(), &checkpoint, 3, true)
            .await
            .expect("compiles");
        let predictor =
            Predictor::new(&context, &model, &Preprocessing::default(), &checkpoint, 2, &Choices::default())
                .await
                .expect("too");
        let found = explainer.explain(&images, &[1, 2]).await.expect("runs");
        assert_eq!(found, explainer.explain(&images, &[1, 2]).await.expect("runs"), "not the same twice");
        let other = explainer.explain(&images, &[2, 2]).await.expect("runs");
        assert_ne!(found.gradient[..64], other.gradient[..64], "another score has another gradient");
        assert_eq!(found.gradient[64..], other.gradient[64..]);
        (found, predictor.probabilities(&images).await.expect("runs"))
    });
    let explaining = model.explaining(&Preprocessing::default(), 2, true).expect("fits");
    let mut machine = machine(&explaining, &checkpoint.weights, &[1, 2]);
    machine.step(&Batch { images, labels: vec![0; 2] }, Step { rows: 2, ..Step::default() });
    let near = |name: &str, got: &[f32], expected: &[f64]| {
        assert_eq!(got.len(), expected.len(), "{name}");
        let size = expected.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        for (got, expected) in got.iter().zip(expected) {
            let off = (f64::from(*got) - expected).abs();
            assert!(off <= 2e-5 * size, "{name}: {got} for {expected}");
        }
    };
    let Explanation { logits, layers, gradient } = &found;
    near("logits", logits, &machine.real(machine.program.output));
    near("d image", gradient, &machine.real(explaining.image.expect("there")));
    assert_eq!(layers.len(), 9);
    for (layer, (name, shape, value)) in layers.iter().zip(&explaining.layers) {
        assert_eq!((&layer.layer, &layer.shape), (name, shape));
        near(name, &layer.values, &machine.real(*value));
    }
    for (row, logits) in predicted.iter().zip(logits.chunks(3)) {
        let sum: f32 = logits.iter().map(|z| z.exp()).sum();
        let shares: Vec<f64> = logits.iter().map(|z| f64::from(z.exp() / sum)).collect();
        near("probabilities", row, &shares);
    }
}

#[test]
fn units_that_answer_to_nothing_are_found() {
    let context = wgrad_testing::open(false);
    let model = Model::new("half dead", [28, 28, 1])
        .add(Conv2D::new(4, 3).activation("relu").expect("known"))
        .add(MaxPooling2D::new(4))
        .add(Flatten::new())
        .add(Dense::new(10));
    let mut weights = model.initial_weights(0).expect("fits");
    let parameters = model.parameters().expect("fits");
    let bias = parameters.iter().find(|p| p.name == "conv2d_1.bias").expect("there");
    for unit in [1, 3] {
        weights[bias.offset + unit] = -100.0;
    }
    for unit in [0, 2] {
        weights[bias.offset + unit] = 0.5;
    }
    let checkpoint = Checkpoint { weights, ..Checkpoint::default() };
    let data = synthetic(0, 1, 70);
    let found =
        pollster::block_on(dead_units(&context, &model, &checkpoint, &data, &data.test, 66)).expect("runs");
    let of = |layer: &str| found.iter().find(|units| units.layer == layer).expect("a layer").clone();
    assert_eq!((of("conv2d_1").units, of("conv2d_1").dead), (4, vec![1, 3]));
    assert_eq!((of("max_pooling2d_1").units, of("max_pooling2d_1").dead), (4, vec![1, 3]));
    assert_eq!((of("dense_1").units, of("dense_1").dead), (10, vec![]));
}
