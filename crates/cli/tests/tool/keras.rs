//! Networks that Keras wrote: architecture and weights load as they are, and give what Keras gives. What cannot be
//! loaded is named. The files are from scripts/make_keras_fixtures.py.

use crate::command::{on_device, small_data_argument, wgrad};
use pollster::block_on;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};
use wgrad::{
    gpu::Context,
    layers::{
        AlphaDropout, Attention, CenterCrop, Dense, Dot, EinsumDense, Embedding, Factor, FillMode, FlipMode,
        GaussianNoise, GroupNormalization, Interpolation, Layer, LayerNormalization, MultiHeadAttention,
        Numbers, Permute, RMSNormalization, RandomCrop, RandomFlip, RandomTranslation, Resizing,
        TimeDistributed,
    },
    loss::Loss,
    model::Model,
    predict::Predictor,
    preprocessing::Preprocessing,
    program::arena_len,
    regularization::{Constraint, Regularizer},
    selection::Choices,
    words::quoted,
};
use wgrad_formats::{keras, model_file};
use wgrad_run::{read_fitting, read_weights};

/// The shape of images that no network here takes by chance.
const IMAGE: [usize; 3] = [28, 28, 1];

fn fixture(name: &str) -> std::path::PathBuf {
    wgrad_testing::fixture("keras").join(name)
}

fn load(name: &str) -> Model {
    keras::load(&fixture(name), Some(IMAGE)).unwrap_or_else(|e| panic!("{e}")).model
}

/// Largest difference between the outputs of wgrad and Keras for the images stored with the network `name`, with the
/// weights of the file `weights`.
fn distance(context: &Context, model: &Model, weights: &str, name: &str) -> f32 {
    let checkpoint =
        read_weights(&fixture(weights), &model.parameters().expect("fits")).unwrap_or_else(|e| panic!("{e}"));
    let bytes = fs::read(fixture(&format!("{name}.safetensors"))).expect("reads");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let (images, outputs) =
        (file.tensor("images").expect("images"), file.tensor("outputs").expect("outputs"));
    let count = images.shape()[0];
    assert_eq!(images.data().len(), count * model.pixels(), "{name}");
    let predictor = block_on(Predictor::new(
        context,
        model,
        &Preprocessing::default(),
        &checkpoint,
        count,
        &Choices::default(),
    ))
    .expect("fits");
    let found = block_on(predictor.probabilities(images.data())).expect("runs");
    let expected: Vec<f32> = bytemuck::pod_collect_to_vec(outputs.data());
    let found: Vec<f32> = found.into_iter().flatten().collect();
    assert_eq!(found.len(), expected.len(), "{name}");
    assert!(expected.iter().any(|y| (y - expected[0]).abs() > 0.01), "{name}: one output for all images");
    // NaN counts as far away.
    found
        .iter()
        .zip(&expected)
        .map(|(a, b)| if a.is_finite() { (a - b).abs() } else { f32::MAX })
        .fold(0.0, f32::max)
}

#[test]
fn networks_of_keras_give_what_keras_gives() {
    let context = wgrad_testing::open(false);
    let names = [
        "mlp",
        "cnn",
        "same",
        "batch_norm",
        "depthwise",
        "residual",
        "inception",
        "nested",
        "lstm",
        "gru",
        "bidirectional",
        "simple_rnn",
        "sequences",
        "merged",
        "rescaled",
        "augmented",
        "one_number",
        "normalized",
        "distributed",
        "masked",
        "masked_stack",
        "permuted",
        "noised",
        "resized",
        "products",
    ];
    for name in names {
        let archive = format!("{name}.keras");
        let found = distance(&context, &load(&archive), &archive, name);
        assert!(found <= 1e-5, "{name}: differs by {found}");
    }
    // All of them are here, and each is tested.
    let files = fs::read_dir(wgrad_testing::fixture("keras")).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    assert_eq!(files.filter(|path| path.extension().is_some_and(|e| e == "keras")).count(), names.len());
}

#[test]
fn json_is_the_same_network_and_weights_may_be_a_file_of_their_own() {
    for name in ["residual", "inception", "lstm", "rescaled", "masked"] {
        assert_eq!(load(&format!("{name}.json")), load(&format!("{name}.keras")), "{name}");
    }
    let context = wgrad_testing::open(false);
    for name in ["lstm", "residual"] {
        let found = distance(&context, &load(&format!("{name}.json")), &format!("{name}.weights.h5"), name);
        assert!(found <= 1e-5, "{name}: differs by {found}");
    }
    // Weights of another network are refused by the name of the layer.
    let other = load("cnn.keras").parameters().expect("fits");
    let error =
        read_weights(&fixture("lstm.weights.h5"), &other).expect_err("has no convolution").to_string();
    for words in ["lstm.weights.h5", "no layer `conv2d`", "lstm_1"] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    let error = read_weights(&fixture("lstm.keras"), &other).expect_err("has no convolution").to_string();
    assert!(
        error.contains("no tensor `conv2d.kernel` [3, 3, 1, 4]") && error.contains("lstm_1.kernel"),
        "{error}"
    );
}

#[test]
fn layers_that_do_not_fit_are_skipped_on_request_and_named() {
    let parameters = load("lstm.json").parameters().expect("fits");
    let whole = read_weights(&fixture("lstm.weights.h5"), &parameters).expect("reads");
    let tmp = tempfile::tempdir().expect("a folder");
    let tensors = tmp.path().join("lstm.safetensors");
    fs::write(&tensors, whole.to_bytes(&parameters).expect("fits")).expect("writes");
    // The network with another head, under its name and under a new one.
    let config: Value =
        serde_json::from_slice(&fs::read(fixture("lstm.json")).expect("reads")).expect("JSON");
    for (change, reason) in [(json!({"units": 7}), "dense.kernel"), (json!({"name": "head"}), "is not there")]
    {
        let mut config = config.clone();
        let layers = config["config"]["layers"].as_array_mut().expect("layers");
        let head = layers.last_mut().expect("a head")["config"].as_object_mut().expect("settings");
        head.extend(change.as_object().expect("settings").clone());
        let other = text(&config).expect("loads").model.parameters().expect("fits");
        let len = arena_len(&other);
        for file in [fixture("lstm.weights.h5"), fixture("lstm.keras"), tensors.clone()] {
            let (got, skipped) = read_fitting(&file, &other, vec![-7.0; len]).expect("fits in part");
            assert_eq!(skipped.len(), 1, "{skipped:?}");
            assert!(["dense", "head"].contains(&skipped[0].layer.as_str()), "{skipped:?}");
            assert!(skipped[0].reason.contains(reason), "{skipped:?}");
            for p in &other {
                let own = &got.weights[p.offset..p.offset + p.len()];
                match p.name.starts_with("lstm") {
                    true => assert_eq!(own, &whole.weights[p.offset..p.offset + p.len()], "{}", p.name),
                    false => assert!(own.iter().all(|w| *w == -7.0), "{}", p.name),
                }
            }
        }
    }
    // A file of which nothing fits, and one that is damaged, are refused.
    let other = load("cnn.keras").parameters().expect("fits");
    let len = arena_len(&other);
    for file in [fixture("lstm.keras"), tensors.clone()] {
        let error = read_fitting(&file, &other, vec![0.0; len]).expect_err("nothing fits").to_string();
        has(
            &error,
            &["the weights of no layer of this network", "`conv2d.kernel` is not there", "lstm_1.kernel"],
        );
    }
    let mut bytes = fs::read(&tensors).expect("reads");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&tensors, bytes).expect("writes");
    let error = read_fitting(&tensors, &parameters, whole.weights).expect_err("is damaged").to_string();
    has(&error, &["is damaged"]);
}

#[test]
fn shapes_names_and_losses_are_keras_s() {
    assert_eq!(
        load("mlp.keras").input_shape,
        [7, 7, 1],
        "49 numbers, and no images at hand that are as many"
    );
    assert_eq!(
        keras::load(&fixture("mlp.keras"), Some([1, 7, 7])).expect("loads").model.input_shape,
        [1, 7, 7]
    );
    assert_eq!(load("lstm.keras").input_shape, [7, 6, 1]);
    assert_eq!(load("residual.keras").name, "toy_resnet");
    let nested = load("nested.keras");
    let names: Vec<String> = nested.summary().expect("fits").into_iter().map(|layer| layer.name).collect();
    assert_eq!(names[..4], ["conv2d", "flatten", "hidden", "dense"], "{names:?}");
    assert_eq!(names[4], "outer_hidden", "two layers of one name: {names:?}");
    assert_eq!(load("one_number.keras").loss, Some(Loss::MeanSquaredError));
    let rescaled = keras::load(&fixture("rescaled.keras"), Some(IMAGE)).expect("loads");
    let kinds: Vec<_> = rescaled.model.layers.iter().take(3).map(Layer::kind).collect();
    assert_eq!(kinds, ["RandomFlip", "RandomRotation", "Conv2D"]);
    let notes = rescaled.notes.join("\n");
    has(&notes, &["(Rescaling)", "pixel / 255"]);
    assert!(rescaled.left_out.is_empty(), "{:?}", rescaled.left_out);
}

#[test]
fn augmentation_before_a_rescaling_is_of_pixels_divided_by_255() {
    let loaded = keras::load(&fixture("augmented.keras"), Some(IMAGE)).expect("loads");
    assert!(loaded.rescaled && loaded.left_out.is_empty());
    let layers = &loaded.model.layers;
    let kinds: Vec<_> = layers.iter().map(Layer::kind).collect();
    assert_eq!(
        kinds[..6],
        ["Resizing", "RandomFlip", "RandomZoom", "RandomContrast", "RandomBrightness", "Rescaling"]
    );
    let Layer::RandomZoom(zoom) = &layers[2] else { panic!("{kinds:?}") };
    assert!((zoom.fill_value - 0.2).abs() < 1e-12 && zoom.fill_mode == FillMode::Constant, "{zoom:?}");
    let Layer::RandomContrast(contrast) = &layers[3] else { panic!("{kinds:?}") };
    assert_eq!((contrast.factor, contrast.value_range), (Factor::Range([0.0, 0.2]), [0.0, 1.0]));
    let Layer::RandomBrightness(brightness) = &layers[4] else { panic!("{kinds:?}") };
    assert_eq!((brightness.factor, brightness.value_range), (Factor::Range([-0.1, 0.1]), [0.0, 1.0]));
    let Layer::Rescaling(rescaling) = &layers[5] else { panic!("{kinds:?}") };
    assert_eq!((&rescaling.scale, &rescaling.offset), (&Numbers::One(2.0), &Numbers::One(-1.0)));
    // Behind the rescaling, ranges are those of the file.
    let Layer::RandomBrightness(behind) = &layers[8] else { panic!("{kinds:?}") };
    assert_eq!(behind.value_range, [0.0, 4.0]);
    has(
        &loaded.notes.join("\n"),
        &["(RandomContrast): its value_range", "(RandomZoom): its fill_value", "255 times"],
    );
}

/// The layers of a network that begins with these, each a class and its arguments.
fn beginning_with(first: &[(&str, Value)]) -> Result<keras::Loaded, String> {
    let layer = |(class, config): &(&str, Value)| {
        let mut config = config.clone();
        config["name"] = config.get("name").cloned().unwrap_or_else(|| class.to_lowercase().into());
        json!({"module": "keras.layers", "class_name": class, "config": config})
    };
    let input = ("InputLayer", json!({"batch_shape": [null, 8, 9, 3], "name": "input_layer"}));
    let ends = [("Flatten", json!({})), ("Dense", json!({"units": 2}))];
    let layers: Vec<Value> = std::iter::once(&input).chain(first).chain(&ends).map(layer).collect();
    let network =
        json!({"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": layers}});
    keras::parse(Path::new("net.json"), &network.to_string(), None).map_err(|e| e.to_string())
}

#[test]
fn a_rescaling_is_found_behind_what_keeps_pixels_and_once() {
    let bright = || ("RandomBrightness", json!({"factor": 0.1, "value_range": [0, 255], "seed": 3}));
    let scale = |name: &str, scale: f64| ("Rescaling", json!({"name": name, "scale": scale, "offset": 0.0}));
    let crop = || ("CenterCrop", json!({"height": 6, "width": 6}));
    let read = |first: &[(&str, Value)]| {
        let loaded = beginning_with(first).unwrap_or_else(|e| panic!("{e}"));
        let of = |layer: &Layer| match layer {
            Layer::RandomBrightness(layer) => Some(layer.value_range[1]),
            Layer::Rescaling(layer) => match layer.scale {
                Numbers::One(scale) => Some(scale),
                Numbers::Each(_) => None,
            },
            _ => None,
        };
        (loaded.rescaled, loaded.model.layers.iter().filter_map(of).collect::<Vec<_>>())
    };
    let by = |scale: f64| scale / 255.0;
    assert_eq!(read(&[bright(), scale("a", by(1.0))]), (true, vec![1.0]));
    assert_eq!(read(&[bright(), crop(), scale("a", by(1.0))]), (true, vec![1.0]));
    assert_eq!(read(&[scale("a", by(1.0)), bright()]), (true, vec![255.0]));
    // What was divided by 255 is not pixels any more.
    assert_eq!(read(&[scale("a", by(1.0)), scale("b", 2.0), bright()]), (true, vec![2.0, 255.0]));
    assert_eq!(read(&[bright(), scale("a", by(1.0)), scale("b", 2.0)]), (true, vec![1.0, 2.0]));
    assert_eq!(read(&[bright(), scale("a", by(2.0)), scale("b", 3.0)]), (true, vec![1.0, 2.0, 3.0]));
    assert_eq!(
        read(&[bright(), ("Conv2D", json!({"filters": 2, "kernel_size": 2})), scale("a", 0.5)]),
        (false, vec![255.0, 0.5])
    );
    assert_eq!(read(&[bright()]), (false, vec![255.0]));
    // Keras 2 writes no range.
    let loaded =
        beginning_with(&[("RandomContrast", json!({"factor": 0.5}))]).unwrap_or_else(|e| panic!("{e}"));
    let Layer::RandomContrast(contrast) = &loaded.model.layers[0] else { panic!("{loaded:?}") };
    assert_eq!((contrast.factor, contrast.value_range), (Factor::One(0.5), [0.0, 255.0]));
}

#[test]
fn augmentation_takes_the_arguments_of_keras() {
    let read = |class: &str, config: Value| {
        beginning_with(&[(class, config)]).map(|loaded| loaded.model.layers[0].clone())
    };
    let given = json!({"name": "it", "trainable": true, "height_factor": [-0.2, 0.3], "width_factor": 0, "fill_mode": "wrap",
        "interpolation": "nearest", "seed": 4, "fill_value": 0.0, "data_format": "channels_last",
        "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}});
    let expected = RandomTranslation {
        fill_mode: FillMode::Wrap,
        interpolation: Interpolation::Nearest,
        name: Some("it".into()),
        ..RandomTranslation::new([-0.2, 0.3], 0.0)
    };
    assert_eq!(read("RandomTranslation", given), Ok(expected.into()));
    let flip = |mode: &str| read("RandomFlip", json!({"name": "it", "mode": mode, "seed": null}));
    for (name, mode) in [
        ("horizontal", FlipMode::Horizontal),
        ("vertical", FlipMode::Vertical),
        ("horizontal_and_vertical", FlipMode::HorizontalAndVertical),
    ] {
        assert_eq!(flip(name), Ok(RandomFlip { mode, name: Some("it".into()) }.into()));
    }
    let crop = read("RandomCrop", json!({"name": "it", "height": 5, "width": 4, "seed": 1}));
    assert_eq!(crop, Ok(RandomCrop { name: Some("it".into()), ..RandomCrop::new(5, 4) }.into()));
    let refused = |class: &str, config: Value| read(class, config).expect_err("is refused");
    says(
        &refused("RandomFlip", json!({"mode": "diagonal"})),
        &["randomflip", "diagonal", "horizontal_and_vertical"],
    );
    says(
        &refused("RandomRotation", json!({"factor": 0.1, "fill_mode": "mirror"})),
        &["randomrotation", "mirror", "reflect"],
    );
    says(&refused("RandomRotation", json!({"factor": 1.1})), &["randomrotation", "factor has 1.1", "turns"]);
    says(
        &refused("RandomZoom", json!({"height_factor": 0.1, "interpolation": "bicubic"})),
        &["bicubic", "bilinear"],
    );
    says(
        &refused("RandomZoom", json!({"height_factor": 0.1, "data_format": "channels_first"})),
        &["channels_first"],
    );
    says(&refused("RandomCrop", json!({"height": 9, "width": 3})), &["9×3", "8×9"]);
    says(&refused("RandomBrightness", json!({"factor": "much"})), &["a number, or a list"]);
    says(
        &refused(
            "RandomTranslation",
            json!({"height_factor": 0, "width_factor": 0, "bounding_box_format": "xyxy"}),
        ),
        &["bounding_box_format"],
    );
}

#[test]
fn layers_that_are_not_trainable_keep_their_tensors() {
    let text = fs::read_to_string(fixture("residual.json")).expect("reads");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let mut layers = config["config"]["layers"].as_array().expect("a list").clone();
    let mut frozen = Vec::new();
    for layer in layers.iter_mut().take(5) {
        layer["config"]["trainable"] = json!(false);
        frozen.push(layer["config"]["name"].as_str().expect("a name").to_string());
    }
    config["config"]["layers"] = layers.into();
    let model = keras::parse(Path::new("net.json"), &config.to_string(), Some(IMAGE)).expect("loads").model;
    let layer = |name: &str| name.rsplit_once('.').map_or("", |(layer, _)| layer).to_string();
    let parameters = model.parameters().expect("fits");
    let still: BTreeSet<String> = parameters
        .iter()
        .filter(|p| !p.trained && !p.name.contains("moving_"))
        .map(|p| layer(&p.name))
        .collect();
    assert_eq!(still.into_iter().collect::<Vec<_>>(), ["batch_normalization", "conv2d", "conv2d_1"]);
    assert!(parameters.iter().any(|p| p.trained));
    // A model file says it too.
    let text = wgrad_formats::model_file::to_text(&model).expect("has a form");
    assert_eq!(wgrad_formats::model_file::parse(Path::new("net.toml"), &text).expect("reads"), model);
}

/// Error of a fixture whose JSON was changed by `change`.
fn refused(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let text = fs::read_to_string(fixture(name)).expect("reads");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut config);
    let error =
        keras::parse(Path::new("some/net.json"), &config.to_string(), Some(IMAGE)).expect_err("is refused");
    error.to_string()
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    assert!(error.contains("net.json"), "the file is not named in {error}");
    for word in words {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
}

/// Sets an argument of layer `layer` of the stack `lstm`.
fn with(layer: usize, key: &str, value: Value) -> String {
    refused("lstm.json", |config| config["config"]["layers"][layer]["config"][key] = value)
}

#[test]
fn penalties_and_constraints_are_those_of_the_file() {
    let text = fs::read_to_string(fixture("lstm.json")).expect("reads");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let named = |module: &str, class: &str, config: Value| json!({"module": module, "class_name": class, "config": config});
    let l1 = named("keras.regularizers", "L1", json!({"l1": 0.25}));
    let both = named("keras.regularizers", "L1L2", json!({"l1": 0.5, "l2": 0.125}));
    let norm = named(
        "keras.constraints",
        "MinMaxNorm",
        json!({"min_value": 0.5, "max_value": 1.5, "rate": 0.75, "axis": 0}),
    );
    let layers = &mut config["config"]["layers"];
    let lstm = json!({"class_name": "LSTM", "config": {"units": 3, "return_sequences": true, "recurrent_regularizer": l1, "kernel_constraint": norm}});
    layers[1] = json!({"class_name": "Bidirectional", "config": {"name": "both", "layer": lstm}});
    layers[3]["config"]["kernel_regularizer"] = both;
    layers[3]["config"]["bias_regularizer"] = json!("l2");
    layers[3]["config"]["bias_constraint"] = json!("non_neg");
    let model = keras::parse(Path::new("net.json"), &config.to_string(), Some(IMAGE)).expect("loads").model;
    let norm = Constraint::MinMaxNorm { min_value: 0.5, max_value: 1.5, rate: 0.75, axis: vec![0] };
    for (layer, tensor, regularizer) in [
        (1, "forward_recurrent_kernel", Some(Regularizer::l1(0.25))),
        (1, "backward_recurrent_kernel", Some(Regularizer::l1(0.25))),
        (1, "forward_kernel", None),
        (3, "kernel", Some(Regularizer { l1: 0.5, l2: 0.125 })),
        (3, "bias", Some(Regularizer::l2(0.01))),
    ] {
        let found = model.regularizers.get(&layer).and_then(|of| of.get(tensor)).copied();
        assert_eq!(found, regularizer, "{layer} {tensor}");
    }
    assert_eq!(model.constraints[&1]["backward_kernel"], norm);
    assert_eq!(model.constraints[&3]["bias"], Constraint::NonNeg);
    let text = wgrad_formats::model_file::to_text(&model).expect("has a form");
    assert_eq!(
        wgrad_formats::model_file::parse(Path::new("net.toml"), &text).expect("reads"),
        model,
        "{text}"
    );
    let wrong = text.replace("l2 = 0.125", "l3 = 0.125");
    let error = wgrad_formats::model_file::parse(Path::new("net.toml"), &wrong).expect_err("l3").to_string();
    assert!(error.contains("kernel_regularizer: unknown field `l3`"), "{error}");
}

#[test]
fn what_a_layer_does_not_take_is_named() {
    let orthogonal = json!({"module": "keras.regularizers", "class_name": "OrthogonalRegularizer", "config": {"factor": 0.01}});
    says(
        &with(1, "kernel_regularizer", orthogonal),
        &["layer `lstm` (LSTM)", "kernel_regularizer is OrthogonalRegularizer", "0.01", "L1, L2 and L1L2"],
    );
    let l2 =
        |factor: f64| json!({"module": "keras.regularizers", "class_name": "L2", "config": {"l2": factor}});
    says(&with(1, "kernel_regularizer", l2(-1.0)), &["layer 2 (lstm)", "`kernel` has l2 = -1"]);
    says(&with(3, "gamma_regularizer", l2(0.1)), &["regularizer of `gamma`", "it has kernel, bias"]);
    let across = json!({"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 1}});
    says(&with(3, "kernel_constraint", across), &["constraint of `kernel` has axis = [1]", "first axes"]);
    says(&with(3, "activation", json!("crelu")), &["layer `dense`", "crelu", "linear, relu"]);
    says(&with(3, "dtype", json!("float64")), &["dtype is float64", "float32"]);
    says(&with(3, "units", json!(0)), &["units is 0"]);
    says(&with(0, "batch_shape", json!([null, null, 6])), &["input_layer", "[null,6]", "whole shape"]);
    says(&with(0, "batch_shape", json!([null, 2, 3, 4, 5, 6])), &["[2,3,4,5,6]", "one to four"]);
    let none = json!(null);
    says(
        &refused("lstm.json", |c| {
            c["config"]["layers"][1] = json!({"class_name": "Bidirectional", "config": {
            "name": "both", "merge_mode": none, "layer": {"class_name": "LSTM", "config": {"units": 3}}}})
        }),
        &["layer `both` (Bidirectional)", "merge_mode is None", "\"concat\""],
    );
    says(
        &refused("lstm.json", |c| {
            c["config"]["layers"][1] = json!({"class_name": "Bidirectional", "config": {
            "name": "both", "layer": {"class_name": "LSTM", "config": {"units": 3, "kernel_constraint": "narrow"}}}})
        }),
        &["layer `both` (Bidirectional)", "(LSTM)", "kernel_constraint is narrow", "MaxNorm"],
    );
    says(
        &refused("lstm.json", |c| {
            c["config"]["layers"][1] = json!({"class_name": "Bidirectional", "config": {
            "name": "both", "layer": {"class_name": "LSTM", "config": {"units": 3}},
            "backward_layer": {"class_name": "LSTM", "config": {"units": 4}}}})
        }),
        &["backward_layer differs"],
    );
}

#[test]
fn normalizations_take_what_changes_nothing_and_name_the_rest() {
    let of = among_sequences;
    let ones = json!({"module": "keras.initializers", "class_name": "Ones", "config": {}});
    let groups = json!({"name": "it", "groups": 5, "axis": 2, "epsilon": 0.25, "center": false, "scale": true,
        "gamma_initializer": ones, "gamma_regularizer": null, "dtype": "float32", "trainable": true});
    let model = of("GroupNormalization", groups).unwrap_or_else(|e| panic!("{e}"));
    let expected = GroupNormalization {
        epsilon: 0.25,
        center: false,
        name: Some("it".into()),
        ..GroupNormalization::new(5)
    };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    // A model that was built has the axis in a list.
    let model = of("RMSNormalization", json!({"name": "it", "axis": [-1]})).unwrap_or_else(|e| panic!("{e}"));
    let expected = RMSNormalization { name: Some("it".into()), ..RMSNormalization::new() };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    let refused = |class: &str, arguments: Value| of(class, arguments).expect_err("is refused");
    let said = refused("GroupNormalization", json!({"name": "it", "groups": 2}));
    says(&said, &["it", "groups is 2", "5 channels", "divisor of 5", "-1"]);
    let said = refused("GroupNormalization", json!({"name": "it"}));
    says(&said, &["groups is 32", "5 channels"]);
    let said = refused("GroupNormalization", json!({"name": "it", "groups": 0}));
    says(&said, &["groups is 0"]);
    for class in ["GroupNormalization", "RMSNormalization", "UnitNormalization"] {
        let said = refused(class, json!({"name": "it", "axis": 1}));
        says(&said, &["layer `it`", class, "axis is 1", "leave -1"]);
        let said = refused(class, json!({"name": "it", "axis": [1, 2]}));
        says(&said, &["layer `it`", "axis is [1,2]"]);
    }
    let said = refused("RMSNormalization", json!({"name": "it", "epsilon": 0}));
    says(&said, &["epsilon is 0", "above 0"]);
    let said = refused("RMSNormalization", json!({"name": "it", "center": true}));
    says(&said, &["center is true", "epsilon"]);
}

/// The third layer of a network of sequences, (time, features), replaced by a layer of Keras with these arguments.
fn among_sequences(class: &str, arguments: Value) -> Result<Model, String> {
    let text = fs::read_to_string(fixture("lstm.json")).expect("reads");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["config"]["layers"][2] =
        json!({"module": "keras.layers", "class_name": class, "config": arguments});
    config["config"]["layers"].as_array_mut().expect("a list").insert(3, {
        json!({"module": "keras.layers", "class_name": "Flatten", "config": {"name": "flat"}})
    });
    let loaded = keras::parse(Path::new("net.json"), &config.to_string(), Some(IMAGE));
    loaded.map(|loaded| loaded.model).map_err(|e| e.to_string())
}

#[test]
fn noise_and_moved_axes_take_the_arguments_of_keras() {
    let noise = json!({"name": "it", "stddev": 0.25, "seed": 7, "dtype": "float32", "trainable": true});
    let model = among_sequences("GaussianNoise", noise).unwrap_or_else(|e| panic!("{e}"));
    let expected = GaussianNoise { name: Some("it".into()), ..GaussianNoise::new(0.25) };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    let alpha = json!({"name": "it", "rate": 0.25, "seed": null, "noise_shape": null});
    let model = among_sequences("AlphaDropout", alpha).unwrap_or_else(|e| panic!("{e}"));
    let expected = AlphaDropout { name: Some("it".into()), ..AlphaDropout::new(0.25) };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    let model =
        among_sequences("Permute", json!({"name": "it", "dims": [2, 1]})).unwrap_or_else(|e| panic!("{e}"));
    let expected = Permute { name: Some("it".into()), ..Permute::new(&[2, 1]) };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    let refused = |class: &str, arguments: Value| among_sequences(class, arguments).expect_err("is refused");
    let said = refused("AlphaDropout", json!({"name": "it", "rate": 0.25, "noise_shape": [1, 5]}));
    says(&said, &["layer `it` (AlphaDropout)", "noise_shape is", "rate"]);
    says(&refused("GaussianDropout", json!({"name": "it", "rate": 1.0})), &["it", "rate is 1", "below 1"]);
    says(
        &refused("GaussianNoise", json!({"name": "it", "stddev": -0.5})),
        &["it", "stddev is -0.5", "1.2e-38"],
    );
    for dims in [json!([1]), json!([0, 1]), json!([2, 2]), json!([1, 2, 3])] {
        says(
            &refused("Permute", json!({"name": "it", "dims": dims})),
            &["it", "dims is", "each of 1, 2 once"],
        );
    }
}

#[test]
fn sizes_of_images_take_the_arguments_of_keras() {
    let read = |class: &str, more: Value| {
        let mut arguments = json!({"name": "it", "height": 6, "width": 7, "data_format": "channels_last"});
        for (key, value) in more.as_object().expect("arguments") {
            arguments[key] = value.clone();
        }
        let layer = |class: &str, config: Value| json!({"module": "keras.layers", "class_name": class, "config": config});
        let layers = json!([
            layer("InputLayer", json!({"batch_shape": [null, 8, 9, 3], "name": "input_layer"})),
            layer(class, arguments),
            layer("Flatten", json!({"name": "flat"})),
            layer("Dense", json!({"name": "out", "units": 2})),
        ]);
        let network = json!({"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": layers}});
        let loaded = keras::parse(Path::new("net.json"), &network.to_string(), None);
        loaded.map(|loaded| loaded.model.layers).map_err(|e| e.to_string())
    };
    let plain = json!({"interpolation": "bilinear", "crop_to_aspect_ratio": false, "pad_to_aspect_ratio": false,
        "fill_mode": "constant", "fill_value": 0.0, "antialias": false});
    let layers = read("Resizing", plain).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(layers[0], Resizing { name: Some("it".into()), ..Resizing::new(6, 7) }.into());
    let nearest =
        Resizing { interpolation: Interpolation::Nearest, name: Some("it".into()), ..Resizing::new(6, 7) };
    let layers = read("Resizing", json!({"interpolation": "nearest"})).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(layers[0], nearest.into());
    let layers = read("CenterCrop", json!({})).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(layers[0], CenterCrop { name: Some("it".into()), ..CenterCrop::new(6, 7) }.into());
    let refused = |class: &str, more: Value| read(class, more).expect_err("is refused");
    says(&refused("CenterCrop", json!({"height": 9})), &["it", "9×7", "8×9", "Resizing"]);
    says(&refused("Resizing", json!({"interpolation": "bicubic"})), &["it", "bicubic", "bilinear"]);
    says(&refused("Resizing", json!({"antialias": true})), &["antialias is true", "interpolation"]);
    says(&refused("Resizing", json!({"pad_to_aspect_ratio": true})), &["pad_to_aspect_ratio is true"]);
    says(&refused("Resizing", json!({"width": 0})), &["6×0", "at least 1"]);
}

#[test]
fn products_take_the_arguments_of_keras() {
    let einsum = json!({"name": "it", "equation": "abc,cd->abd", "output_shape": [null, 4], "activation": "relu",
        "bias_axes": "d", "kernel_regularizer": null, "lora_rank": null, "quantization_config": null});
    let model = among_sequences("EinsumDense", einsum).unwrap_or_else(|e| panic!("{e}"));
    let expected = EinsumDense {
        activation: "relu".parse().expect("known"),
        bias_axes: Some("d".into()),
        name: Some("it".into()),
        ..EinsumDense::new("abc,cd->abd", &[-1, 4])
    };
    assert!(model.layers.contains(&expected.into()), "{:?}", model.layers);
    let refused = |arguments: Value| among_sequences("EinsumDense", arguments).expect_err("is refused");
    let with = |equation: &str, bias: Value| json!({"name": "it", "equation": equation, "output_shape": [null, 4], "bias_axes": bias});
    says(
        &refused(with("abc,bd->acd", Value::Null)),
        &["it", "abc,bd->acd", "abc,cd->abd", "...x,xy->...y", "Permute"],
    );
    says(&refused(with("abc,cd->abd", json!("bd"))), &["it", "bias_axes is \"bd\"", "all new axes"]);
    says(
        &refused(json!({"name": "it", "equation": "abc,cd->abd", "output_shape": "four"})),
        &["it", "expected a length", "-1"],
    );
    // Dot and Attention take two layers.
    let joined = |class: &str, arguments: Value, call: Value| {
        let layer = |name: &str, class: &str, config: Value, inbound: Value| json!({"module": "keras.layers", "class_name": class, "name": name, "config": config, "inbound_nodes": inbound});
        let tensor =
            |name: &str| json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}});
        let takes = |name: &str| json!([{"args": [tensor(name)], "kwargs": {}}]);
        let both = json!([{"args": [[tensor("in"), tensor("in")]], "kwargs": call}]);
        let layers = json!([
            layer("in", "InputLayer", json!({"batch_shape": [null, 3, 5], "name": "in"}), json!([])),
            layer("it", class, arguments, both),
            layer("flat", "Flatten", json!({"name": "flat"}), takes("it")),
            layer("out", "Dense", json!({"name": "out", "units": 2}), takes("flat")),
        ]);
        let config = json!({"name": "net", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["out", 0, 0]]});
        let network =
            json!({"module": "keras.src.models.functional", "class_name": "Functional", "config": config});
        let loaded = keras::parse(Path::new("net.json"), &network.to_string(), None);
        loaded.map(|loaded| loaded.model.layers).map_err(|e| e.to_string())
    };
    let has = |found: Result<Vec<Layer>, String>, expected: Layer| {
        let layers = found.unwrap_or_else(|e| panic!("{e}"));
        assert!(layers.contains(&expected), "{layers:?}");
    };
    let dot = Dot { normalize: true, name: Some("it".into()), ..Dot::new(2) };
    has(joined("Dot", json!({"name": "it", "axes": 2, "normalize": true}), json!({})), dot.into());
    let dot = Dot { name: Some("it".into()), ..Dot::new([1, 1]) };
    has(joined("Dot", json!({"name": "it", "axes": [1, 1], "normalize": false}), json!({})), dot.into());
    let plain = json!({"name": "it", "use_scale": false, "score_mode": "dot", "dropout": 0.0, "seed": null});
    let attention = Attention { use_causal_mask: true, name: Some("it".into()), ..Attention::new() };
    let call = json!({"use_causal_mask": true, "return_attention_scores": false, "mask": null});
    has(joined("Attention", plain, call), attention.into());
    let dropping = json!({"name": "it", "dropout": 0.25, "seed": 7});
    let attention = Attention { dropout: 0.25, name: Some("it".into()), ..Attention::new() };
    has(joined("Attention", dropping, json!({})), attention.into());
    let dropping = json!({"name": "it", "num_heads": 2, "key_dim": 3, "dropout": 0.25, "seed": null});
    let attention =
        MultiHeadAttention { dropout: 0.25, name: Some("it".into()), ..MultiHeadAttention::new(2, 3) };
    has(joined("MultiHeadAttention", dropping, json!({})), attention.into());
    let refused =
        |class: &str, arguments: Value| joined(class, arguments, json!({})).expect_err("is refused");
    says(&refused("Dot", json!({"name": "it", "axes": 0})), &["it", "axes has 0", "0 is the batch"]);
    says(&refused("Dot", json!({"name": "it", "axes": "last"})), &["it", "an axis, or a list of two axes"]);
    says(&refused("Dot", json!({"name": "it", "axes": [1, 2]})), &["it", "3 and 5 numbers long"]);
    says(
        &refused("Attention", json!({"name": "it", "use_scale": true})),
        &["it", "use_scale is true", "Dense"],
    );
    says(&refused("Attention", json!({"name": "it", "score_mode": "concat"})), &["it", "concat", "dot"]);
    says(&refused("Attention", json!({"name": "it", "dropout": 1.5})), &["it", "dropout is 1.5", "below 1"]);
}

#[test]
fn a_layer_on_each_step_has_the_arguments_of_the_layer() {
    let text = fs::read_to_string(fixture("lstm.json")).expect("reads");
    let of = |class: &str, arguments: Value| {
        let mut config: Value = serde_json::from_str(&text).expect("JSON");
        let layer = json!({"module": "keras.layers", "class_name": class, "config": arguments});
        let each = json!({"module": "keras.layers", "class_name": "TimeDistributed", "config": {"name": "it", "layer": layer}});
        config["config"]["layers"].as_array_mut().expect("a list").insert(2, each);
        keras::parse(Path::new("net.json"), &config.to_string(), Some(IMAGE)).map_err(|e| e.to_string())
    };
    let dense = json!({"name": "inner", "units": 4, "activation": "tanh", "trainable": false, "kernel_regularizer": "l2"});
    let model = of("Dense", dense).unwrap_or_else(|e| panic!("{e}")).model;
    let inner = Dense::new(4).activation("tanh").expect("known");
    let expected = TimeDistributed { name: Some("it".into()), ..TimeDistributed::new(inner) };
    let at = model.layers.iter().position(|layer| *layer == expected.clone().into()).expect("is there");
    assert!(model.frozen.contains(&at), "the layer within is not trained");
    assert_eq!(model.regularizers[&at]["kernel"], Regularizer::l2(0.01));
    let text = wgrad_formats::model_file::to_text(&model).expect("has a form");
    let again = wgrad_formats::model_file::parse(Path::new("net.toml"), &text).expect("reads");
    assert_eq!(again, model, "{text}");
    // Axes count those of a step: (batch, features).
    let model = of("LayerNormalization", json!({"axis": [1]})).unwrap_or_else(|e| panic!("{e}")).model;
    assert!(
        model.layers.contains(
            &TimeDistributed { name: Some("it".into()), ..TimeDistributed::new(LayerNormalization::new()) }
                .into()
        )
    );
    let refused = |class: &str, arguments: Value| of(class, arguments).map(drop).expect_err("is refused");
    says(
        &refused("BatchNormalization", json!({})),
        &["(it)", "layer is BatchNormalization", "each step", "outside"],
    );
    says(&refused("Add", json!({})), &["layer is Add", "several inputs"]);
    says(&refused("Conv2D", json!({"filters": 2, "kernel_size": 3})), &["its Conv2D on a step of shape [5]"]);
    says(
        &refused("Sequential", json!({"layers": []})),
        &["layer `it`", "is a model (Sequential)", "each of its layers"],
    );
    says(&refused("Lambda", json!({})), &["layer `it`", "layer is Lambda", "use a layer"]);
    says(&refused("Dense", json!({"units": 2, "axis": 0})), &["(Dense)", "axis is 0"]);
}

#[test]
fn masks_are_those_that_keras_passes_on_or_refused() {
    let layer = |config: &mut Value, name: &str, change: &dyn Fn(&mut Value)| {
        let layers = config["config"]["layers"].as_array_mut().expect("layers");
        change(layers.iter_mut().find(|layer| layer["name"] == name).expect("a layer of that name"));
    };
    let changed =
        |name: &str, change: &dyn Fn(&mut Value)| refused("masked.json", |c| layer(c, name, change));
    // Another number, in one of the two places.
    let other = ["is called with a mask other than that of its input", "Embedding(mask_zero=True)"];
    let not_equal = |l: &mut Value| l["inbound_nodes"][0]["args"][1] = json!(1.0);
    says(&changed("not_equal", &not_equal), &["layer `bidirectional` (Bidirectional)", other[0], other[1]]);
    says(
        &changed("masking", &|l| l["config"]["mask_value"] = json!(0.5)),
        &["layer `bidirectional`", other[0]],
    );
    // No mask in the network, but one in the call.
    let class = |class: &'static str| move |l: &mut Value| l["class_name"] = json!(class);
    let linear = |l: &mut Value| {
        l["class_name"] = json!("Reshape");
        l["config"] = json!({"target_shape": [6, 4]});
    };
    says(&changed("dense", &linear), &["layer `bidirectional`", other[0]]);
    says(
        &changed("logical_or", &class("LogicalAnd")),
        &["`logical_or` (LogicalAnd)", "keras.ops.logical_and"],
    );
    let of_a_layer = |l: &mut Value| {
        l["inbound_nodes"][0]["kwargs"]["mask"]["config"]["keras_history"][0] = json!("dense")
    };
    says(&changed("gru", &of_a_layer), &["layer `gru` (GRU)", "mask = another layer's output"]);
    // What computes something else with a mask.
    let norm = |l: &mut Value| {
        l["class_name"] = json!("BatchNormalization");
        l["config"] = json!({"name": "layer_normalization"});
    };
    let said = changed("layer_normalization", &norm);
    says(&said, &["(layer_normalization)", "its input has a mask", "mean of the steps that count"]);
    let zeros = |l: &mut Value| l["config"]["zero_output_for_mask"] = json!(true);
    says(
        &changed("simple_rnn", &zeros),
        &["(simple_rnn)", "zero_output_for_mask", "return_sequences = true"],
    );
    // In a stack, no call says anything of masks.
    let words = json!({"class_name": "Sequential", "module": "keras", "config": {"name": "words", "layers": [
        {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 6], "name": "i"}},
        {"module": "keras.layers", "class_name": "Embedding", "config": {"name": "words", "input_dim": 9, "output_dim": 3, "mask_zero": true}},
        {"module": "keras.layers", "class_name": "LSTM", "config": {"name": "lstm", "units": 2, "zero_output_for_mask": false}},
    ]}});
    let model = text(&words).expect("loads").model;
    assert!(
        model.layers.contains(
            &Embedding { mask_zero: true, name: Some("words".into()), ..Embedding::new(9, 3) }.into()
        )
    );
    let (placed, _) = model.place().expect("fits");
    let masked: Vec<&str> = placed.iter().filter(|p| p.masked).map(|p| p.place.name.as_str()).collect();
    assert_eq!(masked, ["words"]);
}

#[test]
fn classes_that_are_not_there_are_named_with_what_is_nearest() {
    let class = |name: &str, arguments: Value| {
        refused("rescaled.json", |c| {
            c["config"]["layers"][1] = json!({"class_name": name, "config": arguments});
        })
    };
    let named = |name: &str| class(name, json!({"name": "it"}));
    says(&class("Rescaling", json!({"name": "it", "scale": "half"})), &["layer `it` (Rescaling)", "half"]);
    says(&named("ConvLSTM2D"), &["layer `it` (ConvLSTM2D)", "no such layer", "Conv2D"]);
    says(&named("Lambda"), &["use a layer"]);
    says(
        &class("LeakyReLU", json!({"name": "it", "negative_slope": "steep"})),
        &["layer `it` (LeakyReLU)", "steep"],
    );
    says(
        &refused("rescaled.json", |c| c["class_name"] = json!("MyModel")),
        &["\"MyModel\"", "\"Sequential\"", "subclassed"],
    );
    says(
        &refused("rescaled.json", |c| {
            *c = json!({"class_name": "Sequential", "config": [], "keras_version": "1.2.2"});
        }),
        &["Keras 1.2.2", "Keras 2 and 3"],
    );
    let error = keras::parse(Path::new("net.json"), "{\n \"class_name\": ", Some(IMAGE))
        .expect_err("no JSON")
        .to_string();
    says(&error, &["line 2", "is not JSON", "to_json"]);
    says(&refused("rescaled.json", |c| *c = json!([1, 2])), &["class_name"]);
}

#[test]
fn graphs_that_wgrad_has_not_are_refused_in_words() {
    let layer = |config: &mut Value, name: &str| -> usize {
        let layers = config["config"]["layers"].as_array().expect("layers");
        layers.iter().position(|layer| layer["name"] == name).expect("a layer of that name")
    };
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        refused("residual.json", |c| {
            let at = layer(c, name);
            change(&mut c["config"]["layers"][at]);
        })
    };
    let twice = |l: &mut Value| {
        let call = l["inbound_nodes"][0].clone();
        l["inbound_nodes"].as_array_mut().expect("calls").push(call);
    };
    // Its second output is one that nothing takes.
    says(&changed("conv2d_1", &twice), &["(conv2d_1_again)", "gives its output to no layer"]);
    says(
        &changed("conv2d_1", &|l| l["inbound_nodes"] = json!([])),
        &["layer `conv2d_1` (Conv2D)", "takes no input"],
    );
    let itself = |l: &mut Value| {
        twice(l);
        l["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = json!(["conv2d_1", 1, 0]);
        l["inbound_nodes"][1]["args"][0]["config"]["keras_history"] = json!(["conv2d_1", 0, 0]);
    };
    says(&changed("conv2d_1", &itself), &["layer `conv2d_1` (Conv2D)", "takes `conv2d_1`", "earlier layer"]);
    says(
        &changed("dropout", &|l| l["inbound_nodes"][0]["kwargs"]["training"] = json!(true)),
        &["layer `dropout` (Dropout)", "training = true"],
    );
    says(
        &changed("dropout", &|l| {
            l["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = json!(["conv", 0, 0])
        }),
        &["layer `dropout`", "takes `conv`", "conv2d_1"],
    );
    says(
        &changed("dropout", &|l| {
            l["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = json!(["conv2d", 0, 1])
        }),
        &["layer `dropout`", "output", "have one"],
    );
    says(
        &refused("residual.json", |c| {
            c["config"]["output_layers"] = json!([["dense", 0, 0], ["nothing", 0, 0]])
        }),
        &["its output `nothing` is none of its layers"],
    );
    says(
        &refused("residual.json", |c| c["config"]["input_layers"] = json!({"img": ["image", 0, 0]})),
        &["its input `image` is none of its InputLayers"],
    );
    says(
        &refused("residual.json", |c| {
            let mut second = c["config"]["layers"][0].clone();
            (second["name"], second["config"]["name"]) = (json!("other"), json!("other"));
            c["config"]["layers"].as_array_mut().expect("layers").insert(1, second);
        }),
        &["layer `other` (InputLayer)", "none of the inputs"],
    );
    says(
        &refused("residual.json", |c| {
            c["config"]["output_layers"] = json!({"a": ["dense", 0, 0], "b": ["dense", 0, 0]})
        }),
        &["its outputs: `a` and `b` have one layer"],
    );
    let operation = |l: &mut Value| l["class_name"] = json!("Divide");
    says(&changed("add_1", &operation), &["layer `add_1` (Divide)", "keras.ops.divide"]);
}

/// A tensor of a functional model.
fn tensor(layer: &str, call: usize) -> Value {
    json!({"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, 0]}})
}

#[test]
fn inputs_are_a_row_and_calls_of_a_layer_share_its_tensors() {
    let input = |name: &str, shape: &[usize]| {
        let shape: Vec<Value> = std::iter::once(Value::Null).chain(shape.iter().map(|n| json!(n))).collect();
        json!({"module": "keras.layers", "class_name": "InputLayer", "name": name, "inbound_nodes": [],
               "config": {"name": name, "batch_shape": shape}})
    };
    let layer = |class: &str, name: &str, config: Value, calls: Vec<Value>| {
        let calls: Vec<Value> = calls.into_iter().map(|args| json!({"args": args, "kwargs": {}})).collect();
        let mut all = json!({"name": name});
        all.as_object_mut().expect("an object").extend(config.as_object().expect("an object").clone());
        json!({"module": "keras.layers", "class_name": class, "name": name, "config": all, "inbound_nodes": calls})
    };
    let dense = |name: &str, calls: Vec<Value>| layer("Dense", name, json!({"units": 5}), calls);
    // The first call of the second layer takes an output that comes after its second call.
    let network = json!({"module": "keras", "class_name": "Functional", "config": {"name": "pair", "layers": [
        input("b", &[2, 3]),
        input("a", &[5]),
        layer("Flatten", "flat", json!({}), vec![json!([tensor("b", 0)])]),
        dense("code", vec![json!([tensor("join", 0)]), json!([tensor("a", 0)])]),
        dense("wide", vec![json!([tensor("flat", 0)])]),
        layer("Add", "join", json!({}), vec![json!([[tensor("code", 1), tensor("wide", 0)]])]),
        layer("Dense", "last", json!({"units": 2}), vec![json!([tensor("code", 0)])]),
    ], "input_layers": {"z": ["b", 0, 0], "y": ["a", 0, 0]}, "output_layers": [["last", 0, 0]]}});
    let loaded = text(&network).expect("it loads");
    assert_eq!(loaded.inputs, [("y".to_string(), vec![5]), ("z".to_string(), vec![2, 3])]);
    assert_eq!((loaded.input, loaded.model.input_shape), (vec![11], [1, 1, 11]));
    let tensors: Vec<String> = loaded.model.parameters().expect("fits").into_iter().map(|p| p.name).collect();
    let expected = ["wide.kernel", "wide.bias", "code.kernel", "code.bias", "last.kernel", "last.bias"];
    assert_eq!(tensors.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
    assert!(expected.iter().all(|name| tensors.contains(&name.to_string())), "{tensors:?}");
    let rows = loaded.model.summary().expect("fits");
    let again = rows.iter().find(|row| row.shares.is_some()).expect("one shares");
    assert_eq!((again.parameters, again.shares.as_deref()), (0, Some("code")));

    // Models that call one another twice have more layers than any machine.
    let mut inner = dense("deep", vec![json!([tensor("x0", 0)])]);
    for depth in 0..20 {
        let (x, own) = (format!("x{depth}"), inner["name"].as_str().expect("a name").to_string());
        inner["inbound_nodes"] =
            json!([{"args": [tensor(&x, 0)], "kwargs": {}}, {"args": [tensor(&own, 0)], "kwargs": {}}]);
        let (inputs, outputs) = (json!([[x, 0, 0]]), json!([[own, 1, 0]]));
        let config = json!({"name": format!("m{depth}"), "layers": [input(&x, &[5]), inner], "input_layers": inputs, "output_layers": outputs});
        inner = json!({"module": "keras", "class_name": "Functional", "name": format!("m{depth}"), "config": config, "inbound_nodes": []});
    }
    let error = text(&inner).expect_err("it ends nowhere");
    assert!(error.contains("more than 10000 layers"), "{error}");
}

#[test]
fn outputs_have_losses_and_weights_of_their_own() {
    let input = json!({"module": "keras.layers", "class_name": "InputLayer", "name": "in", "inbound_nodes": [],
                       "config": {"name": "in", "batch_shape": [null, 6]}});
    let dense = |name: &str, units: usize, activation: &str, from: &str| {
        json!({"module": "keras.layers", "class_name": "Dense", "name": name,
               "config": {"name": name, "units": units, "activation": activation},
               "inbound_nodes": [{"args": [tensor(from, 0)], "kwargs": {}}]})
    };
    let network = |outputs: Value, compiled: Value| {
        json!({"module": "keras", "class_name": "Functional", "compile_config": compiled, "config": {"name": "net",
            "layers": [input, dense("yes", 1, "sigmoid", "in"), dense("kind", 3, "softmax", "yes"), dense("size", 1, "linear", "yes")],
            "input_layers": [["in", 0, 0]], "output_layers": outputs}})
    };
    let keyed = json!({"urgent": ["yes", 0, 0], "team": ["kind", 0, 0], "hours": ["size", 0, 0]});
    let losses = json!({"urgent": "binary_crossentropy", "hours": {"class_name": "Huber", "config": {"delta": 0.5}},
                        "team": "categorical_crossentropy"});
    let weights = json!({"urgent": 2.0, "hours": 0.5});
    let loaded =
        text(&network(keyed.clone(), json!({"loss": losses, "loss_weights": weights}))).expect("loads");
    let outputs = loaded.model.several_outputs().expect("fits");
    // In the order of their names.
    let found: Vec<(&str, Loss, f64)> = outputs.iter().map(|o| (o.name.as_str(), o.loss, o.weight)).collect();
    let huber = Loss::Huber { delta: 0.5 };
    let expected = [
        ("hours", huber, 0.5),
        ("team", Loss::SoftmaxCrossEntropy, 1.0),
        ("urgent", Loss::BinaryCrossEntropy, 2.0),
    ];
    assert_eq!(found, expected);
    assert!(loaded.keyed && loaded.missing_loss.is_none(), "{:?}", loaded.missing_loss);
    assert_eq!(loaded.one_hot_outputs, [false, true, false]);
    // Others take the output with sigmoid, so that the output itself is another call.
    let heads: Vec<&str> = loaded.model.heads.iter().map(|head| head.layer.as_str()).collect();
    assert_eq!(heads, ["size", "kind", "yes_output"]);
    assert_eq!(loaded.model.parameters().expect("fits").len(), 6);
    let toml = model_file::to_text(&loaded.model).expect("has a form");
    assert_eq!(
        model_file::parse(Path::new("net.toml"), &toml).unwrap_or_else(|e| panic!("{e}")),
        loaded.model
    );

    let list = json!([["kind", 0, 0], ["size", 0, 0]]);
    let two = |compiled: Value| text(&network(list.clone(), compiled)).expect("loads");
    let names: Vec<String> =
        two(json!({})).model.several_outputs().expect("fits").into_iter().map(|output| output.name).collect();
    assert_eq!(names, ["kind", "size"]);
    let one = two(json!({"loss": ["sparse_categorical_crossentropy", "mse"], "loss_weights": [1.0, 0.25]}));
    assert_eq!((one.model.heads[1].loss, one.model.heads[1].weight), (Some(Loss::MeanSquaredError), 0.25));
    for (compiled, words) in [
        (json!({"loss": ["mse"]}), "one for each"),
        (json!({"loss": {"kind": "mse"}}), "None for its output `size`"),
        (
            json!({"loss": {"kind": "mse", "size": "mse", "more": "mse"}}),
            "of `more`, which is none of its outputs",
        ),
        (json!({"loss": "mse", "loss_weights": [1.0, -1.0]}), "loss_weights = [1.0,-1.0]"),
        (json!({"loss": ["poisson", "mse"]}), "poisson"),
        (json!({"loss": "binary_crossentropy"}), "does not end in sigmoid"),
    ] {
        let missing = two(compiled).missing_loss.expect("it cannot be trained so");
        assert!(missing.contains(words), "{missing}");
    }
    let error = text(&network(json!({}), json!({}))).expect_err("none").to_string();
    assert!(error.contains("has no outputs"), "{error}");
}

/// A network as JSON, or the error about it.
fn text(config: &Value) -> Result<keras::Loaded, String> {
    keras::parse(Path::new("net.json"), &config.to_string(), Some(IMAGE)).map_err(|e| e.to_string())
}

#[test]
fn what_keras_2_wrote_is_the_same_network() {
    let dense = |name: &str, units: u32| {
        json!({"class_name": "Dense", "config": {"name": name, "units": units, "activation": "relu",
        "kernel_initializer": {"class_name": "VarianceScaling", "config":
            {"scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": null}}}})
    };
    let flatten =
        json!({"class_name": "Flatten", "config": {"name": "flat", "batch_input_shape": [null, 28, 28, 1]}});
    let leaky = json!({"class_name": "LeakyReLU", "config": {"name": "leaky", "alpha": 0.25}});
    let norm = json!({"class_name": "BatchNormalization", "config": {"name": "norm", "axis": [1], "momentum": 0.9, "fused": null}});
    let layers = json!([flatten, dense("a", 8), leaky, norm, dense("b", 10)]);
    // A stack was its list before version 2.2.
    let old = json!({"class_name": "Sequential", "config": layers, "keras_version": "2.0.8", "backend": "tensorflow"});
    let late = json!({"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}, "keras_version": "2.15.0"});
    let [old, late] = [old, late].map(|config| text(&config).expect("loads").model);
    assert_eq!(old.layers, late.layers);
    let Layer::LeakyReLU(leaky) = &late.layers[2] else { panic!("{:?}", late.layers) };
    assert_eq!(leaky.negative_slope, 0.25);

    // A graph named the outputs that a layer takes in lists.
    let call = |names: &[&str]| json!([names.iter().map(|name| json!([name, 0, 0, {}])).collect::<Vec<_>>()]);
    let layer = |class: &str, name: &str, config: Value, from: &[&str]| {
        let mut config = config;
        config["name"] = json!(name);
        json!({"class_name": class, "name": name, "config": config,
            "inbound_nodes": if from.is_empty() { json!([]) } else { call(from) }})
    };
    let graph = json!({"class_name": "Model", "keras_version": "2.4.0", "config": {"name": "graph", "layers": [
        layer("InputLayer", "img", json!({"batch_input_shape": [null, 4, 4, 1]}), &[]),
        layer("Conv2D", "one", json!({"filters": 2, "kernel_size": [3, 3], "padding": "same"}), &["img"]),
        layer("Conv2D", "two", json!({"filters": 2, "kernel_size": [1, 1], "padding": "same"}), &["img"]),
        layer("Add", "sum", json!({}), &["one", "two"]),
        layer("Flatten", "flat", json!({}), &["sum"]),
        layer("Dense", "out", json!({"units": 3, "activation": "softmax"}), &["flat"]),
    ], "input_layers": [["img", 0, 0]], "output_layers": [["out", 0, 0]]}});
    let model = text(&graph).expect("loads").model;
    assert_eq!(model.inputs[&2], ["one", "two"]);
    assert_eq!(model.parameters().expect("fits").iter().map(|p| p.len()).sum::<usize>(), 20 + 4 + 96 + 3);

    // A setting that had another meaning under the same name is refused.
    let recurrent = |class: &str, config: Value| {
        let mut config = config;
        (config["name"], config["units"], config["batch_input_shape"]) =
            (json!("r"), json!(4), json!([null, 5, 3]));
        let layers = json!([{"class_name": class, "config": config}, dense("b", 10)]);
        text(&json!({"class_name": "Sequential", "config": layers, "keras_version": "2.1.6"}))
    };
    let hard =
        recurrent("LSTM", json!({"recurrent_activation": "hard_sigmoid"})).expect_err("another function");
    says(&hard, &["layer `r` (LSTM)", "hard_sigmoid", "0.2 x + 0.5"]);
    let before = recurrent("GRU", json!({"recurrent_activation": "sigmoid"})).expect_err("reset before");
    says(&before, &["(r)", "reset_after is false"]);
    recurrent("GRU", json!({"recurrent_activation": "sigmoid", "reset_after": true})).expect("the same");
    recurrent("LSTM", json!({"recurrent_activation": "sigmoid", "implementation": 2})).expect("the same");
}

#[test]
fn arguments_of_operations_are_read_or_refused() {
    let through = |class: &str, config: Value| {
        let tensor =
            |name: &str| json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}});
        let mut config = config;
        config["name"] = json!("op");
        text(&json!({"class_name": "Functional", "config": {"name": "net", "layers": [
            {"class_name": "InputLayer", "name": "i", "config": {"name": "i", "batch_shape": [null, 4, 4, 1]}, "inbound_nodes": []},
            {"class_name": "Flatten", "name": "f", "config": {"name": "f"},
                "inbound_nodes": [{"args": [tensor("i")], "kwargs": {}}]},
            {"class_name": class, "module": "keras.src.ops.nn", "name": "op", "config": config,
                "inbound_nodes": [{"args": [tensor("f")], "kwargs": {}}]},
            {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 3, "activation": "softmax"},
                "inbound_nodes": [{"args": [tensor("op")], "kwargs": {}}]},
        ], "input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]]}}))
    };
    let activation = |class: &str, config: Value| {
        let model = through(class, config).expect("loads").model;
        let Layer::Activation(layer) = &model.layers[1] else { panic!("{:?}", model.layers) };
        layer.activation.name().to_string()
    };
    // The operation's formula by default is the one with the tangent, other than the activation's.
    assert_eq!(activation("Gelu", json!({})), "gelu_tanh");
    assert_eq!(activation("Gelu", json!({"approximate": true})), "gelu_tanh");
    assert_eq!(activation("Gelu", json!({"approximate": false})), "gelu");
    assert_eq!(activation("Elu", json!({"alpha": 1.0})), "elu");
    assert_eq!(activation("Relu", json!({})), "relu");
    for (class, config, words) in [
        ("Elu", json!({"alpha": 2.0}), "alpha = 2"),
        ("LeakyRelu", json!({"negative_slope": 0.3}), "negative_slope = 0.3"),
        ("Softmax", json!({"axis": 0}), "axis = 0"),
        ("Relu", json!({"ceiling": 3}), "ceiling = 3"),
    ] {
        has(&through(class, config).expect_err("other numbers"), &["(", words]);
    }
}

#[test]
fn initialisers_of_every_version_are_known_and_others_block_nothing() {
    let object = |class: &str, config: Value| json!({"module": "keras.initializers", "class_name": class, "config": config});
    let scaling = |scale: f64| {
        object("VarianceScaling", json!({"scale": scale, "mode": "fan_in", "distribution": "uniform"}))
    };
    let all = "wgrad starts from glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal, \
               orthogonal, uniform, zeros, ones";
    for (key, value, expected) in [
        ("recurrent_initializer", object("OrthogonalInitializer", json!({"gain": 1.0, "seed": null})), None),
        ("recurrent_initializer", object("Orthogonal", json!({"gain": 1.0, "seed": 3})), None),
        ("kernel_initializer", scaling(2.0), None),
        ("kernel_initializer", json!("HeNormal"), None),
        ("bias_initializer", object("Constant", json!({"value": 0.0})), None),
        ("bias_initializer", json!("zero"), None),
        (
            "recurrent_initializer",
            object("IdentityInitializer", json!({"gain": 1.0})),
            Some("IdentityInitializer with gain = 1.0"),
        ),
        (
            "recurrent_initializer",
            object("Orthogonal", json!({"gain": 2.0})),
            Some("Orthogonal with gain = 2.0"),
        ),
        ("kernel_initializer", scaling(3.0), Some("VarianceScaling with ")),
        (
            "kernel_initializer",
            object("RandomNormal", json!({"mean": 0.0, "stddev": 0.05, "seed": null})),
            Some("RandomNormal with mean = 0.0, stddev = 0.05"),
        ),
        ("kernel_initializer", json!("random_normal"), Some("random_normal")),
        ("kernel_initializer", json!({"registered_name": "my>start"}), Some("my>start")),
        ("kernel_initializer", json!(7), Some("7")),
    ] {
        let lstm = json!({"class_name": "LSTM", "config": {"name": "r", "units": 4, "batch_input_shape": [null, 5, 3], key: value}});
        let loaded =
            text(&json!({"class_name": "Sequential", "config": {"layers": [lstm]}})).expect("reads on");
        let said: Vec<String> =
            expected.into_iter().map(|is| format!("layer `r` (LSTM): {key} is {is}")).collect();
        assert_eq!(loaded.initializers.len(), said.len(), "{key} {value}: {:?}", loaded.initializers);
        for (found, said) in loaded.initializers.iter().zip(&said) {
            assert!(found.starts_with(said.as_str()) && found.ends_with(all), "{found}");
        }
    }
    let ones = json!({"class_name": "Dense", "config": {"name": "d", "units": 4, "batch_input_shape": [null, 5],
        "bias_initializer": object("Ones", json!({}))}});
    let both = json!({"class_name": "Bidirectional", "config": {"name": "b", "batch_input_shape": [null, 5, 3],
        "layer": {"class_name": "LSTM", "config": {"units": 3, "kernel_initializer": "normal"}}}});
    for (layer, expected) in [
        (ones, "layer `d` (Dense): bias_initializer is Ones, but wgrad starts from zeros"),
        (both, "layer `b` (Bidirectional): kernel_initializer is normal, but wgrad starts from glorot"),
    ] {
        let loaded =
            text(&json!({"class_name": "Sequential", "config": {"layers": [layer]}})).expect("reads on");
        assert!(loaded.initializers[0].starts_with(expected), "{:?}", loaded.initializers);
    }
}

#[test]
fn what_changes_numbers_is_taken_named_or_refused() {
    let network = |compile: Value, dense: Value| {
        let mut config =
            json!({"name": "d", "units": 3, "activation": "softmax", "batch_input_shape": [null, 6]});
        config.as_object_mut().expect("an object").extend(dense.as_object().expect("an object").clone());
        text(&json!({"class_name": "Sequential", "compile_config": compile,
            "config": {"layers": [{"class_name": "Dense", "config": config}]}}))
    };
    let none = || json!({});
    // Nothing of these changes a number.
    let neutral = json!({"loss": "sparse_categorical_crossentropy", "loss_weights": [1.0], "metrics": [["accuracy"]],
        "weighted_metrics": null, "run_eagerly": false, "steps_per_execution": 4, "jit_compile": true});
    let loaded = network(neutral, json!({"kernel_regularizer": null, "dtype": "float32"})).expect("loads");
    assert_eq!((loaded.notes, loaded.missing_loss), (Vec::new(), None));
    for weights in [json!([0.5]), json!({"d": 2.0}), json!(0.5)] {
        let loaded = network(json!({"loss": "mse", "loss_weights": weights}), none()).expect("loads");
        let missing = loaded.missing_loss.expect("another loss");
        assert!(missing.contains("loss_weights = ") && loaded.model.loss.is_none(), "{missing}");
    }
    let policy =
        |name: &str| json!({"module": "keras", "class_name": "DTypePolicy", "config": {"name": name}});
    let adam = |extra: Value| {
        let mut config = json!({"learning_rate": 0.009999999776482582, "weight_decay": null, "clipnorm": null,
            "use_ema": false, "ema_momentum": 0.99, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false});
        config.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        json!({"optimizer": {"class_name": "Adam", "config": config}})
    };
    let sgd = json!({"optimizer": {"class_name": "SGD",
        "config": {"learning_rate": 0.009999999776482582, "momentum": 0.0, "nesterov": false}}});
    for (compile, dense, note) in [
        (
            none(),
            json!({"dtype": policy("mixed_float16")}),
            "half precision (mixed_float16), wgrad everything in float32",
        ),
        (none(), json!({"dtype": "mixed_bfloat16"}), "half precision (mixed_bfloat16)"),
        (
            json!({"weighted_metrics": ["accuracy"]}),
            none(),
            "the weighted metrics accuracy, which are not reported",
        ),
        (
            json!({"metrics": ["acc", {"class_name": "AUC", "config": {}}]}),
            none(),
            "the metrics auc, which are not reported",
        ),
        (
            json!({"sample_weight_mode": "temporal"}),
            none(),
            "sample_weight_mode = \"temporal\", which is not used",
        ),
        (
            adam(none()),
            none(),
            "the optimizer Adam, which is not used: say `.optimizer = adam` `.learning_rate = 0.01`",
        ),
        (sgd, none(), "say `.optimizer = sgd` `.learning_rate = 0.01` `.momentum = 0.0`"),
        (
            adam(json!({"beta_2": 0.95, "use_ema": true, "clipnorm": 1.0})),
            none(),
            "say `.optimizer = adam` `.learning_rate = 0.01` `.beta_2 = 0.95` `.ema_momentum = 0.99`; its clipnorm = 1.0 has no option",
        ),
        (
            json!({"optimizer": {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {"class_name": "Nadam", "config": {}}}}}),
            none(),
            "the optimizer Nadam, which wgrad does not have",
        ),
        (json!("no object"), json!({"dtype": "mixed_float16"}), "mixed_float16"),
    ] {
        let loaded = network(compile.clone(), dense).expect("loads");
        let [found] = &loaded.notes[..] else { panic!("{compile}: {:?}", loaded.notes) };
        assert!(found.contains(note), "no {note:?} in {found}");
    }
    for (key, value, words) in [
        ("dtype", policy("float16"), "dtype is float16"),
        (
            "dtype",
            json!({"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}),
            "dtype is QuantizedDTypePolicy with mode = int8",
        ),
        (
            "kernel_regularizer",
            json!({"class_name": "MyL2", "config": {"l2": 0.5}}),
            "kernel_regularizer is MyL2 with l2 = 0.5",
        ),
        ("activity_regularizer", json!("l1"), "activity_regularizer penalises the layer's output"),
        ("bias_constraint", json!({"class_name": "Small", "config": {}}), "bias_constraint is Small"),
        ("quantization_config", json!({"mode": "int8"}), "quantization_config is"),
        ("lora_rank", json!(4), "lora_rank is 4"),
    ] {
        has(&network(none(), json!({key: value})).expect_err(key), &["layer `d` (Dense)", words]);
    }
    // A frozen model within, and classes that are called like Keras's and are not.
    let with = |key: &str, value: Value| {
        let mut stack = json!({"class_name": "Sequential", "config": {"name": "inner", "layers": [
            {"class_name": "Dense", "config": {"name": "d", "units": 3, "batch_input_shape": [null, 6]}}]}});
        match key {
            "trainable" => stack["config"][key] = value,
            _ => stack["config"]["layers"][0][key] = value,
        }
        text(&stack)
    };
    let within = with("trainable", json!(false)).expect("loads").model;
    let dense = within.layers.iter().position(|layer| layer.kind() == "Dense").expect("has one");
    assert!(within.frozen.contains(&dense), "{within:?}");
    has(
        &with("module", json!("my_layers")).expect_err("of its own"),
        &["layer `d` (Dense)", "your own class (my_layers)"],
    );
    with("module", json!("keras.layers")).expect("is Keras's");
    with("module", json!("keras.src.layers.core.dense")).expect("is Keras's");
}

#[test]
fn the_loss_of_a_file_is_taken_or_named_and_never_another() {
    let network = |loss: Value, units: u32, activation: &str| {
        text(&json!({"class_name": "Sequential", "compile_config": {"loss": loss}, "config": {"layers": [
            {"class_name": "Dense", "config": {"name": "d", "units": units, "activation": activation,
                "batch_input_shape": [null, 6]}}]}}))
    };
    let object = json!({"class_name": "MeanAbsoluteError", "config": {"reduction": "sum_over_batch_size"}});
    for loss in [object.clone(), json!([object]), json!({"d": object}), json!("mae")] {
        let loaded = network(loss, 1, "linear").expect("loads");
        assert_eq!((loaded.model.loss, loaded.missing_loss), (Some(Loss::MeanAbsoluteError), None));
    }
    let loaded = network(json!("poisson"), 1, "linear").expect("loads");
    assert_eq!(
        loaded.missing_loss.as_deref(),
        Some("was compiled with the loss poisson, which wgrad does not have")
    );
    assert!(loaded.notes.iter().any(|note| note.contains("poisson")), "{:?}", loaded.notes);
    // One logit, and no sigmoid behind it.
    let logit = json!({"class_name": "BinaryCrossentropy", "config": {"from_logits": true}});
    assert_eq!(network(logit, 1, "linear").expect("loads").model.loss, Some(Loss::BinaryCrossEntropy));
    // The outputs that the loss expects, and those that there are.
    let of_logits = |class: &str| json!({"class_name": class, "config": {"from_logits": true}});
    let (given, missing) = ("which gives no logits", "does not end in");
    for (loss, units, activation, words) in [
        (of_logits("SparseCategoricalCrossentropy"), 3, "softmax", given),
        (json!("sparse_categorical_crossentropy"), 3, "linear", missing),
        (json!("categorical_crossentropy"), 3, "sigmoid", missing),
        (of_logits("BinaryCrossentropy"), 1, "sigmoid", given),
        (json!("binary_crossentropy"), 1, "linear", missing),
    ] {
        let loaded = network(loss.clone(), units, activation).expect("loads");
        let said = loaded.missing_loss.unwrap_or_else(|| panic!("{loss} behind {activation}"));
        has(&said, &[words, "one of the two is wrong"]);
        assert!(!said.contains("does not have"), "{said}");
    }
    let loaded = network(of_logits("SparseCategoricalCrossentropy"), 3, "linear").expect("loads");
    assert_eq!((loaded.model.loss, loaded.missing_loss), (None, None));
    // A label for each output is another training.
    let several = network(json!("binary_crossentropy"), 5, "sigmoid").expect("loads").model;
    assert_eq!((several.loss, several.labels().expect("fits")), (Some(Loss::BinaryCrossEntropy), 5));
    let unsaid = network(json!(null), 5, "sigmoid").expect("loads");
    assert!(unsaid.notes.iter().any(|note| note.contains("several labels")), "{:?}", unsaid.notes);
}

/// Asserts that `text` contains all of these words.
fn has(text: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(text.contains(word), "no {word:?} in {text}"));
}

#[test]
fn small_files_cost_little() {
    let parameters = load("lstm.keras").parameters().expect("fits");
    let refused = |name: &str| read_weights(&fixture(name), &parameters).expect_err("refused").to_string();
    // A group that holds itself.
    has(&refused("circle.weights.h5"), &["endlessly nested"]);
    // A tensor of 4 GiB of which nothing is there.
    has(&refused("promise.weights.h5"), &["lstm.kernel", "32768, 32768"]);
    // An archive whose part unpacks to more than any network is described by.
    let tmp = tempfile::tempdir().expect("a folder");
    let path = tmp.path().join("blank.keras");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).expect("a file"));
    zip.start_file("config.json", zip::write::SimpleFileOptions::default()).expect("a part");
    let blank = vec![b' '; 1 << 20];
    (0..65).for_each(|_| std::io::Write::write_all(&mut zip, &blank).expect("writes"));
    zip.finish().expect("ends");
    assert!(path.metadata().expect("there").len() < 1 << 20);
    has(&keras::load(&path, Some(IMAGE)).expect_err("too long").to_string(), &["config.json", "64 MiB"]);

    let layers: Vec<Value> =
        (0..10_001).map(|_| json!({"class_name": "Dropout", "config": {"name": "d", "rate": 0.5}})).collect();
    let mut layers = layers;
    layers[0]["config"]["batch_input_shape"] = json!([null, 6]);
    let many =
        text(&json!({"class_name": "Sequential", "config": {"layers": layers}})).expect_err("too many");
    has(&many, &["layers, expected at most 10000"]);
}

#[test]
fn files_of_other_formats_are_named() {
    let tmp = tempfile::tempdir().expect("a folder");
    let error = |name: &str, bytes: &[u8]| {
        let path = tmp.path().join(name);
        fs::write(&path, bytes).expect("writes");
        let ended = wgrad(&["models", &path.display().to_string()]).end().with(2);
        ended.stderr.clone()
    };
    // Printed commands begin with the program as it was called.
    let command = |words: &str| format!("`{} {words}", quoted(env!("CARGO_BIN_EXE_wgrad")));
    let safetensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
    has(&error("model.h5", b"\x89HDF\r\n\x1a\n"), &["HDF5", "model.save(\"model.keras\")"]);
    has(&error("model.keras", b"\x89HDF\r\n\x1a\n"), &["HDF5", "model.save(\"model.keras\")"]);
    has(&error("model.pkl", b"\x80\x04\x95\0\0"), &["pickle", "torch.onnx.export"]);
    has(&error("model.safetensors", &safetensors), &["safetensors", "--init"]);
    has(&error("model.json", b"{\"modelTopology\": {}}"), &["TensorFlow.js", "tf2onnx"]);
    has(
        &error("net.onnx", b"\x08\x08\x12\x07pytorch"),
        &["an ONNX network", &command("import "), "net.onnx --out RUN`"],
    );
    has(&error("iris.csv", b"a,b,label\n1,2,x\n"), &["is a table", &command("train --data "), "iris.csv`"]);
    has(&error("train-images-idx3-ubyte", b"\0\0\x08\x03"), &["IDX", "--data"]);
    has(&error("model.toml", b"version https://git-lfs.github.com/spec/v1\n"), &["Git LFS", "git lfs pull"]);
    let parameters = load("mlp.keras").parameters().expect("fits");
    let weights = |name: &str, bytes: &[u8]| {
        let path = tmp.path().join(name);
        fs::write(&path, bytes).expect("writes");
        read_weights(&path, &parameters).expect_err("no weights").to_string()
    };
    has(
        &weights("net.onnx", b"\x08\x08\x12\x07pytorch"),
        &["an ONNX network", "`wgrad_formats::onnx::import(", "best.safetensors"],
    );
    has(&weights("iris.csv", b"a,b,label\n1,2,x\n"), &["is a table", "weights are a .safetensors"]);
    has(&weights("model.pt", b"\x80\x04\x95\0\0"), &["pickle", "scripts/pytorch_weights.py"]);
    // A byte order mark is not part of a text.
    let marked = "\u{feff}{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"Dense\", \"config\": \
                  {\"units\": 3, \"batch_input_shape\": [null, 6]}}]}}";
    let path = tmp.path().join("marked.json");
    fs::write(&path, marked).expect("writes");
    wgrad(&["models", &path.display().to_string()]).end().with(0);
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let tmp = tempfile::tempdir().expect("a folder");
    let parameters = load("lstm.keras").parameters().expect("fits");
    let archive = tmp.path().join("net.keras");
    fs::write(&archive, b"no zip").expect("writes");
    let error = keras::load(&archive, Some(IMAGE)).expect_err("no archive").to_string();
    says(&error.replace("net.keras", "net.json"), &["is not a .keras archive", "model.save"]);
    for (source, file) in [("lstm.keras", "cut.keras"), ("lstm.weights.h5", "cut.weights.h5")] {
        let (whole, file) = (fs::read(fixture(source)).expect("reads"), tmp.path().join(file));
        let (mut refused, step) = (0, whole.len() / 60);
        for n in 0..60 {
            fs::write(&file, &whole[..n * step]).expect("writes");
            refused += usize::from(read_weights(&file, &parameters).is_err());
            // One changed byte: the file is refused, or loads as before if nothing is stored at that place.
            let mut other = whole.clone();
            other[n * step] ^= 0xff;
            fs::write(&file, other).expect("writes");
            let either = read_weights(&file, &parameters);
            refused += usize::from(either.is_err());
        }
        assert!(refused >= 60, "{source}: only {refused} of 120 damaged files were refused");
    }
    let missing =
        keras::load(Path::new("nowhere/net.keras"), Some(IMAGE)).expect_err("is not there").to_string();
    assert!(missing.contains("nowhere/net.keras") && missing.contains("model.save"), "{missing}");
}

#[test]
fn the_commands_take_keras_s_files() {
    let tmp = tempfile::tempdir().expect("a folder");
    let (data, run) = (small_data_argument(), tmp.path().join("run").display().to_string());
    let mlp = json!({"class_name": "Sequential", "config": {"name": "mine", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 784], "name": "input_layer"}},
        {"class_name": "Dense", "config": {"name": "first", "units": 12, "activation": "relu"}},
        {"class_name": "Dense", "config": {"name": "last", "units": 10, "activation": "softmax"}}]}});
    let model = tmp.path().join("mine.json");
    fs::write(&model, mlp.to_string()).expect("writes");
    let model = model.display().to_string();
    let train =
        ["train", "--data", &data, "--model", &model, "--epochs", "1", "--batch", "32", "--out", &run];
    on_device(&train).end().with(0);
    on_device(&["eval", &run, "--data", &data]).end().with(0);
    on_device(&["check", &model, "--batch", "4"]).end().with(0);

    // An initialiser that wgrad does not have prevents a training from it, and nothing else.
    let started = tmp.path().join("started.json");
    let mut other = mlp.clone();
    other["config"]["layers"][1]["config"]["kernel_initializer"] = json!("random_normal");
    fs::write(&started, other.to_string()).expect("writes");
    let started = started.display().to_string();
    let ended = wgrad(&["models", &started]).end().with(0);
    assert!(ended.stderr.contains("kernel_initializer is random_normal"), "{}", ended.stderr);
    let next = tmp.path().join("next").display().to_string();
    let train = ["train", "--data", &data, "--model", &started, "--epochs", "0", "--out", &next];
    on_device(&train).end().refuses(&["layer `first` (Dense)", "random_normal", "--init model.weights.h5"]);
    let best = format!("{run}/best.safetensors");
    on_device(&[&train[..], &["--init", &best]].concat()).end().with(0);

    // Weights out of an archive, without a step of training.
    let archive = fixture("nested.keras").display().to_string();
    let ended = wgrad(&["models", &archive]).end().with(0);
    assert!(ended.stdout.contains("outer_hidden (Dense)"), "{}", ended.stdout);
    // What is left out is named with the option that replaces it.
    let mut erased = mlp.clone();
    erased["config"]["layers"][1] = json!({"class_name": "RandomErasing", "config": {"name": "erased"}});
    let file = tmp.path().join("erased.json");
    fs::write(&file, erased.to_string()).expect("writes");
    let ended = wgrad(&["models", &file.display().to_string()]).end().with(0);
    assert!(ended.stderr.contains("note: ") && ended.stderr.contains("--augment erase"), "{}", ended.stderr);
    // Scripts that convert weights read the tensors here.
    let described = &wgrad(&["models", &model, "--json"]).end().with(0).json()[0];
    assert_eq!(
        described["layers"][1]["tensors"][0],
        json!({"name": "first.kernel", "shape": [784, 12], "trained": true})
    );

    let svg = tmp.path().join("net.svg");
    let arguments =
        ["models", &fixture("inception.json").display().to_string(), "--svg", &svg.display().to_string()];
    wgrad(&arguments).end().with(0);
    let text = fs::read_to_string(&svg).expect("a picture");
    let picture = roxmltree::Document::parse(&text).expect("SVG");
    let texts: Vec<&str> =
        picture.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
    let texts: Vec<&str> = texts.into_iter().map(str::trim).collect();
    let lines = [
        "input",
        "conv2d_2",
        "concatenate",
        "Conv2D · 3×3 · same · relu",
        "→ 8×8×3 · 57 parameters",
        "Dense · softmax",
        "→ 3 · 387 parameters",
    ];
    for words in lines {
        assert_eq!(texts.iter().filter(|text| **text == words).count(), 1, "{words} in {texts:?}");
    }
    assert!(text.contains("prefers-color-scheme: dark"), "{text}");
    wgrad(&["models", "cnn", "--svg", "no/such/folder/cnn.svg"]).end().with(2);
    wgrad(&["models", "nowhere.json"]).end().refuses(&["nowhere.json", "to_json"]);
}
