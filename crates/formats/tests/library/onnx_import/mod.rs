//! Import of files from other programs, compared with ONNX Runtime: each attribute and each composed activation has
//! the same effect as there, or is refused. `scripts/make_onnx_import_fixtures.py` makes the files.

mod table;

use crate::onnx::apart;
use std::{fs, path::Path, time::Instant};
use wgrad::{
    feed::{Batch, Step},
    layers::Layer,
    loss::Loss,
    model::Model,
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::{Mode, interpreter::Interpreter},
};
use wgrad_formats::onnx::{
    self, external,
    import::{self, Imported},
    proto::{
        AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
        StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
        attribute,
    },
    tensor::Tensor,
};

/// The outputs for `numbers` on the reference implementation, before softmax.
pub(crate) fn answers(model: &Model, weights: &[f32], numbers: &[f32]) -> Vec<f64> {
    let input = Preprocessing { floats: true, ..Preprocessing::default() };
    let count = numbers.len() / model.pixels();
    let program = model.program(&input, Mode::Evaluate, count, 1, &Optimizer::default()).expect("fits");
    let mut machine = Interpreter::new(program, weights);
    let images = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
    let batch = Batch { images, labels: vec![0; count * model.labels().expect("fits")] };
    machine.step(&batch, Step { rows: count as u32, ..Step::default() });
    machine.real(machine.program.output).to_vec()
}

fn read(path: &Path) -> ModelProto {
    onnx::read(&path.display().to_string(), &fs::read(path).expect("is there")).expect("reads")
}

fn numbers(file: &ModelProto, key: &str) -> Vec<f32> {
    serde_json::from_str(file.metadata(key).expect("has it")).expect("are numbers")
}

fn imported(what: &str, file: &ModelProto) -> Result<Imported, String> {
    import::import(what, file, &import::Options::default()).map_err(|error| error.to_string())
}

#[test]
fn every_attribute_is_read_as_onnx_runtime_reads_it_or_refused() {
    let mut seen = [0, 0];
    let mut wrong = Vec::new();
    for entry in fs::read_dir(wgrad_testing::fixture("onnx").join("import")).expect("is there") {
        let path = entry.expect("is there").path();
        let name = path.file_stem().expect("has one").to_string_lossy().into_owned();
        let file = read(&path);
        let found = imported(&name, &file);
        match (name.starts_with("refuse_"), found) {
            (true, Err(error)) if error.contains(file.metadata("refused").expect("has it")) => seen[1] += 1,
            (true, Err(error)) => wrong.push(format!("{name}: other words: {error}")),
            (true, Ok(_)) => wrong.push(format!("{name} is taken")),
            (false, Err(error)) => wrong.push(error),
            (false, Ok(net)) => {
                let expected: Vec<f64> = numbers(&file, "output").iter().map(|v| f64::from(*v)).collect();
                let mut got = answers(&net.model, &net.weights, &numbers(&file, "input"));
                if net.model.loss == Some(Loss::BinaryCrossEntropy) {
                    got.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp()));
                }
                let error = apart(&got, &expected);
                if error > 1e-5 {
                    wrong.push(format!("{name}: apart by {error:e}"));
                }
                seen[0] += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen[0] > 100 && seen[1] > 60, "{seen:?}");
}

#[test]
fn weights_beside_a_model_are_read_from_its_folder_alone() {
    let from = wgrad_testing::fixture("onnx").join("beside");
    let mut file = read(&from.join("net.onnx"));
    let stored = file.clone();
    let error = imported("net.onnx", &file).expect_err("nobody read them");
    assert!(error.contains("another file"), "{error}");
    external::fetch("net.onnx", &mut file, &from).expect("are there");
    let net = imported("net.onnx", &file).expect("reads");
    let expected: Vec<f64> = numbers(&file, "output").iter().map(|v| f64::from(*v)).collect();
    let error = apart(&answers(&net.model, &net.weights, &numbers(&file, "input")), &expected);
    assert!(error < 1e-5, "{error:e}");

    // Outside the folder there is the same file, and there is a folder with nothing but links.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let folder = elsewhere.path().join("folder");
    fs::create_dir(&folder).expect("is made");
    fs::copy(from.join("net.onnx.data"), elsewhere.path().join("net.onnx.data")).expect("copies");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../net.onnx.data", folder.join("link")).expect("links");
    fs::write(folder.join("short"), [0; 8]).expect("writes");
    let with = |key: &str, value: &str| {
        let mut file = stored.clone();
        for tensor in &mut file.graph.as_mut().expect("has one").initializer {
            tensor.external_data.retain(|entry| entry.key != key);
            tensor.external_data.push(StringStringEntryProto { key: key.into(), value: value.into() });
        }
        external::fetch("net.onnx", &mut file, &folder).expect_err(value).to_string()
    };
    let whole = elsewhere.path().join("net.onnx.data").display().to_string();
    let outside = "outside of the model's folder";
    let mut cases = vec![
        ("location", "nothing.data", "put `nothing.data` next to the model"),
        ("location", "", "does not say which"),
        ("location", "../net.onnx.data", outside),
        ("location", "..\\net.onnx.data", outside),
        ("location", "a/../../net.onnx.data", outside),
        ("location", whole.as_str(), outside),
        ("location", "short", "which has 8"),
        ("location", ".", "is not a file"),
        ("length", "3", "its length is 3"),
        ("offset", "-1", "its offset"),
        ("offset", "18446744073709551615", "next to the model"),
    ];
    if cfg!(unix) {
        cases.push(("location", "link", outside));
    }
    for (key, value, words) in cases {
        let error = with(key, value);
        assert!(error.contains("net.onnx: the tensor") && error.contains(words), "{key} = {value}: {error}");
    }
    fs::copy(&whole, folder.join("net.onnx.data")).expect("copies");
    let error = with("offset", "18446744073709551615");
    assert!(error.contains("from 18446744073709551615 on"), "{error}");
}

#[test]
fn files_of_other_formats_are_named() {
    let safetensors = [&16u64.to_le_bytes()[..], b"{\"a\":[0,1,2,3]} ", &[0; 4]].concat();
    let cases: [(&[u8], &str); 13] = [
        (b"PK\x03\x04......archive/data.pkl...", "torch.onnx.export"),
        (b"PK\x03\x04......config.json...", ".keras"),
        (b"\x89HDF\r\n\x1a\n....", "HDF5"),
        (b"\x1f\x8b\x08....", "gunzip"),
        (b"\x1c\0\0\0TFL3....", "TensorFlow Lite"),
        (b"\x80\x02}q\0.", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\xef\xbb\xbf{\"class_name\": \"Sequential\"}", "JSON"),
        (&safetensors, "safetensors"),
        (b"a,b,label\n1,2,x\n", "it is a table"),
        (b"\0\0\x08\x03", "it is an IDX file"),
        (b"\x89PNG\r\n\x1a\n", "it is a PNG picture"),
        (b"PAR1\x15\x04", "it is a Parquet file"),
    ];
    for (bytes, words) in cases {
        let error = onnx::read("net.onnx", bytes).expect_err(words).to_string();
        assert!(error.contains("net.onnx") && error.contains(words), "{error}");
    }
}

fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let dim = |n: &i64| Dimension { dim_value: (*n > 0).then_some(*n), dim_param: None };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: 1, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }), doc_string: String::new() }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    let input = inputs.iter().map(ToString::to_string).collect();
    NodeProto { op_type: op.into(), input, output: vec![output.into()], ..NodeProto::default() }
}

/// A file from x to y.
fn file(shape: &[i64], node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto {
        node,
        initializer,
        input: vec![value("x", shape)],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }
}

#[test]
fn bounds_that_no_activation_has_are_reported_in_words() {
    for (min, max, words) in [
        (Some(-1.0), Some(1.0), "from -1 to 1; wgrad has relu (from 0 on) and relu6 (from 0 to 6)"),
        (None, Some(6.0), "from no bound to 6"),
        (Some(0.5), None, "from 0.5 to no bound"),
    ] {
        let mut clip = node("Clip", &["x"], "y");
        for (name, bound) in [("min", min), ("max", max)] {
            let attribute = AttributeProto { name: name.into(), f: bound, ..AttributeProto::default() };
            clip.attribute.extend(bound.map(|_| attribute));
        }
        let error = imported("net.onnx", &file(&[1, 4], vec![clip], Vec::new())).expect_err(words);
        assert!(error.contains(words) && !error.contains("Some("), "{error}");
    }
}

#[test]
fn constants_of_all_nodes_together_have_a_bound() {
    let mut nodes = Vec::new();
    for n in 0..40 {
        let from = format!("c{n}");
        let mut doubled = node("Concat", &[&from, &from], &format!("c{}", n + 1));
        let axis =
            AttributeProto { name: "axis".into(), i: Some(0), r#type: attribute::INT, ..Default::default() };
        doubled.attribute.push(axis);
        nodes.push(doubled);
    }
    nodes.push(node("Mul", &["x", "c40"], "y"));
    let small = file(&[-1, 13], nodes, vec![Tensor::real(&[1], vec![1.0]).to_proto("c0")]);
    let error = imported("small.onnx", &small).expect_err("is far too large");
    assert!(error.contains("Concat") && error.contains("more than all nodes"), "{error}");

    // Weights that repeat the same bytes over and over do not belong to a network.
    let mut nodes: Vec<_> =
        (0..200).map(|n| node("MatMul", &[&format!("v{n}"), "w"], &format!("v{}", n + 1))).collect();
    nodes[0].input[0] = "x".into();
    nodes[199].output[0] = "y".into();
    let w = Tensor::real(&[1024, 1024], vec![0.5; 1 << 20]).to_proto("w");
    let error = imported("small.onnx", &file(&[-1, 1024], nodes, vec![w])).expect_err("is far too large");
    assert!(error.contains("far more than the file holds"), "{error}");
}

#[test]
fn long_chains_are_read_or_refused_at_once() {
    let chain = |op: &str, name: &str| {
        let all = 50_000;
        let mut nodes: Vec<_> = (0..all)
            .map(|n| NodeProto { name: name.into(), ..node(op, &[&format!("v{n}")], &format!("v{}", n + 1)) })
            .collect();
        nodes[0].input[0] = "x".into();
        nodes[all - 1].output[0] = "y".into();
        nodes.reverse();
        file(&[-1, 13], nodes, Vec::new())
    };
    let started = Instant::now();
    let net =
        imported("identity.onnx", &chain("Identity", "")).expect("is a network of nothing but a Flatten");
    assert_eq!(net.model.layers.len(), 1);
    let error = imported("relu.onnx", &chain("Softsign", "same")).expect_err("is no network");
    assert!(error.contains("more than 4096 layers"), "{error}");
    let mut sums = chain("Max", "");
    let graph = sums.graph.as_mut().expect("has one");
    graph.initializer.push(Tensor::real(&[], vec![-0.5]).to_proto("c"));
    graph.node.iter_mut().for_each(|node| node.input.push("c".into()));
    let error = imported("max.onnx", &sums).expect_err("is no network");
    assert!(error.contains("(Max)"), "{error}");
    // There is no time limit: a quadratic reader would take minutes, which is noticeable.
    eprintln!("three chains of 50,000 nodes: {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn names_of_a_file_move_no_terminal() {
    let odd = NodeProto { name: "a\u{1b}[2J\u{202e}".into(), ..node("Odd\u{7}", &["x"], "y") };
    let error = imported("odd.onnx", &file(&[-1, 13], vec![odd], Vec::new())).expect_err("is no operator");
    assert!(error.contains(r"a\u{1b}[2J\u{202e}") && !error.contains(char::is_control), "{error:?}");
}

#[test]
fn a_flat_input_is_a_row_or_a_picture() {
    let shape = |count: usize, options: import::Options| {
        let w = Tensor::real(&[count, 2], vec![0.5; 2 * count]).to_proto("w");
        let file = file(&[-1, count as i64], vec![node("MatMul", &["x", "w"], "y")], vec![w]);
        import::import("flat.onnx", &file, &options)
            .map(|net| net.model.input_shape)
            .map_err(|e| e.to_string())
    };
    let plain = import::Options::default;
    assert_eq!(shape(784, plain()), Ok([28, 28, 1]));
    assert_eq!(shape(4, plain()), Ok([1, 1, 4]));
    assert_eq!(shape(12, plain()), Ok([1, 1, 12]));
    let said = |shape| import::Options { input_shape: Some(shape), ..plain() };
    assert_eq!(shape(12, said([2, 2, 3])), Ok([2, 2, 3]));
    let error = shape(12, said([2, 2, 2])).expect_err("are 8");
    assert!(error.contains("(?, 12)") && error.contains("8 numbers"), "{error}");
}

#[test]
fn dropped_shares_of_an_attention_are_those_of_its_layer() {
    let file = read(&wgrad_testing::fixture("onnx").join("import/read_attention_dropout.onnx"));
    let read = |file: &ModelProto, training| {
        let options = import::Options { training, ..Default::default() };
        import::import("net.onnx", file, &options).map_err(|e| e.to_string())
    };
    for training in [false, true] {
        let net = read(&file, training).expect("is one layer");
        let dropout = net.model.layers.iter().find_map(|layer| match layer {
            Layer::MultiHeadAttention(layer) => Some(layer.dropout),
            _ => None,
        });
        assert_eq!(dropout, Some(0.5));
    }
    // The same drops of shares twice, and of scores before the softmax.
    let with = |from: &str, to: &str| {
        let mut file = file.clone();
        let graph = file.graph.as_mut().expect("has one");
        let at = graph.node.iter().position(|node| node.output == [from]).expect("makes it");
        for node in &mut graph.node[at + 1..] {
            node.input.iter_mut().filter(|name| *name == from).for_each(|name| *name = to.into());
        }
        graph.node.insert(at + 1, node("Dropout", &[from], to));
        file
    };
    for (from, to) in [("pd", "again"), ("z", "zd")] {
        let error = read(&with(from, to), true).expect_err("no layer drops them");
        assert!(error.contains("(Dropout)") && error.contains("drops 0.5 of the scores"), "{error}");
    }
}
