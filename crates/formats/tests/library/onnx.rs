//! ONNX files: exported files are imported as the same network, files of PyTorch are imported correctly, and ONNX's
//! own test cases run on the kernels. Networks are compared on the f64 reference, so that only the files can
//! differ.

use std::{collections::BTreeMap, fs, path::Path};
use wgrad::{
    checkpoint::Checkpoint,
    feed::{Batch, Step, split_mix},
    layers::{
        Activation, Attention, Concatenate, Conv2D, Dense, Embedding, Flatten, GRU, GlobalAveragePooling1D,
        InputLayer, Layer, Masking, MultiHeadAttention, Permute, Reshape,
    },
    loss::Loss,
    model::{Head, Model},
    networks::{NETWORKS, network, network_for},
    optim::Optimizer,
    preprocessing::{Normalization, Preprocessing},
    program::{Mode, interpreter::Interpreter},
};
use wgrad_formats::{
    Error, model_file,
    onnx::{
        self,
        execute::{Device, Outcome, run, run_case},
        export::{Layout, Options},
        import,
        proto::{AttributeProto, ModelProto, NodeProto, TensorProto, kind},
        tensor::Tensor,
    },
};

/// Reproducible numbers in [-1, 1).
fn noise(seed: u64, at: usize) -> f32 {
    (split_mix(seed << 32 | at as u64) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// Weights without any default value, including biases, scales and moving averages.
pub fn weights(model: &Model) -> Vec<f32> {
    let mut weights = model.initial_weights(3).expect("fits");
    for (n, p) in model.parameters().expect("fits").iter().enumerate() {
        let positive = p.name.ends_with("gamma") || p.name.ends_with("moving_variance");
        for (at, value) in weights[p.offset..p.offset + p.len()].iter_mut().enumerate() {
            let random = noise(n as u64, at);
            *value = if positive { 1.0 + 0.5 * random } else { *value + 0.1 * random };
        }
    }
    weights
}

fn images(model: &Model, count: usize) -> Vec<u8> {
    (0..count * model.pixels()).map(|at| split_mix(at as u64) as u8).collect()
}

/// The logits of `images` on the reference implementation.
fn logits(model: &Model, input: &Preprocessing, weights: &[f32], images: &[u8]) -> Vec<f64> {
    let count = images.len() / input.bytes(model.pixels());
    let program = model.program(input, Mode::Evaluate, count, 1, &Optimizer::default()).expect("fits");
    let mut machine = Interpreter::new(program, weights);
    let labels = vec![0; count * model.labels().expect("fits")];
    let batch = Batch { images: images.to_vec(), labels };
    machine.step(&batch, Step { rows: count as u32, ..Step::default() });
    machine.real(machine.program.output).to_vec()
}

/// The largest difference as a share of the largest value; infinite if a value is NaN.
pub fn apart(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |all, v| all.max(v.abs()));
    let worst = got
        .iter()
        .zip(expected)
        .map(|(g, e)| (g - e).abs())
        .fold(0.0, |all: f64, e| if e <= all { all } else { e });
    if worst.is_nan() || largest == 0.0 { f64::INFINITY } else { worst / largest }
}

fn read_back(
    model: &Model,
    input: &Preprocessing,
    weights: &[f32],
    options: &Options,
) -> (ModelProto, import::Imported) {
    let file =
        onnx::write(&onnx::export::export(model, input, weights, options).unwrap_or_else(|e| panic!("{e}")));
    let file = onnx::read("memory", &file).expect("reads");
    let imported =
        import::import(&model.name, &file, &import::Options::default()).unwrap_or_else(|e| panic!("{e}"));
    (file, imported)
}

/// Every built-in network on small images, and the model files with every layer.
fn models() -> Vec<Model> {
    let small = NETWORKS.iter().map(|(name, _)| network(name, [12, 12, 1], 5).expect("built in"));
    let names = [
        "layers",
        "recurrent",
        "sequences",
        "merged",
        "normalizations",
        "steps",
        "shapes",
        "products",
        "attention",
    ];
    let files = names.map(|name| {
        let path = wgrad_testing::fixture("onnx").join(name).with_extension("toml");
        model_file::load(&path).unwrap_or_else(|e| panic!("{e}"))
    });
    small.chain(files).collect()
}

#[test]
fn what_is_exported_is_imported_as_the_same_network() {
    let mut layers = std::collections::BTreeSet::new();
    for model in models() {
        let weights = weights(&model);
        let images = images(&model, 2);
        let expected = logits(&model, &Preprocessing::default(), &weights, &images);
        for (layout, raw_pixels) in [(Layout::Nhwc, false), (Layout::Nchw, true)] {
            let (_, imported) = read_back(
                &model,
                &Preprocessing::default(),
                &weights,
                &Options { layout, raw_pixels, ..Options::default() },
            );
            let error = apart(
                &logits(&imported.model, &Preprocessing::default(), &imported.weights, &images),
                &expected,
            );
            assert!(error < 1e-6, "{} as {layout:?}: {error:e}", model.name);
            // A model file describes the same network.
            let text = model_file::to_text(&imported.model).expect("has a form");
            let again =
                model_file::parse(Path::new("again.toml"), &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(again.layers, imported.model.layers, "{text}");
            assert_eq!(again.inputs, imported.model.inputs, "{text}");
        }
        layers.extend(model.layers.iter().map(|layer| layer.kind()));
    }
    // A test of its own has words as input.
    layers.insert("Embedding");
    // So has a network of several inputs.
    layers.insert("InputLayer");
    // It is refused where words are tested.
    layers.insert("Masking");
    // The export refuses, by name, any layer that is in none of the networks.
    let others = Layer::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !layers.contains(kind));
    for kind in others {
        let layers = format!(
            "[[layers]]\ntype = \"{kind}\"\n\n[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\ntype = \"Dense\"\nunits = 3\n"
        );
        let text = format!("input_shape = [4, 4, 2]\n\n{layers}");
        let model = model_file::parse(Path::new("new.toml"), &text);
        let model = model.unwrap_or_else(|e| panic!("{kind} is exported in none of the networks: {e}"));
        let refused =
            onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
                .map(drop);
        let refused = refused.expect_err("it is exported, and in none of the networks").to_string();
        assert!(refused.contains(&format!("{kind} cannot be written as ONNX")), "{refused}");
    }
}

#[test]
fn several_labels_of_an_image_are_exported_and_imported() {
    let numbers = Preprocessing { numbers: true, ..Preprocessing::default() };
    let conv = |units, activation: &str| Conv2D::new(units, 3).activation(activation).expect("known");
    for (loss, last, input) in [
        ("softmax_cross_entropy", Layer::from(conv(3, "softmax")), Preprocessing::default()),
        ("binary_cross_entropy", conv(2, "sigmoid").into(), numbers.clone()),
        ("mse", conv(2, "tanh").into(), numbers.clone()),
        ("cosine_similarity", conv(4, "linear").into(), numbers),
    ] {
        let mut model = Model::new(loss, [6, 7, 2]).add(conv(4, "relu")).add(last);
        model.loss = Some(loss.parse().expect("a loss"));
        let (weights, images) = (weights(&model), images(&model, 2));
        let expected = logits(&model, &input, &weights, &images);
        for layout in [Layout::Nhwc, Layout::Nchw] {
            let options = Options { layout, ..Options::default() };
            let (file, imported) = read_back(&model, &input, &weights, &options);
            assert_eq!(imported.model.loss().expect("fits"), model.loss().expect("fits"), "{loss}");
            assert_eq!(imported.model.output_shape().expect("fits"), model.output_shape().expect("fits"));
            let shape = |output: &onnx::proto::ValueInfoProto| {
                let tensor = output.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).expect("a tensor");
                tensor.shape.as_ref().expect("a shape").dim[1..].iter().filter_map(|d| d.dim_value).collect()
            };
            let declared: Vec<i64> = shape(&file.graph.as_ref().expect("has one").output[0]);
            let own: Vec<i64> = model.output_shape().expect("fits").iter().map(|n| *n as i64).collect();
            assert_eq!(declared, own, "{loss}");
            let got = logits(&imported.model, &input, &imported.weights, &images);
            assert!(apart(&got, &expected) < 1e-6, "{loss} as {layout:?}");
        }
    }
}

/// Two encoders of one set of weights, and a table for a third input.
fn of_several_inputs() -> Model {
    let mut encoder = Dense::new(4);
    encoder.name = Some("encoder".into());
    let mut again = Dense::new(4);
    again.name = Some("again".into());
    let input = |name: &str, shape: &[usize], first| InputLayer {
        name: Some(name.into()),
        ..InputLayer::new(shape, first)
    };
    Model::new("several", [1, 1, 15])
        .add(input("left", &[2, 2, 1], 0))
        .add_from(Flatten::new(), &["left"])
        .add(encoder)
        .add(input("right", &[2, 2, 1], 4))
        .add_from(Flatten::new(), &["right"])
        .add(again)
        .sharing("encoder")
        .add(input("words", &[7], 8))
        .add_from(Embedding::new(9, 4), &["words"])
        .add(GlobalAveragePooling1D::new())
        .add_from(Concatenate::new(), &["encoder", "again", "global_average_pooling1d_1"])
        .add(Dense::new(3))
}

#[test]
fn each_of_several_outputs_is_one_of_the_file() {
    let mut model = of_several_inputs();
    let named = |name: &str, layer: Dense| Dense { name: Some(name.into()), ..layer };
    model = model
        .add_from(named("yes", Dense::new(1)).activation("sigmoid").expect("known"), &["dense_3"])
        .add_from(named("team", Dense::new(4)).activation("softmax").expect("known"), &["dense_3"]);
    let head = |layer: &str, name: &str| Head { name: Some(name.into()), ..Head::new(layer) };
    let mut numbers = head("dense_3", "numbers");
    numbers.loss = Some(Loss::MeanSquaredError);
    // The name of the first output is that of an input.
    model.heads = vec![head("yes", "right"), head("team", "team"), numbers];
    let floats = Preprocessing { floats: true, ..Preprocessing::default() };
    let file = onnx::export::export(&model, &floats, &weights(&model), &Options::default()).expect("exports");
    let graph = file.graph.expect("a graph");
    let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["right_output", "team", "numbers"]);
    assert_eq!(onnx::export::outputs(&model).expect("fits"), ["right_output", "team", "numbers"]);
    let last: Vec<&str> = graph.node.iter().rev().take(3).map(|node| node.op_type.as_str()).collect();
    assert_eq!(last, ["Identity", "Softmax", "Sigmoid"]);
}

#[test]
fn several_inputs_and_shared_tensors_are_exported_and_imported() {
    let floats = Preprocessing { floats: true, ..Preprocessing::default() };
    let model = of_several_inputs();
    let text = model_file::to_text(&model).expect("has a form");
    assert_eq!(model_file::parse(Path::new("several.toml"), &text).unwrap_or_else(|e| panic!("{e}")), model);
    let weights = weights(&model);
    let value = |at: usize| if at % 15 < 8 { noise(5, at) } else { (at % 9) as f32 };
    let images: Vec<u8> = (0..30).flat_map(|at| value(at).to_le_bytes()).collect();
    let expected = logits(&model, &floats, &weights, &images);
    for layout in [Layout::Nhwc, Layout::Nchw] {
        let options = Options { layout, ..Options::default() };
        let (file, imported) = read_back(&model, &floats, &weights, &options);
        let inputs = &file.graph.as_ref().expect("a graph").input;
        assert_eq!(
            inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(),
            ["left", "right", "words"]
        );
        let tensors = onnx::export::inputs(&images, &model, &floats, &options).expect("fits");
        let shapes: Vec<&[usize]> = tensors.iter().map(|(_, tensor)| &tensor.shape[..]).collect();
        let picture: &[usize] = if layout == Layout::Nchw { &[2, 1, 2, 2] } else { &[2, 2, 2, 1] };
        assert_eq!(shapes, [picture, picture, &[2, 7]]);
        assert!(imported.input.floats);
        assert_eq!(imported.weights.len(), weights.len(), "the encoders have one set of weights");
        let got = logits(&imported.model, &floats, &imported.weights, &images);
        assert!(apart(&got, &expected) < 1e-6, "{layout:?}");
    }
    // Values that are normalized come in one row, as those of a table do.
    let normalization = Some(Normalization { mean: vec![0.0; 15], deviation: vec![1.0; 15] });
    let normalized = Preprocessing { normalization, ..floats };
    let inputs = onnx::export::inputs(&images, &model, &normalized, &Options::default()).expect("fits");
    assert_eq!(inputs[0].1.shape, [2, 15]);
    let row = Model { layers: model.layers[..1].to_vec(), ..Model::new("row", [1, 1, 4]) };
    let row = row.add(Flatten::new()).add(Dense::new(2));
    let bytes: Vec<u8> = (0..8).map(|n| n * 30).collect();
    let weights = self::weights(&row);
    let plain = Preprocessing::default();
    let (_, imported) = read_back(&row, &plain, &weights, &Options::default());
    let expected = logits(&row, &plain, &weights, &bytes);
    assert!(apart(&logits(&imported.model, &plain, &imported.weights, &bytes), &expected) < 1e-6);
}

#[test]
fn words_are_exported_and_imported() {
    let floats = Preprocessing { floats: true, ..Preprocessing::default() };
    let model = Model::new("words", [1, 1, 7])
        .add(Embedding::new(9, 4))
        .add(GlobalAveragePooling1D::new())
        .add(Dense::new(3));
    let weights = weights(&model);
    let images: Vec<u8> = (0..14u8).flat_map(|n| f32::from(n * 5 % 9).to_le_bytes()).collect();
    let expected = logits(&model, &floats, &weights, &images);
    let (_, imported) = read_back(&model, &floats, &weights, &Options::default());
    assert_eq!((imported.model.words().expect("fits")[0].count, imported.input.floats), (9, true));
    let got = logits(&imported.model, &floats, &imported.weights, &images);
    assert!(apart(&got, &expected) < 1e-6);
    for first in
        [Layer::from(Masking::new()), Layer::from(Embedding { mask_zero: true, ..Embedding::new(9, 4) })]
    {
        let steps = if first.kind() == "Masking" { Reshape::new(&[3, 2]) } else { Reshape::new(&[6]) };
        let masked = Model::new("masked", [3, 2, 1])
            .add(steps)
            .add(first)
            .add(GlobalAveragePooling1D::new())
            .add(Dense::new(2));
        let weights = self::weights(&masked);
        let refused = onnx::export::export(&masked, &floats, &weights, &Options::default()).map(drop);
        let refused = refused.expect_err("it has a mask").to_string();
        assert!(refused.contains("layer 2") && refused.contains("has a mask"), "{refused}");
    }
}

/// Between two `Reshape` the steps of all sequences are the batch, which an imported network cannot express.
#[test]
fn a_layer_on_each_step_is_exported_with_the_steps_as_batch() {
    let path = wgrad_testing::fixture("onnx").join("distributed.toml");
    let model = model_file::load(&path).unwrap_or_else(|e| panic!("{e}"));
    let text = model_file::to_text(&model).expect("has a form");
    assert_eq!(model_file::parse(&path, &text).expect("reads"), model, "{text}");
    let input = Preprocessing::default();
    let file = onnx::export::export(&model, &input, &weights(&model), &Options::default());
    let file = file.unwrap_or_else(|e| panic!("{e}"));
    let graph = file.graph.as_ref().expect("has one");
    let at = |name: &str| graph.node.iter().position(|node| node.name == name).expect("a node of that name");
    let conv = at("time_distributed_1/layer");
    assert_eq!(graph.node[conv].op_type, "Conv");
    assert!(at("time_distributed_1/steps") < conv && conv < at("time_distributed_1"));
    let shape = |name: &str| {
        let held = graph.initializer.iter().find(|t| t.name == name).expect("a constant");
        Tensor::from_proto(held).expect("numbers").wholes().expect("whole numbers").to_vec()
    };
    assert_eq!(shape("time_distributed_1/step"), [-1, 7, 28, 1]);
    assert_eq!(shape("time_distributed_1/shape"), [-1, 4, 3, 13, 4]);
    let refused = import::import("distributed", &file, &import::Options::default()).map(drop);
    let refused = refused.expect_err("the batch changes").to_string();
    assert!(refused.contains("does not keep the batch"), "{refused}");
}

#[test]
fn a_file_names_its_input_its_outputs_and_its_scaling() {
    let model = network("mlp", [28, 28, 1], 10).expect("built in");
    let metadata = vec![("classes".to_string(), r#"["a","b"]"#.to_string())];
    let (file, imported) = read_back(
        &model,
        &Preprocessing::default(),
        &weights(&model),
        &Options { metadata, ..Options::default() },
    );
    assert!(file.opset() >= 17, "{}", file.opset());
    assert_eq!(file.metadata("input.layout"), Some("NHWC"));
    assert_eq!(file.metadata("input.scale"), Some("0.00392156862745098"));
    assert_eq!(imported.classes, Some(vec!["a".to_string(), "b".to_string()]));
    let graph = file.graph.expect("has one");
    let named = |list: &[onnx::proto::ValueInfoProto]| -> Vec<String> {
        list.iter().map(|v| v.name.clone()).collect()
    };
    assert_eq!(named(&graph.input), ["image"]);
    assert_eq!(named(&graph.output), ["logits", "probabilities"]);
    let tensor = graph.input[0].r#type.as_ref().and_then(|t| t.tensor_type.clone()).expect("a tensor");
    let dims = tensor.shape.expect("a shape").dim;
    assert_eq!(dims[0].dim_param.as_deref(), Some("batch"));
    assert_eq!(dims[1..].iter().map(|d| d.dim_value).collect::<Vec<_>>(), [Some(28), Some(28), Some(1)]);
    assert!(graph.initializer.iter().any(|t| t.name == "dense_1.kernel" && t.dims == [784, 128]));

    for (loss, outputs) in [("binary_cross_entropy", vec!["logits", "probabilities"]), ("mse", vec!["value"])]
    {
        let loss = loss.parse().expect("a loss");
        let model = network_for("linear", [4, 4, 1], 2, loss).expect("built in");
        let (file, imported) =
            read_back(&model, &Preprocessing::default(), &weights(&model), &Options::default());
        assert_eq!(named(&file.graph.expect("has one").output), outputs);
        assert_eq!(imported.model.outputs().expect("fits"), 1);
        assert_eq!(imported.model.loss().expect("fits"), loss);
    }
}

#[test]
fn what_is_made_of_the_data_first_is_part_of_the_file() {
    let model = network("cnn", [12, 12, 3], 5).expect("built in");
    let normalization = Normalization { mean: vec![0.2, 0.5, 0.7], deviation: vec![0.3, 0.1, 0.4] };
    let (plain, input) = (
        Preprocessing::default(),
        Preprocessing { normalization: Some(normalization), ..Preprocessing::default() },
    );
    let (weights, images) = (weights(&model), images(&model, 2));
    let expected = logits(&model, &input, &weights, &images);
    assert!(apart(&logits(&model, &plain, &weights, &images), &expected) > 0.1, "it changes nothing");
    for (layout, raw_pixels) in [(Layout::Nhwc, false), (Layout::Nchw, true)] {
        let options = Options { layout, raw_pixels, ..Options::default() };
        let (_, imported) = read_back(&model, &input, &weights, &options);
        let error = apart(&logits(&imported.model, &imported.input, &imported.weights, &images), &expected);
        assert!(error < 1e-6, "{layout:?}: {error:e}");
    }

    let floats = Preprocessing { floats: true, ..plain };
    let (file, _) = read_back(&model, &floats, &weights, &Options::default());
    assert_eq!(file.metadata("input.range"), Some("floats as the data have them"));
    let raw = Options { raw_pixels: true, ..Options::default() };
    let error =
        onnx::export::export(&model, &floats, &weights, &raw).expect_err("floats are no bytes").to_string();
    assert!(error.contains("floats") && error.contains("`.raw_pixels`"), "{error}");
    let numbers = [0.25f32, -3.0].repeat(model.pixels());
    let bytes: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
    let inputs = onnx::export::inputs(&bytes, &model, &floats, &Options::default()).expect("fits");
    let (_, tensor) = &inputs[0];
    assert_eq!((&tensor.shape[..], tensor.reals().expect("numbers")), (&[2, 12, 12, 3][..], &numbers[..]));
}

fn tensor(path: &Path) -> Tensor {
    onnx::read_tensor(&path.display().to_string(), &fs::read(path).expect("is there")).expect("a tensor")
}

/// The networks that PyTorch exported.
const PYTORCH: [&str; 5] = ["mlp", "cnn", "residual", "rows", "attention"];

#[test]
fn files_of_pytorch_are_read_with_their_weights_turned() {
    let mut seen = 0;
    for name in PYTORCH {
        let folder = wgrad_testing::fixture("onnx").join(format!("pytorch_{name}"));
        let file = onnx::read(name, &fs::read(folder.join("model.onnx")).expect("is there")).expect("reads");
        let imported = import::import(name, &file, &import::Options::default())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(imported.model.input_shape, [28, 28, 1], "{name}");
        let pixels = tensor(&folder.join("test_data_set_0/input_0.pb"));
        let bytes: Vec<u8> =
            pixels.reals().expect("numbers").iter().map(|v| (v * 255.0).round() as u8).collect();
        let expected = tensor(&folder.join("test_data_set_0/output_0.pb"));
        let expected: Vec<f64> = expected.reals().expect("numbers").iter().map(|v| f64::from(*v)).collect();
        let mut got = logits(&imported.model, &Preprocessing::default(), &imported.weights, &bytes);
        if name == "mlp" {
            // Its file ends in the logarithm of softmax.
            for row in got.chunks_mut(10) {
                let sum = row.iter().map(|v| v.exp()).sum::<f64>().ln();
                row.iter_mut().for_each(|v| *v -= sum);
            }
        }
        let error = apart(&got, &expected);
        assert!(error < 1e-5, "{name}: {error:e}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn weights_have_their_origins_in_the_tensors_of_the_file() {
    for name in PYTORCH {
        let folder = wgrad_testing::fixture("onnx").join(format!("pytorch_{name}"));
        let file = onnx::read(name, &fs::read(folder.join("model.onnx")).expect("is there")).expect("reads");
        let options = import::Options { training: true, ..import::Options::default() };
        let imported = import::import(name, &file, &options).expect("imports");
        assert_eq!(imported.log_softmax, name == "mlp");
        let held = &file.graph.as_ref().expect("has one").initializer;
        let held: Vec<(String, Tensor)> = held
            .iter()
            // Single numbers are constants of the exporter.
            .filter(|t| t.data_type == kind::FLOAT && t.dims.iter().product::<i64>() > 1)
            .map(|t| (t.name.clone(), Tensor::from_proto(t).expect("numbers")))
            .collect();
        let tensors: Vec<(String, usize)> = held.iter().map(|(name, t)| (name.clone(), t.len())).collect();
        let flat: Vec<f32> = held.iter().flat_map(|(_, t)| t.reals().expect("floats").to_vec()).collect();
        let origins = import::origins(name, &file, &options, &tensors);
        if name == "rows" {
            // Both biases of its LSTM are in one tensor, and a weight is a sum of two of its elements.
            let words = origins.expect_err("sums within a tensor").to_string();
            assert!(words.contains("`node_lstm__2.bias` is computed from several numbers"), "{words}");
            continue;
        }
        let origins = origins.expect("finds them");
        let value = |origin: u32| if origin == import::NOWHERE { 0.0 } else { flat[origin as usize] };
        let found: Vec<f32> = origins.iter().map(|[first, second]| value(*first) + value(*second)).collect();
        let comes = |n: usize| origins[n][0] != import::NOWHERE;
        let other = (0..found.len()).find(|n| comes(*n) && found[*n] != imported.weights[*n]);
        assert_eq!(other, None, "{name}");
        // A slope is an attribute of its node, and between tensors the arena has padding.
        for p in imported.model.parameters().expect("fits") {
            let all = (p.offset..p.offset + p.len()).all(comes);
            assert_eq!(all, p.name != "node_leaky_relu.alpha", "{name}: {}", p.name);
        }
    }
}

#[test]
fn weights_that_are_computed_have_no_origin() {
    let mut file = with_node("Identity");
    let graph = file.graph.as_mut().expect("has one");
    let dense = graph.node.iter_mut().find(|n| ["Gemm", "MatMul"].contains(&n.op_type.as_str()));
    let kernel = std::mem::replace(&mut dense.expect("a product").input[1], "twice".into());
    let len =
        graph.initializer.iter().find(|t| t.name == kernel).expect("its kernel").dims.iter().product::<i64>();
    let (input, output) = (vec![kernel.clone(), kernel.clone()], vec!["twice".to_string()]);
    graph.node.insert(0, NodeProto { input, output, op_type: "Mul".into(), ..NodeProto::default() });
    let error = import::origins("net", &file, &import::Options::default(), &[(kernel, len as usize)]);
    let words = error.expect_err("a product of weights").to_string();
    assert!(words.contains("net: `") && words.contains("computed from several numbers"), "{words}");
}

/// The linear network's file with one more node after the input.
fn with_node(op: &str) -> ModelProto {
    let model = network("linear", [4, 4, 1], 3).expect("built in");
    let mut file =
        onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
            .expect("exports");
    let graph = file.graph.as_mut().expect("has one");
    graph.node[0].input[0] = "strange".into();
    let (input, output) = (vec!["image".to_string()], vec!["strange".to_string()]);
    let node = NodeProto { input, output, name: "odd".into(), op_type: op.into(), ..NodeProto::default() };
    graph.node.insert(0, node);
    file
}

#[test]
fn what_cannot_be_read_is_named() {
    let plain = import::Options::default();
    let reported = |file: &ModelProto| match import::import("net.onnx", file, &plain) {
        Err(Error::Onnx { what, message }) => format!("{what}: {message}"),
        other => panic!("{other:?}"),
    };
    assert!(import::import("net.onnx", &with_node("Identity"), &plain).is_ok());
    let words = reported(&with_node("Erf"));
    assert!(
        words.contains("net.onnx") && words.contains("`odd` (Erf)") && words.contains("supported are Add"),
        "{words}"
    );
    let words = reported(&with_node("Elu2"));
    assert!(words.contains("`odd` (Elu2)"), "{words}");

    let bytes = onnx::write(&with_node("Identity"));
    let mut refused = 0;
    for cut in [0, 1, 7, bytes.len() / 2, bytes.len() - 1] {
        let read = onnx::read("net.onnx", &bytes[..cut]);
        let error = match read {
            Err(error) => error.to_string(),
            // A file cut between two messages is a valid file with less content.
            Ok(file) => reported(&file),
        };
        assert!(error.contains("net.onnx"), "{cut}: {error}");
        refused += 1;
    }
    assert_eq!(refused, 5);
    let options = import::Options { output: Some("nothing".into()), ..plain };
    let error = import::import("net.onnx", &with_node("Identity"), &options).expect_err("no such output");
    assert!(error.to_string().contains("its outputs: logits, probabilities"), "{error}");
}

/// Networks whose files have constants of all kinds.
fn varied() -> Vec<Model> {
    let built = ["mlp", "cnn", "cnn-bn", "rnn", "lstm", "gru"];
    let built = built.map(|name| network(name, [28, 28, 1], 3).expect("built in"));
    let attention = model_file::load(&wgrad_testing::fixture("onnx").join("attention.toml"));
    built.into_iter().chain([attention.unwrap_or_else(|e| panic!("{e}"))]).collect()
}

#[test]
fn constants_of_any_shape_are_read_or_refused() {
    let mut refused = 0;
    for model in varied() {
        let file =
            onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
                .expect("exports");
        let graph = file.graph.as_ref().expect("has one");
        for (n, constant) in graph.initializer.iter().enumerate() {
            let (Some(raw), dims) = (&constant.raw_data, &constant.dims) else { continue };
            let element = raw.len() / dims.iter().product::<i64>() as usize;
            let all = (raw.len() / element) as i64;
            let turned = dims.iter().rev().copied().collect();
            for shape in [vec![], vec![0], vec![all], turned, [&[1], &dims[..]].concat()] {
                if shape == *dims {
                    continue;
                }
                let mut file = file.clone();
                let constant = constant_of(&mut file, n);
                constant.raw_data = Some(raw[..element * shape.iter().product::<i64>() as usize].to_vec());
                constant.dims = shape;
                let read = import::import("net.onnx", &file, &import::Options::default());
                refused += usize::from(read.is_err());
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn lengths_that_no_memory_holds_are_refused() {
    let (large, huge) = (1i64 << 32, i64::MAX);
    let mut refused = 0;
    for model in varied() {
        let file =
            onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
                .expect("exports");
        let graph = file.graph.as_ref().expect("has one");
        let mut read = |file: &ModelProto| {
            refused += usize::from(import::import("net.onnx", file, &import::Options::default()).is_err());
        };
        // Shapes, axes and indices are constants of integers.
        for (n, constant) in graph.initializer.iter().enumerate() {
            let (kind::INT64, Some(raw)) = (constant.data_type, &constant.raw_data) else { continue };
            for value in [large, huge, i64::MIN] {
                let mut file = file.clone();
                constant_of(&mut file, n).raw_data = Some(value.to_le_bytes().repeat(raw.len() / 8));
                read(&file);
                // Only the last of them, since the product of the others is small.
                let mut one = raw.clone();
                one.splice(raw.len() - 8.., value.to_le_bytes());
                constant_of(&mut file, n).raw_data = Some(one);
                read(&file);
            }
        }
        for value in [large, huge] {
            let mut file = file.clone();
            let input = &mut file.graph.as_mut().expect("has one").input[0];
            let shape =
                input.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()).and_then(|t| t.shape.as_mut());
            shape.expect("has one").dim.iter_mut().for_each(|dim| dim.dim_value = Some(value));
            read(&file);
        }
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn constants_are_worked_out_within_bounds() {
    let model = network("linear", [28, 28, 1], 3).expect("built in");
    let plain =
        onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
            .expect("exports");
    // The file with a node in front that works on constants; the network's first node takes its output as an
    // additional input.
    let read = |op: &str, attribute: AttributeProto, inputs: &[Tensor]| {
        let mut file = plain.clone();
        let graph = file.graph.as_mut().expect("has one");
        let input: Vec<String> = (0..inputs.len()).map(|n| format!("input {n}")).collect();
        graph.initializer.extend(input.iter().zip(inputs).map(|(name, tensor)| tensor.to_proto(name)));
        graph.node.first_mut().expect("has one").input.push("made".into());
        let of_its_own = attribute.name != "blocksize" || op.contains("Depth");
        let (output, attribute) = (vec!["made".into()], Vec::from_iter(of_its_own.then_some(attribute)));
        graph
            .node
            .insert(0, NodeProto { op_type: op.into(), input, output, attribute, ..NodeProto::default() });
        import::import("net.onnx", &file, &import::Options::default()).map_err(|error| error.to_string())
    };
    let whole = |values: &[i64]| Tensor::whole(&[values.len()], values.to_vec());
    let number = |value: i64| Tensor::whole(&[], vec![value]);
    let real = |shape: &[usize]| Tensor::real(shape, vec![0.5; shape.iter().product()]);
    let blocks = |i| AttributeProto { name: "blocksize".into(), i: Some(i), ..AttributeProto::default() };
    let (large, huge) = (1i64 << 40, i64::MAX);
    let mut cases = vec![
        ("SpaceToDepth", vec![real(&[1, 1, 2, 2])]),
        ("ConstantOfShape", vec![whole(&[0, large, large])]),
        ("Expand", vec![real(&[1, 0]), whole(&[huge, 1])]),
        ("Concat", vec![whole(&[3]), number(3)]),
        ("Tile", vec![real(&[2]), whole(&[2, 2])]),
        ("Range", vec![number(i64::MIN), number(huge), number(1)]),
        ("Split", vec![real(&[2]), whole(&[huge, huge, 4])]),
        ("Gather", vec![real(&[1, 1 << 13]), whole(&[0; 1 << 12])]),
    ];
    for value in [large, huge] {
        cases.push(("ConstantOfShape", vec![whole(&[value, value])]));
        cases.push(("Expand", vec![real(&[1]), whole(&[value])]));
        cases.push(("Tile", vec![real(&[2]), whole(&[value])]));
        cases.push(("Pad", vec![real(&[2]), whole(&[value, value])]));
    }
    for (op, inputs) in cases {
        let error =
            read(op, blocks(huge), &inputs).err().unwrap_or_else(|| panic!("{op} of {inputs:?} was taken"));
        assert!(error.contains(op), "{error}");
    }
    // An axis of an empty tensor is not counted from its end.
    let nothing = real(&[0]);
    for mode in ["edge", "wrap", "reflect"] {
        let mode = AttributeProto { name: "mode".into(), s: Some(mode.into()), ..AttributeProto::default() };
        let read = read("Pad", mode, &[nothing.clone(), whole(&[1, 1])]);
        assert!(read.as_ref().is_err_and(|error| error.contains("is empty")), "{read:?}");
    }
    let backward = [nothing, whole(&[huge]), whole(&[i64::MIN]), whole(&[0]), whole(&[i64::MIN])];
    read("Slice", blocks(1), &backward).unwrap_or_else(|e| panic!("{e}"));
    read("Tile", blocks(1), &[real(&[2]), whole(&[3])]).unwrap_or_else(|e| panic!("{e}"));
}

/// Constant `n` of a file.
fn constant_of(file: &mut ModelProto, n: usize) -> &mut TensorProto {
    &mut file.graph.as_mut().expect("has one").initializer[n]
}

/// The normalizations of a file are the layers that were exported, with their weights in them.
#[test]
fn normalizations_stay_the_layers_that_they_are() {
    let path = wgrad_testing::fixture("onnx").join("normalizations.toml");
    let model = model_file::load(&path).unwrap_or_else(|e| panic!("{e}"));
    let weights = weights(&model);
    for layout in [Layout::Nhwc, Layout::Nchw] {
        let options = Options { layout, ..Options::default() };
        let (_, imported) = read_back(&model, &Preprocessing::default(), &weights, &options);
        let kinds = |model: &Model| -> Vec<&str> { model.layers.iter().map(|layer| layer.kind()).collect() };
        assert_eq!(kinds(&imported.model), kinds(&model));
        let shapes = |model: &Model| -> Vec<Vec<usize>> {
            model.parameters().expect("fits").into_iter().map(|p| p.shape).collect()
        };
        assert_eq!(shapes(&imported.model), shapes(&model), "ones and zeros are no weights of their own");
        assert_eq!(imported.weights, weights);
    }
}

/// The attention of a file is the layer that was exported, with the same weights: none is computed.
#[test]
fn attention_stays_the_layer_that_it_is() {
    let path = wgrad_testing::fixture("onnx").join("attention.toml");
    let model = model_file::load(&path).unwrap_or_else(|e| panic!("{e}"));
    let weights = weights(&model);
    for layout in [Layout::Nhwc, Layout::Nchw] {
        let options = Options { layout, ..Options::default() };
        let (_, imported) = read_back(&model, &Preprocessing::default(), &weights, &options);
        // Names are those of the nodes.
        let attention = |model: &Model| -> Vec<Layer> {
            let kinds = ["MultiHeadAttention", "Attention"];
            let own = model.layers.iter().filter(|layer| kinds.contains(&layer.kind()));
            own.cloned().map(|layer| named(layer, None)).collect()
        };
        assert_eq!(attention(&imported.model), attention(&model));
        assert_eq!(attention(&model).len(), 5);
        // An activation is a layer of its own, and a sum has two terms.
        assert_eq!(imported.model.layers.len(), model.layers.len() + 2, "{:?}", imported.model.layers);
        assert_eq!(imported.weights, weights);
    }
}

/// The layer with another name.
fn named(layer: Layer, name: Option<&str>) -> Layer {
    let name = name.map(String::from);
    match layer {
        Layer::MultiHeadAttention(layer) => MultiHeadAttention { name, ..layer }.into(),
        Layer::Attention(layer) => Attention { name, ..layer }.into(),
        other => other,
    }
}

/// What the file of a network with attention computes operator by operator, on the kernels, is what the network computes.
#[test]
fn attention_runs_as_operators() {
    let path = wgrad_testing::fixture("onnx").join("attention.toml");
    let model = model_file::load(&path).unwrap_or_else(|e| panic!("{e}"));
    let (weights, images, input) = (weights(&model), images(&model, 3), Preprocessing::default());
    let expected = logits(&model, &input, &weights, &images);
    let options = Options::default();
    let file = onnx::export::export(&model, &input, &weights, &options).unwrap_or_else(|e| panic!("{e}"));
    let tensors = onnx::export::inputs(&images, &model, &input, &options).expect("fits");
    let tensors = tensors.into_iter().map(|(_, tensor)| tensor).collect();
    let context = wgrad_testing::open(false);
    let device = Device::new(&context);
    let graph = file.graph.as_ref().expect("has one");
    let outputs = pollster::block_on(run(&device, graph, tensors)).unwrap_or_else(|e| panic!("{e:?}"));
    let got: Vec<f64> = outputs[0].reals().expect("numbers").iter().map(|v| f64::from(*v)).collect();
    let error = apart(&got, &expected);
    assert!(error < 1e-5, "{error:e}");
}

/// Sizes of an attention that do not fit are refused in words, and so are its masks of whole steps.
#[test]
fn attention_that_does_not_fit_is_refused_in_words() {
    let attends = |first: Layer| {
        let steps = Reshape { target_shape: vec![3, 2], name: Some("x".into()) };
        let model = Model::new("attends", [3, 2, 1]).add(steps).add(first);
        let name = model.layers[1].rules().given_name().expect("has one").to_string();
        model.add_from(MultiHeadAttention::new(2, 1), &[&name, &name]).add(Flatten::new()).add(Dense::new(2))
    };
    let floats = Preprocessing { floats: true, ..Preprocessing::default() };
    let masked = attends(Masking { name: Some("masked".into()), ..Masking::new() }.into());
    let refused = onnx::export::export(&masked, &floats, &weights(&masked), &Options::default()).map(drop);
    let refused = refused.expect_err("it has a mask").to_string();
    assert!(refused.contains("layer 2") && refused.contains("has a mask"), "{refused}");

    // Constants of another length, by the name of the tensor.
    let plain = attends(Dense { name: Some("rows".into()), ..Dense::new(4) }.into());
    let file = onnx::export::export(&plain, &floats, &weights(&plain), &Options::default()).expect("exports");
    for (name, shape, words) in [
        ("multi_head_attention_1.query_kernel", vec![3, 2], "a product of"),
        ("multi_head_attention_1.output_kernel", vec![3, 4], "the output of 2 heads, with [3, 4]"),
        ("multi_head_attention_1.output_kernel", vec![2, 3], "has 3 features, and its query 4"),
        ("multi_head_attention_1/query/heads_shape", vec![5], "[3, 2] does not reshape to [0, 1, 3, 1]"),
    ] {
        let mut file = file.clone();
        let graph = file.graph.as_mut().expect("has one");
        let n = graph.initializer.iter().position(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"));
        let all = shape.iter().product();
        let other = match name.ends_with("shape") {
            true => Tensor::whole(&shape, vec![0, 0, 1, 3, 1]),
            false => Tensor::real(&shape, vec![0.5; all]),
        };
        graph.initializer[n] = other.to_proto(name);
        let refused = import::import("net.onnx", &file, &import::Options::default()).map(drop);
        let refused = refused.expect_err(name).to_string();
        assert!(refused.contains(words), "{name} {shape:?}: {refused}");
    }
}

/// Transposes vanish where layers agree with another order of axes, and are layers where they do not.
#[test]
fn axes_are_moved_only_where_a_layer_needs_it() {
    let kinds = |layers: Vec<Layer>| {
        let model = Model { layers, ..Model::new("moved", [6, 5, 3]) };
        let (weights, images) = (weights(&model), images(&model, 2));
        let expected = logits(&model, &Preprocessing::default(), &weights, &images);
        let (_, imported) = read_back(&model, &Preprocessing::default(), &weights, &Options::default());
        let got = logits(&imported.model, &Preprocessing::default(), &imported.weights, &images);
        assert!(apart(&got, &expected) < 1e-6, "{:?}", imported.model.layers);
        imported.model.layers.iter().map(|layer| layer.kind()).collect::<Vec<_>>().join(" ")
    };
    let ends = || vec![Layer::from(Flatten::new()), Dense::new(4).into()];
    let permute = |dims: &[usize]| Layer::from(Permute::new(dims));
    let tanh = || Layer::from(Activation::new("tanh").expect("known"));
    // Kernels of the layer behind it are turned instead.
    assert_eq!(kinds([vec![permute(&[3, 1, 2]), tanh()], ends()].concat()), "Activation Flatten Dense");
    let twice = vec![permute(&[3, 1, 2]), tanh(), permute(&[2, 3, 1]), Conv2D::new(2, 3).into()];
    assert_eq!(kinds([twice, ends()].concat()), "Activation Conv2D Flatten Dense");
    let product = vec![permute(&[1, 3, 2]), Dense::new(2).into()];
    assert_eq!(kinds([product, ends()].concat()), "Permute Dense Flatten Dense");
    let window = vec![permute(&[2, 3, 1]), Conv2D::new(2, 2).into()];
    assert_eq!(kinds([window, ends()].concat()), "Permute Conv2D Flatten Dense");
    let rows =
        vec![Reshape::new(&[6, 15]).into(), permute(&[2, 1]), GRU::new(3).into(), Dense::new(4).into()];
    assert_eq!(kinds(rows), "Reshape Permute GRU Dense");
    let joined = vec![permute(&[2, 1, 3]), Reshape::new(&[15, 6]).into()];
    assert_eq!(kinds([joined, ends()].concat()), "Permute Reshape Flatten Dense");
}

#[test]
fn an_activation_that_recurrent_operators_lack_is_refused_by_name() {
    let text = "[[layers]]\ntype = \"Reshape\"\ntarget_shape = [4, 4]\n[[layers]]\ntype = \"GRU\"\nunits = 3\nname = \"odd\"\nactivation = \"selu\"\n[[layers]]\ntype = \"Dense\"\nunits = 2\n";
    let text = format!("input_shape = [4, 4, 1]\n{text}");
    let model = model_file::parse(Path::new("odd.toml"), &text).unwrap_or_else(|e| panic!("{e}"));
    let error =
        onnx::export::export(&model, &Preprocessing::default(), &weights(&model), &Options::default())
            .expect_err("ONNX has none");
    let error = error.to_string();
    assert!(
        error.contains("layer 2 (odd)") && error.contains("selu") && error.contains("softsign"),
        "{error}"
    );
    let error = onnx::export::export(&model, &Preprocessing::default(), &[0.0], &Options::default())
        .expect_err("too few")
        .to_string();
    assert!(error.contains("1 numbers"), "{error}");
}

#[test]
fn cases_of_onnx_itself_pass_on_the_kernels() {
    let context = wgrad_testing::open(false);
    let device = Device::new(&context);
    let mut outcomes = BTreeMap::new();
    for case in fs::read_dir(wgrad_testing::fixture("onnx").join("cases")).expect("is there") {
        let path = case.expect("is there").path();
        let outcome = pollster::block_on(run_case(&device, &path)).unwrap_or_else(|e| panic!("{e}"));
        outcomes.insert(path.file_name().expect("has one").to_string_lossy().into_owned(), outcome);
    }
    let (mut computed, mut moved) = (0, 0);
    for (case, outcome) in &outcomes {
        match (case.as_str(), outcome) {
            ("lstm_with_peepholes", Outcome::NotSupported { reason }) => {
                assert_eq!(reason, "LSTM: peepholes")
            }
            ("bitshift_left_uint8", Outcome::NotSupported { reason }) => {
                assert_eq!(reason, "BitShift: wgrad has no such operation")
            }
            (_, Outcome::Passed { dispatches: 0 }) => moved += 1,
            (_, Outcome::Passed { .. }) => computed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(computed >= 25 && moved >= 2, "{computed} computed, {moved} moved: {outcomes:?}");
    assert!(device.operations().len() >= 15, "{:?}", device.operations());
}

#[test]
fn a_wrong_outcome_fails_its_case() {
    let context = wgrad_testing::open(false);
    let device = Device::new(&context);
    let from = wgrad_testing::fixture("onnx").join("cases/softmax_axis_0");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("test_data_set_0");
    fs::create_dir(&data).expect("can be made");
    fs::copy(from.join("model.onnx"), folder.path().join("model.onnx")).expect("copies");
    let input = tensor(&from.join("test_data_set_0/input_0.pb"));
    let right = tensor(&from.join("test_data_set_0/output_0.pb"));
    fs::write(data.join("input_0.pb"), onnx::tensor_bytes(&input, "x")).expect("writes");
    let numbers = right.reals().expect("numbers").to_vec();
    for (factor, at, passes) in [(1.0, 3, true), (1.002, 3, false), (f32::NAN, 0, false)] {
        let mut wrong = numbers.clone();
        wrong[at] *= factor;
        fs::write(data.join("output_0.pb"), onnx::tensor_bytes(&Tensor::real(&right.shape, wrong), "y"))
            .expect("writes");
        let outcome = pollster::block_on(run_case(&device, folder.path())).unwrap_or_else(|e| panic!("{e}"));
        match outcome {
            Outcome::Passed { .. } => assert!(passes, "{factor}"),
            Outcome::Failed { reason } => assert!(!passes && reason.contains(&format!("[{at}]")), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_checkpoint_of_imported_weights_is_one_of_the_model() {
    let model = network("cnn", [12, 12, 1], 5).expect("built in");
    let (_, imported) = read_back(&model, &Preprocessing::default(), &weights(&model), &Options::default());
    let parameters = imported.model.parameters().expect("fits");
    let state = Checkpoint { weights: imported.weights, ..Checkpoint::default() };
    let bytes = state.to_bytes(&parameters).expect("writes");
    assert_eq!(Checkpoint::from_bytes("memory", &bytes, &parameters).expect("reads"), state);
}
