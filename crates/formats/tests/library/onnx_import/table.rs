//! A network on a table as a file: it takes the table's original numbers and gives one in the label's unit.

use super::{answers, imported};
use crate::onnx::weights;
use serde_json::json;
use wgrad::{loss::Loss, networks::network_for, preprocessing::Preprocessing};
use wgrad_data::table::Table;
use wgrad_formats::onnx::{self, export, proto::ModelProto};

fn table() -> Table {
    let columns = json!([
        {"name": "rooms", "place": 0, "number": {"mean": 3.5, "deviation": 1.25}},
        {"name": "town", "place": 1, "words": ["Rome", "Oslo"]},
        {"name": "same", "place": 2, "number": {"mean": 7.0, "deviation": 0.0}},
    ]);
    let label = json!({"name": "price", "place": 3, "number": {"mean": 250_000.0, "deviation": 60_000.0}});
    serde_json::from_value(json!({"columns": columns, "label": label})).expect("is a table")
}

/// Two rows with the table's numbers, and standardised: the last column was always 7, and has no effect.
const ROWS: [f32; 8] = [3.0, 1.0, 0.0, 7.0, 6.0, 0.0, 1.0, 9.0];
const STANDARDISED: [f32; 8] = [-0.4, 1.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0];

fn exported(table: &Table, loss: Loss, classes: usize) -> (wgrad::model::Model, Vec<f32>, ModelProto) {
    let model = network_for("mlp", [1, 1, 4], classes, loss).expect("built in");
    let input = Preprocessing { floats: true, numbers: loss.is_regression(), normalization: None };
    let weights = weights(&model);
    let options = export::Options { table: Some(table.clone()), ..export::Options::default() };
    let file = onnx::write(&export::export(&model, &input, &weights, &options).expect("exports"));
    (model, weights, onnx::read("memory", &file).expect("reads"))
}

#[test]
fn a_file_of_a_table_takes_its_numbers_and_gives_the_unit_of_its_label() {
    let table = table();
    let (model, weights, mut file) = exported(&table, Loss::MeanSquaredError, 0);
    let graph = file.graph.as_ref().expect("has one");
    assert_eq!((graph.input[0].name.as_str(), graph.output[0].name.as_str()), ("features", "value"));
    let shape = graph.input[0].r#type.as_ref().and_then(|t| t.tensor_type.clone()).and_then(|t| t.shape);
    let lens: Vec<_> = shape.expect("has one").dim.iter().map(|dim| dim.dim_value).collect();
    assert_eq!(lens, [None, Some(4)]);
    assert_eq!(file.metadata("input.columns"), Some(r#"["rooms","town=Rome","town=Oslo","same"]"#));
    assert_eq!(file.metadata("label"), Some("price"));

    let inside = answers(&model, &weights, &STANDARDISED);
    // wgrad reads its own file as a network on that table.
    let again = imported("own.onnx", &file).expect("reads");
    assert_eq!(again.table.as_ref(), Some(&table));
    assert_eq!(
        (again.model.input_shape, again.model.layers.len()),
        ([1, 1, 4], 4),
        "{:?}",
        again.model.layers
    );
    assert!(again.input.floats && again.input.numbers);
    assert_eq!(answers(&again.model, &again.weights, &STANDARDISED), inside);

    // Without the metadata, the file is what another program sees: numbers of the table in, a price out.
    let tables: Vec<_> = file.metadata_props.extract_if(.., |entry| entry.key == "table").collect();
    let plain = imported("plain.onnx", &file).expect("reads");
    let prices = answers(&plain.model, &plain.weights, &ROWS);
    for (price, inside) in prices.iter().zip(&inside) {
        let expected = 250_000.0 + 60_000.0 * inside;
        assert!((price - expected).abs() < 1e-4 * expected.abs(), "{price} and {expected}");
    }
    assert!(inside[0] != inside[1] && plain.table.is_none() && plain.input == Preprocessing::default());

    // Nodes with other numbers than the table's are not recognised.
    file.metadata_props.extend(tables);
    let odd = file.metadata("table").expect("there").replace("3.5", "3.25");
    file.metadata_props.iter_mut().filter(|e| e.key == "table").for_each(|e| e.value.clone_from(&odd));
    let odd = imported("odd.onnx", &file).expect("reads");
    assert!(odd.table.is_none());
    let far = answers(&odd.model, &odd.weights, &ROWS);
    assert!((far[0] - prices[0]).abs() < 1e-6 * prices[0].abs());
}

#[test]
fn classes_of_a_table_keep_their_columns() {
    let mut reported = serde_json::to_value(table()).expect("writes");
    reported["label"] = json!({"name": "kind", "place": 3, "words": ["house", "flat", "hut"]});
    let table: Table = serde_json::from_value(reported).expect("is a table");
    let (model, weights, file) = exported(&table, Loss::SoftmaxCrossEntropy, 3);
    let again = imported("own.onnx", &file).expect("reads");
    assert_eq!(again.table.as_ref(), Some(&table));
    assert_eq!(
        answers(&again.model, &again.weights, &STANDARDISED),
        answers(&model, &weights, &STANDARDISED)
    );
    let inputs = export::inputs(
        &STANDARDISED.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(),
        &model,
        &again.input,
        &export::Options { table: Some(table), ..export::Options::default() },
    );
    let [(name, images)] = &inputs.expect("fits")[..] else { panic!("one input") };
    assert_eq!(name, "features");
    // A column without effect is written as its mean.
    let rows = [&ROWS[..7], &[7.0]].concat();
    assert_eq!((&images.shape[..], images.reals().expect("numbers")), (&[2, 4][..], &rows[..]));
}
